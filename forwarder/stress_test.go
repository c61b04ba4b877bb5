package forwarder

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"vpcdns/acl"
	"vpcdns/forwarder/wire"
)

const (
	stressClients = 4
	stressPackets = 10_000 // of each client over UDP
	stressTCP     = 200    // connections
)

// TestStress sends mutated packets from clients and from upstream while the
// server is reloaded and flushed, and its interfaces change. No byte may bring
// it down, every query must be answered or counted, and nothing must be left.
func TestStress(t *testing.T) {
	fake := newFakeNet("10.79.1.10/24")
	up := &hostileUpstream{rand: rand.New(rand.NewPCG(1, 2))}
	fake.auto = up.answer
	s, err := newServer(stressConfig(0), Options{Workers: 2}, fake.network())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	<-s.Ready()

	var clients, trouble sync.WaitGroup
	var owed [stressClients]uint64
	for i := range owed {
		clients.Go(func() { owed[i] = fake.storm(uint64(i)) })
	}
	clients.Go(func() { fake.stormTCP(stressTCP) })
	quiet := make(chan struct{})
	trouble.Go(func() { makeTrouble(t, s, fake, quiet) })
	clients.Wait()
	close(quiet)
	trouble.Wait()
	fake.close()
	s.slow.drain(withTimeout(t, 10*time.Second))

	want := owed[0] + owed[1] + owed[2] + owed[3]
	settled := func() (answered uint64, ok bool) {
		st := s.Stats()
		for _, q := range st.Queries {
			if q.Transport == "udp" {
				answered += q.Count
			}
		}
		return answered, answered+st.Overflow >= want
	}
	if got := await(settled); got > want || got+s.slow.overflow.Load() < want {
		t.Errorf("%d queries over UDP were answered, %d dropped, want %d", got, s.slow.overflow.Load(), want)
	}
	if n := s.slow.owed.Load(); n != 0 {
		t.Errorf("%d queries are still owed an answer, want 0", n)
	}
	for _, z := range s.state.Load().routes {
		if z.fetches != 0 {
			t.Errorf("zone %s counts %d fetches, want 0", z.name, z.fetches)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	goleak.VerifyNone(t)
	if fake.dialled != fake.closed {
		t.Errorf("%d sockets to upstream were made, %d closed", fake.dialled, fake.closed)
	}
}

func withTimeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// await waits until f is content, or for long, and returns its last value.
func await[T any](f func() (T, bool)) T {
	for range 500 {
		if v, ok := f(); ok {
			return v
		}
		time.Sleep(10 * time.Millisecond)
	}
	v, _ := f()
	return v
}

// stressConfig is a configuration with all that queries can meet; they differ
// by n.
func stressConfig(n int) *Config {
	cfg := testConfig()
	cfg.Limits.ResolverQueryTimeout = 300 * time.Millisecond
	cfg.Cache.MaxSize = 2 << 20
	cfg.Cache.StaleEnable, cfg.Cache.StaleAnswer = n%2 == 0, n%2 == 0
	cfg.Cache.StaleClientTimeout = time.Duration(n%3-1) * 20 * time.Millisecond
	cfg.Cache.MaxStaleTTL, cfg.Cache.StaleAnswerTTL = time.Minute, 30*time.Second
	cfg.Blackhole = acl.List{{Prefix: netip.MustParsePrefix("10.66.0.0/16")}}
	cfg.AllowRecurse = acl.List{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
	cfg.MinimalResponses, cfg.MinimalAny = n%2 == 1, n%2 == 0
	servers := []netip.AddrPort{netip.MustParseAddrPort("10.79.0.2:53"), netip.MustParseAddrPort("10.79.0.3:53")}
	cfg.Zones = append(cfg.Zones,
		ForwardZone{Name: "a.test.", Forwarders: servers[:1+n%2]},
		ForwardZone{Name: "b.test.", Forwarders: servers[1:]},
		ForwardZone{Name: "none.test."})
	return cfg
}

// makeTrouble changes what can be changed until quiet is closed.
func makeTrouble(t *testing.T, s *Server, fake *fakeNet, quiet chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-quiet:
			return
		case <-time.After(5 * time.Millisecond):
		}
		switch i % 20 {
		case 0:
			if err := s.Reload(stressConfig(i)); err != nil {
				t.Errorf("Reload = %v", err)
			}
		case 5:
			s.Flush()
		case 10:
			_, _ = s.FlushTree("a.test.")
		case 15:
			fake.change(envOf([]string{"10.79.1.10/24", "10.79.2.10/24"}[:1+i/20%2]...))
			s.readInterfaces()
		}
		s.Stats()
		fake.got()
		fake.forget()
	}
}

// storm sends queries over UDP, most of them broken, and returns how many must
// be answered or counted.
func (n *fakeNet) storm(seed uint64) (owed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	for range stressPackets {
		msg := hostileQuery(r)
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(60 + r.IntN(10)), 0, byte(seed)}), uint16(1024+r.IntN(60000)))
		n.ask(peer, testServer, false, msg)
		var q wire.Query
		if q.Parse(msg) != wire.Ignore && peer.Addr().As4()[1] != 66 {
			owed++
		}
	}
	return owed
}

