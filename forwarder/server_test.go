package forwarder

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/tcp"
)

func TestServeReturnsAfterContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, testConfig())
		began := time.Now()
		r.stop()
		if d := time.Since(began); d > 20*time.Millisecond {
			t.Errorf("an idle server stopped after %v, want at once", d)
		}
		if err := r.s.Reload(testConfig()); err == nil {
			t.Errorf("Reload after Serve = nil, want an error")
		}
		if n := len(r.s.Addrs()); n != 0 {
			t.Errorf("after Serve %d addresses are served, want 0", n)
		}
	})
}

// A query whose answer is not kept, for a flush, gets it all the same when the
// server stops.
func TestShutdownAnswersFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, testConfig())
		peer, local := netip.MustParseAddrPort("10.1.2.3:5000"), netip.MustParseAddrPort("10.79.1.10:53")
		r.net.ask(peer, local, true, queryFor(7, "hold.example.", dns.TypeA))
		synctest.Wait()
		r.s.Flush()
		r.cancel()
		time.Sleep(time.Second)
		r.net.answer(t, 60, "10.0.0.9")
		synctest.Wait()
		if got := r.net.got(); len(got) != 1 || got[0].msg[3]&15 != dns.RcodeSuccess {
			t.Errorf("got %d replies %v, want one with the answer", len(got), got)
		}
		r.stop()
	})
}

func TestNewFailsOnPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := testConfig()
	cfg.Listen[0].Port = tcp.AddrPort(l.Addr()).Port()
	network := hostNetwork()
	network.env = func() (acl.Env, error) { return envOf("127.0.0.1/8"), nil }
	if _, err := newServer(cfg, Options{Workers: 1}, network); err == nil {
		t.Error("newServer on a port that is taken = nil, want an error")
	}
}

// The upstream client, with what it has learned, outlives a reload that does
// not concern it.
func TestReloadKeepsUpstream(t *testing.T) {
	tests := []struct {
		name string
		edit func(*config.Config)
		kept bool
	}{
		{"nothing", func(*config.Config) {}, true},
		{"access list", func(c *config.Config) { c.AllowQuery = acl.None() }, true},
		{"forwarders", func(c *config.Config) {
			c.Zones = []config.ForwardZone{{Name: ".", Forwarders: []netip.AddrPort{netip.MustParseAddrPort("10.79.0.3:53")}}}
		}, false},
		{"query-source", func(c *config.Config) { c.Sources = []netip.Addr{netip.MustParseAddr("10.79.1.10")} }, false},
		{"server clause", func(c *config.Config) {
			c.Servers = []config.Server{{Prefix: netip.MustParsePrefix("10.79.0.0/24"), TCPOnly: true}}
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := serveVirtual(t, testConfig())
				before := r.s.state.Load().upstream
				cfg := testConfig()
				test.edit(cfg)
				if err := r.s.Reload(cfg); err != nil {
					t.Fatalf("Reload = %v", err)
				}
				if kept := r.s.state.Load().upstream == before; kept != test.kept {
					t.Errorf("upstream client kept = %v, want %v", kept, test.kept)
				}
				r.stop()
			})
		})
	}
}

// Reloads, interface changes, flushes and queries may meet.
func TestConcurrentReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, testConfig())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ctx.Err() == nil; i++ {
				cfg := testConfig()
				cfg.Zones[0].Forwarders[0] = netip.AddrPortFrom(netip.MustParseAddr("10.79.0.2"), uint16(53+i%3))
				if err := r.s.Reload(cfg); err != nil {
					t.Errorf("Reload = %v", err)
				}
				r.s.Flush()
				time.Sleep(7 * time.Millisecond)
			}
		}()
		peer, local := netip.MustParseAddrPort("10.1.2.3:5000"), netip.MustParseAddrPort("10.79.1.10:53")
		const n = 500
		for i := range n {
			r.net.ask(peer, local, false, queryFor(uint16(i), "www.example.", dns.TypeA))
			time.Sleep(time.Millisecond)
		}
		cancel()
		<-done
		synctest.Wait()
		good := 0
		for _, g := range r.net.got() {
			if g.msg[3]&15 == dns.RcodeSuccess {
				good++
			}
		}
		if good != n {
			t.Errorf("%d of %d queries were answered", good, n)
		}
		r.stop()
	})
}
