package forwarder

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/wire"
)

// serveOnce is the body of the benchmark and of the allocation test.
func (e *hitCase) serveOnce(a *asker, dst []byte) (int, outcome) {
	a.q.client = testAsker(e.tcp)
	a.begin()
	reply, what := a.serve(dst, e.query, &a.q)
	a.end()
	return len(reply), what
}

func TestHitAllocatesNothing(t *testing.T) {
	s := unserved(t)
	a := s.newAsker()
	dst := make([]byte, 0, udp.MaxReply)
	for _, e := range hits() {
		t.Run(e.name, func(t *testing.T) {
			allocs := testing.AllocsPerRun(100, func() {
				if n, what := e.serveOnce(a, dst); what != replied || n < 100 {
					t.Fatalf("serve = %d octets, %v, want an answer", n, what)
				}
			})
			if allocs != 0 {
				t.Errorf("a hit allocates %v times, want 0", allocs)
			}
		})
	}
}

// pinger is a client's UDP socket that asks in batches.
type pinger struct {
	*udp.Socket
	msgs, bufs [][]byte
	sizes      []int
}

// burst is how many queries a pinger has under way.
const burst = 32

func newPinger(tb testing.TB, server netip.AddrPort) *pinger {
	tb.Helper()
	sock, err := udp.Dial(server, netip.AddrPort{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { sock.Close() })
	p := &pinger{Socket: sock, sizes: make([]int, burst)}
	for range burst {
		p.msgs = append(p.msgs, nil)
		p.bufs = append(p.bufs, make([]byte, udp.MaxReply))
	}
	return p
}

// ping sends a burst and waits for as many replies.
func (p *pinger) ping(tb testing.TB) {
	if n, err := p.Send(p.msgs); n != burst || err != nil {
		tb.Fatalf("Send = %d, %v", n, err)
	}
	for got := 0; got < burst; {
		n, err := p.Recv(p.bufs, p.sizes)
		if err != nil {
			tb.Fatal(err)
		}
		for i := range n {
			if msg := p.bufs[i][:p.sizes[i]]; wire.Rcode(msg) != wire.NoError || msg[7] == 0 {
				tb.Fatalf("got %x, want an answer", msg)
			}
		}
		got += n
	}
}

func TestUDPReaderAllocatesNothing(t *testing.T) {
	s, _ := serveLoopback(t)
	fill(t, s)
	p := newPinger(t, s.Addrs()[0])
	for _, e := range hits()[:3] {
		t.Run(e.name, func(t *testing.T) {
			for i := range p.msgs {
				p.msgs[i] = e.query
			}
			allocs := testing.AllocsPerRun(50, func() { p.ping(t) })
			if allocs >= 1 {
				t.Errorf("%d hits allocate %v times, want 0", burst, allocs)
			}
		})
	}
}

func BenchmarkServe(b *testing.B) {
	for _, e := range hits() {
		b.Run(e.name, func(b *testing.B) {
			s := unserved(b)
			a := s.newAsker()
			dst := make([]byte, 0, udp.MaxReply)
			b.ReportAllocs()
			for b.Loop() {
				if _, what := e.serveOnce(a, dst); what != replied {
					b.Fatalf("serve = %v, want replied", what)
				}
			}
		})
	}
	b.Run("udp", benchmarkUDP)
	b.Run("miss", benchmarkMiss)
	b.Run("tcp", benchmarkTCP)
}

// perQuery reports the time of one query, of which n were made in each loop.
func perQuery(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/query")
}

func benchmarkUDP(b *testing.B) {
	s, _ := serveLoopback(b)
	fill(b, s)
	p := newPinger(b, s.Addrs()[0])
	for i := range p.msgs {
		p.msgs[i] = hits()[1].query
	}
	b.ReportAllocs()
	for b.Loop() {
		p.ping(b)
	}
	perQuery(b, burst)
}

// benchmarkMiss asks for names that nobody asked for before.
func benchmarkMiss(b *testing.B) {
	s, fake := serveLoopback(b)
	fake.mirror = true
	p := newPinger(b, s.Addrs()[0])
	for i := range p.msgs {
		p.msgs[i] = queryFor(uint16(i), "0000000000.example.", dns.TypeA)
	}
	name := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		for _, msg := range p.msgs {
			name++
			copy(msg[wire.HeaderLen+1:], fmt.Appendf(nil, "%010d", name))
		}
		p.ping(b)
	}
	perQuery(b, burst)
}

func benchmarkTCP(b *testing.B) {
	s, _ := serveLoopback(b)
	fill(b, s)
	c := dialServer(b, s)
	var pipeline []byte
	for range burst {
		q := hits()[1].query
		pipeline = append(pipeline, frame(q)...)
	}
	c.send(pipeline[:len(pipeline)/burst])
	one := 2 + len(c.receiveRaw())
	buf := make([]byte, one*burst)
	b.ReportAllocs()
	for b.Loop() {
		c.send(pipeline)
		c.fill(buf)
	}
	perQuery(b, burst)
}

// discard is a socket whose replies go nowhere.
type discard struct{ udp.Conn }

func (discard) WriteBatch(out *udp.Out) error { out.Reset(); return nil }

// Who waited for upstream is replied to without garbage.
func TestLateResponseAllocatesNothing(t *testing.T) {
	s := unserved(t)
	a := s.newAsker()
	a.ask(queryFor(1, "late.example.", dns.TypeA), testAsker(false))
	r := s.newResolver()
	r.begin()
	allocs := testing.AllocsPerRun(100, func() {
		w := a.wait(&a.q)
		w.conn = discard{}
		r.sendAll(w, failure(SourceMiss, ede{}))
		r.Flush()
	})
	if allocs != 0 {
		t.Errorf("a late response allocates %v times, want 0", allocs)
	}
}