// stormTCP makes connections, pipelines broken queries on them, and drops most.
func (n *fakeNet) stormTCP(conns int) {
	r := rand.New(rand.NewPCG(4, 5))
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range conns {
		n.mu.Lock()
		l := n.tcp[testServer]
		n.mu.Unlock()
		c := l.connect(netip.AddrPortFrom(testClient.Addr(), uint16(1024+i)))
		if c == nil {
			return
		}
		readers.Go(func() {
			for {
				if _, err := readFrame(c); err != nil {
					return
				}
			}
		})
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		for range 1 + r.IntN(20) {
			msg := hostileQuery(r)
			frame := append([]byte{byte(len(msg) >> 8), byte(len(msg))}, msg...)
			if _, err := c.Write(frame[:len(frame)-r.IntN(2)*r.IntN(2)]); err != nil {
				break
			}
		}
		c.Close()
	}
}

// hostileQuery is a query for one of many names, as it is or mutated.
func hostileQuery(r *rand.Rand) []byte {
	m := new(dns.Msg)
	zone := []string{"example.", "a.test.", "b.test.", "none.test.", "version.bind."}[r.IntN(5)]
	types := []uint16{dns.TypeA, dns.TypeTXT, dns.TypeANY, dns.TypeDS, dns.TypeAXFR, dns.TypeCNAME}
	m.SetQuestion(fmt.Sprintf("n%d.%s", r.IntN(300), zone), types[r.IntN(len(types))])
	m.Question[0].Qclass = []uint16{dns.ClassINET, dns.ClassINET, dns.ClassINET, dns.ClassCHAOS}[r.IntN(4)]
	m.CheckingDisabled, m.RecursionDesired = r.IntN(4) == 0, r.IntN(8) > 0
	if r.IntN(2) == 0 {
		m.SetEdns0(uint16(r.IntN(5000)), r.IntN(2) == 0)
	}
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return mutated(r, msg)
}

// mutated changes half of the messages: octets, or the length.
func mutated(r *rand.Rand, msg []byte) []byte {
	switch r.IntN(6) {
	case 0, 1:
		for range 1 + r.IntN(4) {
			msg[r.IntN(len(msg))] = byte(r.IntN(256))
		}
	case 2:
		from := r.IntN(len(msg))
		msg = slices.Concat(msg[:from], msg[from/2:], msg[from:])
		if r.IntN(2) == 0 || len(msg) > dns.MaxMsgSize-1 {
			msg = msg[:r.IntN(min(len(msg), dns.MaxMsgSize))]
		}
	}
	return msg
}

// hostileUpstream answers with all that an upstream may say, and with what it
// must not.
type hostileUpstream struct {
	rand *rand.Rand // under fakeNet.mu
}

func (u *hostileUpstream) answer(q *asking) []byte {
	r := u.rand
	m, a := new(dns.Msg), new(dns.Msg)
	if m.Unpack(q.msg) != nil || len(m.Question) != 1 || r.IntN(20) == 0 {
		return nil // silence
	}
	a.SetReply(m)
	name := m.Question[0].Name
	h := dns.RR_Header{Name: name, Class: dns.ClassINET, Rrtype: dns.TypeA, Ttl: uint32(r.IntN(4))}
	cname := func(target string) dns.RR {
		h := h
		h.Rrtype = dns.TypeCNAME
		return &dns.CNAME{Hdr: h, Target: target}
	}
	soa := &dns.SOA{Hdr: dns.RR_Header{Name: "test.", Class: dns.ClassINET, Rrtype: dns.TypeSOA, Ttl: 5}, Ns: ".", Mbox: ".", Minttl: 2}
	switch r.IntN(10) {
	case 0:
		a.Answer = []dns.RR{cname(fmt.Sprintf("n%d.b.test.", r.IntN(300)))}
	case 1:
		a.Answer = []dns.RR{cname(name)}
	case 2:
		a.Rcode, a.Ns = dns.RcodeNameError, []dns.RR{soa}
	case 3:
		a.Rcode = r.IntN(24)
	case 4:
		a.Truncated = !q.tcp
		a.Answer = bigAnswer(h)[:1+r.IntN(200)]
	case 5:
		a.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "test.", Class: dns.ClassINET, Rrtype: dns.TypeNS, Ttl: 5}, Ns: "ns.test."}}
	case 6:
		a.Ns = []dns.RR{soa}
	default:
		for i := range 1 + r.IntN(5) {
			a.Answer = append(a.Answer, &dns.A{Hdr: h, A: net.IPv4(10, 0, 0, byte(i))})
		}
	}
	a.Compress = r.IntN(2) == 0
	if m.IsEdns0() != nil && r.IntN(2) == 0 {
		a.SetEdns0(1232, false)
	}
	msg, err := a.Pack()
	if err != nil {
		return nil
	}
	return mutatedBody(r, msg, 12+len(name)+1+4)
}

// mutatedBody mutates behind the question as a rule, so that upstream's ID and
// question are right and the rest is looked at.
func mutatedBody(r *rand.Rand, msg []byte, body int) []byte {
	switch {
	case r.IntN(500) == 0:
		return mutated(r, msg)
	case body >= len(msg):
		return msg
	}
	return append(msg[:body:body], mutated(r, slices.Clone(msg[body:]))...)
}
