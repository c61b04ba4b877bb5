package forwarder

import (
	"maps"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/tcp"
)

// abuser is one address that does all it can to use up connections, memory
// and goroutines for 30 s.
func (r *replay) abuse(t *testing.T, idle, slow, deaf int) {
	from := netip.MustParseAddr("10.6.6.6")
	next := uint16(1024)
	dial := func() net.Conn {
		next++
		return r.net.connect(t, netip.AddrPortFrom(from, next))
	}
	for range idle {
		dial()
	}
	query := frame(queryFor(1, "www.example.", dns.TypeA))
	for range slow {
		c := dial()
		go func() { // an octet a second
			for i := range 30 {
				if _, err := c.Write(query[i : i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
	}
	large := frame(queryFor(1, "big.example.", dns.TypeTXT))
	for range deaf {
		c := dial()
		go func() {
			for range 1000 {
				if _, err := c.Write(large); err != nil {
					return
				}
			}
		}()
	}
}

// A thousand idle connections, a hundred that send an octet now and then, and
// fifty that never read: honest clients of UDP and TCP lose neither a query nor
// a connection.
func TestTCPAbuse(t *testing.T) {
	const honest, rounds = 20, 30
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		peer := func(i int, port uint16) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}), port)
		}
		before := runtime.NumGoroutine()
		replies := 0
		var conns map[netip.AddrPort]net.Conn
		for round := range rounds {
			for i := range honest {
				id := uint16(round*honest + i)
				r.net.ask(peer(i, 5000), testServer, true, queryFor(id, "www.example.", dns.TypeA))
				r.net.ask(peer(i, 5001), testServer, false, queryFor(id, "www.example.", dns.TypeA))
				r.net.askTCP(peer(i, uint16(6000+round)), testServer, queryFor(id, "www.example.", dns.TypeA))
			}
			synctest.Wait()
			replies += len(r.net.got())
			for i := range honest { // the second connection was for one query only
				r.net.hangUp(peer(i, uint16(6000+round)))
			}
			switch round {
			case 0:
				conns = r.net.connections()
			case 1, 10, 20:
				r.abuse(t, 1000, 100, 50)
			}
			r.checkTCP(t, before)
			time.Sleep(time.Second)
		}
		if want := 3 * honest * rounds; replies != want {
			t.Errorf("honest clients got %d replies, want %d", replies, want)
		}
		if !maps.Equal(r.net.connections(), conns) {
			t.Error("an honest client lost its connection")
		}
		time.Sleep(time.Minute) // abusers give up
	})
}

// checkTCP checks what clients may use up.
func (r *replay) checkTCP(t *testing.T, before int) {
	t.Helper()
	synctest.Wait()
	limit := r.s.state.Load().cfg.TCP.Clients
	if n := r.s.clients.Stats().Open; n > limit {
		t.Errorf("%d connections are open, want %d at most", n, limit)
	}
	if n := r.s.clients.Stats().Unread; n < 0 || n > tcp.MaxUnreadAll {
		t.Errorf("%d octets wait to be read, want %d at most", n, tcp.MaxUnreadAll)
	}
	// Two a connection at each end, and what upstream's sockets need.
	if n := runtime.NumGoroutine() - before; n > 4*limit+100 {
		t.Errorf("%d goroutines more than without clients, want %d at most", n, 4*limit+100)
	}
}

// Clients that leave much unread lose their connections before all of them
// together use up the memory; what was counted is given back.
func TestTCPUnreadInTotal(t *testing.T) {
	cfg := testConfig()
	cfg.TCP.Clients = 400
	virtual(t, cfg, func(t *testing.T, r *replay) {
		for i := range 400 {
			c := r.net.connect(t, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}), 6000))
			go func() {
				for {
					if _, err := c.Write(frame(queryFor(1, "hold.example.", dns.TypeTXT))); err != nil {
						return
					}
				}
			}()
		}
		synctest.Wait()
		for range 2 { // too large for UDP, so over TCP
			q := r.net.take(netip.Addr{})
			q.answer(replyTo(q.msg, func(_, m *dns.Msg) { m.Answer = bigAnswer(header(m.Question[0].Name, dns.TypeTXT, 60)) }))
			synctest.Wait()
		}
		most := int64(tcp.MaxUnreadAll + 400*(tcp.Backlog+2*largestTCP))
		if n := r.s.clients.Stats().Unread; n <= 0 || n > most {
			t.Errorf("%d octets wait to be read, want some, %d at most", n, most)
		}
		if n := r.s.clients.Stats().Open; n == 400 {
			t.Error("all connections are open, want those closed that were behind")
		}
		time.Sleep(2 * cfg.TCP.IdleTimeout)
		synctest.Wait()
		if n, open := r.s.clients.Stats().Unread, r.s.clients.Stats().Open; n != 0 || open != 0 {
			t.Errorf("%d octets wait in %d connections after tcp-idle-timeout, want none", n, open)
		}
	})
}
