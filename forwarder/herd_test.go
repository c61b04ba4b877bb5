package forwarder

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// TestHerd: 2000 clients ask for one name that has just expired, while upstream
// takes its time: it is asked once, and all get an answer.
func TestHerd(t *testing.T) {
	stale := func(timeout time.Duration) func(*config.Config) {
		return func(cfg *config.Config) {
			c := &cfg.Cache
			c.StaleEnable, c.StaleAnswer, c.StaleClientTimeout = true, true, timeout
			c.MaxStaleTTL, c.StaleAnswerTTL, c.StaleRefresh = time.Hour, 30*time.Second, 30*time.Second
		}
	}
	const rtt = 200 * time.Millisecond
	tests := []struct {
		name  string
		edit  func(*config.Config)
		tcp   int  // of the clients, on 20 connections
		stale bool // the answers are the old one
	}{
		{name: "plain", edit: func(*config.Config) {}},
		{name: "no prefetch", edit: func(c *config.Config) { c.Cache.PrefetchTrigger = 0 }},
		{name: "over TCP too", edit: func(*config.Config) {}, tcp: 1000},
		{name: "stale answers off in time", edit: stale(-1)},
		{name: "stale after a timeout", edit: stale(50 * time.Millisecond), tcp: 400, stale: true},
		{name: "fetches limited", edit: func(c *config.Config) {
			c.Limits.FetchesPerServer, c.Limits.FetchesPerZone = config.Quota{Max: 1}, config.Quota{Max: 1}
		}},
		{name: "recursive clients limited", edit: func(c *config.Config) { c.Limits.RecursiveClients = 1 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			test.edit(cfg)
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet("10.79.1.10/24")
				r := newReplayWith(t, cfg, n, Options{Workers: 2, UpstreamPPS: budgetPPS})
				defer r.stop()
				answer := func(addr string) {
					t.Helper()
					synctest.Wait()
					time.Sleep(rtt)
					n.answer(t, 10, addr)
					time.Sleep(time.Second)
				}
				n.ask(testClient, testServer, false, queryFor(1, "www.example.", dns.TypeA))
				answer("10.0.0.1")
				n.got()
				time.Sleep(9*time.Second + time.Millisecond)
				const clients = 2000
				n.herd(clients, test.tcp)
				answer("10.0.0.2")
				if more := n.take(netip.Addr{}); more != nil {
					t.Error("upstream was asked more than once")
				}
				want := byte(2)
				if test.stale {
					want = 1
				}
				answered := make(map[string]int)
				for _, g := range n.got() {
					if wire.Rcode(g.msg) == wire.NoError && g.msg[len(g.msg)-1] == want {
						answered[fmt.Sprint(g.peer, binary.BigEndian.Uint16(g.msg))]++
					}
				}
				if len(answered) != clients {
					t.Errorf("%d clients of %d got the address that ends in %d", len(answered), clients, want)
				}
				for who, times := range answered {
					if times != 1 {
						t.Errorf("client %s got %d answers", who, times)
					}
				}
			})
		})
	}
}

// herd lets clients ask for www.example. at once, tcp of them over 20
// connections.
func (n *fakeNet) herd(clients, tcp int) {
	for i := range clients {
		id, port := uint16(i), uint16(10_000+i)
		if i < tcp {
			port = uint16(5_000 + i%20)
		}
		n.ask(netip.AddrPortFrom(testClient.Addr(), port), testServer, i < tcp, queryFor(id, "www.example.", dns.TypeA))
	}
}
