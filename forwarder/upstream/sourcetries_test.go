package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"vpcdns/forwarder/wire"
)

// TestRetryFromOther: a retry goes from another source than the try before it.
func TestRetryFromOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		var from []netip.Addr
		answer := n.hosts[serverA].udp
		n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
			if from = append(from, k.source); len(from)%3 != 0 {
				return nil
			}
			return answer(k, q)
		}
		a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 900 })
		for i := range 20 {
			a.ask(fmt.Sprint(i))
		}
		for i := range from {
			if i%3 > 0 && from[i] == from[i-1] {
				t.Errorf("request %d was asked from %v, want another source each time", i/3, from[i/3*3:i/3*3+3])
			}
		}
		a.finish()
	})
}

// TestSourceCookies: each source has its own client cookie, and the server's for it
// (RFC 7873, 4.1); BADCOOKIE is asked again from the same.
func TestSourceCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		clients := make(map[netip.Addr]string)
		bad := 0
		n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
			edns, _ := wire.OPT(q)
			c := edns.Cookie
			if len(c) < clientCookieLen {
				t.Errorf("a query without a cookie")
				return nil
			}
			if was := clients[k.source]; was != "" && was != string(c[:clientCookieLen]) {
				t.Errorf("source %v has two cookies", k.source)
			}
			clients[k.source] = string(c[:clientCookieLen])
			want := append(slices.Clone(c[:clientCookieLen]), k.source.AsSlice()...)
			want = append(want, want[clientCookieLen:]...)
			if !slices.Equal(c, want) {
				bad++
				return [][]byte{reply(q, wire.BadCookie, want...)}
			}
			return [][]byte{reply(q, 0, want...)}
		}
		a := newAsker(t, n, twoSources)
		for i := range 20 {
			if end := a.ask(fmt.Sprint(i)); end.err != nil {
				t.Errorf("request %d: %v", i, end.err)
			}
		}
		if bad != 2 || len(clients) != 2 || clients[source1] == clients[source2] {
			t.Errorf("%d queries with a bad cookie, %d client cookies; want one of each for each source", bad, len(clients))
		}
		for _, p := range a.list[0].paths {
			if !a.OwnsCookie(p.cookie.client) {
				t.Errorf("the cookie of %v is not known", p.source.addr)
			}
		}
		a.finish()
	})
}

// TestSourcesTCP: truncated answers are asked for from both sources, and where the
// packets of one are lost from the other.
func TestSourcesTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }
		a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 900 })
		a.bursts("n", 3)
		if n.overTCP[source1] == 0 || n.overTCP[source2] == 0 {
			t.Errorf("connections from %v, want some from both sources", n.overTCP)
		}
		a.finish()
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.lost[source2] = true
		a := newAsker(t, n, twoSources, func(c *Config) { c.PPS, c.Servers[0].TCPOnly = 900, true })
		a.bursts("n", 10)
		a.wantSourceEvents("source left out " + source2.String())
		if _, failed := a.finish(); failed > 0 {
			t.Errorf("%d failed", failed)
		}
	})
}
