package forwarder

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/tcp"
)

// alive reports whether the server still has the other end of c.
func alive(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// A client that never reads costs bounded memory, is not read from any more,
// and goes after tcp-idle-timeout; others do not notice.
func TestTCPNeverReads(t *testing.T) {
	const large = 57 << 10 // octets of a reply at least
	tests := []struct {
		name  string
		query string
		most  uint64 // replies that are made for it
		open  int    // connections after some time: that of another client is one
	}{
		{"hits", "big.example.", 2 * (tcp.Backlog/large + 1), 2},      // some being written, some pending
		{"misses", "big%.example.", 2 * (tcp.MaxUnread/large + 2), 1}, // which pile up
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.TCP.IdleTimeout = 3 * time.Second
			virtual(t, cfg, func(t *testing.T, r *replay) { neverReads(t, r, test.query, test.most, test.open) })
		})
	}
}

func neverReads(t *testing.T, r *replay, query string, most uint64, open int) {
	r.net.ask(testClient, testServer, true, queryFor(1, "big.example.", dns.TypeTXT))
	synctest.Wait()
	r.net.got()
	before := r.s.replies("tcp")
	c := r.net.connect(t, netip.MustParseAddrPort("10.6.6.6:666"))
	written := 0
	var pipeline []byte
	go func() {
		for i := range 100_000 {
			name := strings.ReplaceAll(query, "%", strconv.Itoa(i))
			if pipeline = append(pipeline, frame(queryFor(uint16(i), name, dns.TypeTXT))...); len(pipeline) < tcp.ReadBuffer {
				continue
			}
			if _, err := c.Write(pipeline); err != nil {
				return
			}
			pipeline = pipeline[:0]
			written = i
		}
	}()
	synctest.Wait()
	if n := r.s.replies("tcp") - before; n > most {
		t.Errorf("%d replies of 60 kB were made, want %d at most", n, most)
	}
	if written > 1000 {
		t.Errorf("%d queries were read of a client that reads nothing", written)
	}
	for _, want := range []int{open, 1} {
		time.Sleep(2 * time.Second)
		r.net.ask(testClient, testServer, true, queryFor(2, "www.example.", dns.TypeA))
		synctest.Wait()
		if got := r.net.got(); len(got) != 1 {
			t.Errorf("another client got %d replies, want 1", len(got))
		}
		if n := r.s.clients.Stats().Open; n != want {
			t.Errorf("%d connections are open, want %d", n, want)
		}
	}
}

// tcp-clients: the one that has been idle longest makes room. One that waits
// for upstream is not idle.
func TestTCPEviction(t *testing.T) {
	cfg := testConfig()
	cfg.TCP.Clients = 4
	virtual(t, cfg, func(t *testing.T, r *replay) {
		conns := make([]net.Conn, 5)
		for i := range 4 {
			conns[i] = r.net.connect(t, netip.AddrPortFrom(testClient.Addr(), uint16(6000+i)))
			if i == 0 {
				conns[i].Write(frame(queryFor(1, "hold.example.", dns.TypeA)))
			}
			time.Sleep(time.Second)
		}
		conns[1].Write(frame(queryFor(1, "www.example.", dns.TypeA)))
		readFrame(conns[1])
		conns[4] = r.net.connect(t, netip.AddrPortFrom(testClient.Addr(), 7000))
		synctest.Wait()
		var left []bool
		for _, c := range conns {
			left = append(left, alive(c))
		}
		if want := []bool{true, true, false, true, true}; !slices.Equal(left, want) {
			t.Errorf("connections left = %v, want %v", left, want)
		}
		if st := r.s.Stats(); st.TCPOpen != 4 || st.TCPEvicted != 1 {
			t.Errorf("Stats: open %d, evicted %d, want 4, 1", st.TCPOpen, st.TCPEvicted)
		}
	})
}

// A reload that lowers tcp-clients closes the connections that are too many.
func TestTCPClientsLowered(t *testing.T) {
	cfg := testConfig()
	cfg.TCP.Clients = 10
	virtual(t, cfg, func(t *testing.T, r *replay) {
		var conns []net.Conn
		for i := range 10 {
			conns = append(conns, r.net.connect(t, netip.AddrPortFrom(testClient.Addr(), uint16(6000+i))))
			time.Sleep(time.Second)
		}
		lower := testConfig()
		lower.TCP.Clients = 3
		if err := r.s.Reload(lower); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := r.s.Stats().TCPOpen; n != 3 {
			t.Errorf("%d connections are open, want 3", n)
		}
		for i, c := range conns {
			if got, want := alive(c), i >= 7; got != want {
				t.Errorf("connection %d is open: %v, want %v", i, got, want)
			}
		}
	})
}

// Many more clients than tcp-clients that come at once, and ask one question each,
// are all served, and soon: those that have asked make room for those that wait,
// whether they hang up or not.
func TestTCPBurst(t *testing.T) {
	for name, hold := range map[string]bool{"hang up": false, "hold": true} {
		for source, apart := range map[string]int{"one address": 0, "an address each": 1} {
			t.Run(name+", "+source, func(t *testing.T) {
				cfg := testConfig()
				cfg.TCP.Clients = 100
				virtual(t, cfg, func(t *testing.T, r *replay) {
					var conns []net.Conn
					for i := range 150 {
						addr := netip.AddrFrom4([4]byte{10, 1, 0, byte(i * apart)})
						conns = append(conns, r.net.connect(t, netip.AddrPortFrom(addr, uint16(6000+i))))
					}
					began := time.Now()
					var slowest atomic.Int64
					var wg sync.WaitGroup
					for i, c := range conns {
						wg.Go(func() {
							c.Write(frame(queryFor(uint16(i), "www.example.", dns.TypeA)))
							if _, err := readFrame(c); err != nil {
								t.Errorf("connection %d: %v, want a reply", i, err)
							}
							slowest.Store(int64(time.Since(began)))
							if !hold {
								c.Close()
							}
						})
					}
					wg.Wait()
					if d := time.Duration(slowest.Load()); d > 50*time.Millisecond {
						t.Errorf("the last reply came after %v, want 50 ms at most", d)
					}
				})
			})
		}
	}
}

