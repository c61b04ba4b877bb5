package forwarder

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"vpcdns/forwarder/udp"
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
	fake.auto = newLiar(t).answer
	s, err := newServer(stressConfig(0), Options{Workers: 2, UpstreamPPS: Unlimited}, fake.network())
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, s)

	var clients, trouble sync.WaitGroup
	var counted [stressClients]uint64
	for i := range counted {
		clients.Go(func() { counted[i] = fake.storm(newMutator(t, uint64(i)), byte(i)) })
	}
	clients.Go(func() { fake.stormTCP(newMutator(t, stressClients), stressTCP) })
	quiet := make(chan struct{})
	trouble.Go(func() { makeTrouble(t, s, fake, quiet) })
	clients.Wait()
	close(quiet)
	trouble.Wait()
	fake.close()
	s.waiters.drain(withTimeout(t, 10*time.Second))

	want := counted[0] + counted[1] + counted[2] + counted[3]
	var answered, dropped uint64
	eventually(func() bool {
		answered, dropped = s.replies("udp"), s.queue.overflow.Load()
		return answered+dropped >= want
	})
	if answered > want || answered+dropped < want {
		t.Errorf("%d queries over UDP were answered, %d dropped, want %d", answered, dropped, want)
	}
	if n := s.waiters.n.Load(); n != 0 {
		t.Errorf("%d queries still wait for an answer, want 0", n)
	}
	for _, z := range s.state.Load().routes {
		if z.fetches != 0 {
			t.Errorf("zone %s counts %d fetches, want 0", z.name, z.fetches)
		}
	}
	stop()
	goleak.VerifyNone(t)
	if fake.dialled != fake.closed {
		t.Errorf("%d sockets to upstream were made, %d closed", fake.dialled, fake.closed)
	}
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
func (n *fakeNet) storm(m *mutator, host byte) (counted uint64) {
	for range stressPackets {
		msg := m.hostileQuery(udp.MaxQuery)
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(60 + m.IntN(10)), 0, host}), uint16(1024+m.IntN(60000)))
		n.ask(peer, testServer, false, msg)
		var q wire.Query
		if q.Parse(msg) != wire.Ignore && !stressBlackhole.Contains(peer.Addr()) {
			counted++
		}
	}
	return counted
}

// stormTCP makes connections, pipelines broken queries on them, and drops most.
func (n *fakeNet) stormTCP(m *mutator, conns int) {
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range conns {
		c := n.open(netip.AddrPortFrom(testClient.Addr(), uint16(1024+i)))
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
		for range 1 + m.IntN(20) {
			msg := m.hostileQuery(dns.MaxMsgSize)
			framed := frame(msg)
			if _, err := c.Write(framed[:len(framed)-m.IntN(2)*m.IntN(2)]); err != nil {
				break
			}
		}
		c.Close()
	}
}