// Whoever has fewer connections than others does not wait long for one of
// theirs, though they are new; nor does anybody wait for ever.
func TestTCPWaitsForRoom(t *testing.T) {
	tests := []struct {
		name string
		own  bool // all connections are the newcomer's client's
		busy bool
		want time.Duration
	}{
		{name: "of another client", want: 25 * time.Millisecond},
		{name: "of its own", own: true, want: 250 * time.Millisecond},
		{name: "of another, that waits for upstream", busy: true},
		{name: "of its own, that waits for upstream", own: true, busy: true, want: time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.TCP.Clients = 60
			virtual(t, cfg, func(t *testing.T, r *replay) {
				r.net.ask(testClient, testServer, false, queryFor(1, "www.example.", dns.TypeA))
				newcomer := netip.MustParseAddr("10.1.0.4")
				for i := range cfg.TCP.Clients {
					addr := newcomer
					if !test.own {
						addr = addr.Next()
					}
					c := r.net.connect(t, netip.AddrPortFrom(addr, uint16(6000+i)))
					if test.busy {
						c.Write(frame(queryFor(1, "hold.example.", dns.TypeA)))
					}
				}
				synctest.Wait()
				began := time.Now()
				c := r.net.connect(t, netip.AddrPortFrom(newcomer, 7000))
				c.Write(frame(queryFor(1, "www.example.", dns.TypeA)))
				if _, err := readFrame(c); err != nil {
					t.Fatal(err)
				}
				const tick = 5 * time.Millisecond
				if d := time.Since(began); d < test.want || d > test.want+tick {
					t.Errorf("the reply came after %v, want %v", d, test.want)
				}
			})
		})
	}
}

// A thousand idle connections do not keep an honest client out.
func TestTCPManyIdle(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		for i := range 1000 {
			r.net.connect(t, netip.AddrPortFrom(testClient.Addr(), uint16(6000+i)))
		}
		for i := range 100 {
			peer := netip.AddrPortFrom(testClient.Addr(), uint16(8000+i))
			r.net.ask(peer, testServer, true, queryFor(uint16(i), "www.example.", dns.TypeA))
			synctest.Wait()
		}
		if n := len(r.net.got()); n != 100 {
			t.Errorf("honest clients got %d replies, want 100", n)
		}
		if n := r.s.clients.Stats().Open; n > 150 {
			t.Errorf("%d connections are open, want 150 at most", n)
		}
	})
}

func TestTCPIdleTimeouts(t *testing.T) {
	tests := []struct {
		name string
		asks []time.Duration // when a query is sent
		ends time.Duration
	}{
		{"silent from the start", nil, 3 * time.Second},
		{"one query", []time.Duration{2 * time.Second}, 7 * time.Second},
		{"busy", []time.Duration{1 * time.Second, 4 * time.Second, 8 * time.Second, 9 * time.Second}, 14 * time.Second},
		{"queries close together", []time.Duration{1 * time.Second, 1900 * time.Millisecond}, 6900 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.TCP.InitialTimeout, cfg.TCP.IdleTimeout = 3*time.Second, 5*time.Second
			virtual(t, cfg, func(t *testing.T, r *replay) {
				began := time.Now()
				c := r.net.connect(t, testClient)
				ended := make(chan time.Duration, 1)
				go func() {
					for {
						if _, err := readFrame(c); err != nil {
							ended <- time.Since(began)
							return
						}
					}
				}()
				for i, at := range test.asks {
					time.Sleep(at - time.Since(began))
					c.Write(frame(queryFor(uint16(i), "www.example.", dns.TypeA)))
				}
				const slack = 625 * time.Millisecond // the timeout is not set anew for every message
				if got := <-ended; got > test.ends || got < test.ends-slack {
					t.Errorf("connection ended after %v, want %v or up to %v less", got, test.ends, slack)
				}
			})
		})
	}
}

// Octets that make no message, now and then, keep no connection.
func TestTCPSlowOctets(t *testing.T) {
	cfg := testConfig()
	cfg.TCP.InitialTimeout, cfg.TCP.IdleTimeout = 3*time.Second, 5*time.Second
	virtual(t, cfg, func(t *testing.T, r *replay) {
		began := time.Now()
		c := r.net.connect(t, testClient)
		for _, b := range frame(queryFor(1, "www.example.", dns.TypeA)) {
			if _, err := c.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if d := time.Since(began); d > 4*time.Second {
			t.Errorf("an octet a second kept the connection for %v, want %v", d, cfg.TCP.InitialTimeout)
		}
	})
}

// The idle timeout does not run while upstream is waited for.
func TestTCPIdleWhileWaiting(t *testing.T) {
	cfg := testConfig()
	cfg.TCP.InitialTimeout, cfg.TCP.IdleTimeout = time.Second, time.Second
	virtual(t, cfg, func(t *testing.T, r *replay) {
		c := r.net.connect(t, testClient)
		c.Write(frame(queryFor(1, "hold.example.", dns.TypeA)))
		time.Sleep(3 * time.Second)
		r.net.answer(t, 60, "10.0.0.1")
		msg, err := readFrame(c)
		if err != nil || msg[3]&15 != dns.RcodeSuccess {
			t.Errorf("readFrame = %x, %v, want an answer", msg, err)
		}
		if alive(c) {
			t.Error("the connection goes on after its timeout")
		}
	})
}
