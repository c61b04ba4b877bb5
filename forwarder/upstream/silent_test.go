package upstream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// silentNames is an upstream that answers all but names that start with "silent".
func silentNames(_ *fakeSocket, q []byte) [][]byte {
	if strings.HasPrefix(labelOf(q), "silent") {
		return nil
	}
	return [][]byte{reply(q, 0)}
}

// TestSilentNames: names that upstream says nothing about, and others beside them.
func TestSilentNames(t *testing.T) {
	for _, rate := range []int{100, 200, 400} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.hosts[serverA].udp = silentNames
				a := newAsker(t, n, func(c *Config) { c.PPS, c.MaxPending = 900, 5000 })
				a.stream("warm", 50, 100)
				n.change(func() { n.sent = nil })
				var honest []*Request
				for i := range 10 * rate {
					a.start(fmt.Sprint("silent", i))
					if i%(rate/20) == 0 {
						honest = append(honest, a.start(fmt.Sprint("n", i)))
					}
					time.Sleep(time.Second / time.Duration(rate))
				}
				a.finish()
				for _, r := range honest {
					if res := a.ends[r]; res.err != nil || res.took > 20*ms {
						t.Errorf("Answer = %v after %v beside %d silent names a second, want one within 20 ms", res.err, res.took, rate)
					}
				}
				if sent := n.count(); sent > rate*10*6 || n.peak() > 1000 {
					t.Errorf("%d packets for %d silent names, %d in a second, want six each at most", sent, rate*10, n.peak())
				}
				t.Logf("%.1f packets a silent name", float64(n.count()-len(honest))/float64(rate*10))
			})
		})
	}
}

// TestPortsBesideSilentNames: names that upstream says nothing about take no ports
// from the others.
func TestPortsBesideSilentNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		ports, most := make(map[int]bool), 0
		n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
			if labelOf(q)[0] == 'n' {
				ports[k.port] = true
			}
			most = max(most, n.open)
			return silentNames(k, q)
		}
		a := newAsker(t, n, func(c *Config) { c.PPS = 900 })
		for i := range 2000 {
			a.start(fmt.Sprint("n", i))
			if i%10 < 3 { // 60 a second
				a.start(fmt.Sprint("silent", i))
			}
			time.Sleep(5 * ms)
		}
		a.finish()
		if len(ports) < 1950 {
			t.Errorf("%d ports for 2000 questions, want one each", len(ports))
		}
		if want := 3 * 60 * int(defaultWait/time.Second); most > want {
			t.Errorf("%d ports open at once, want %d at most", most, want)
		}
	})
}

// TestRetriesYield: while packets are short a retry without a sign of life waits
// for first tries of every priority of clients.
func TestRetriesYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].udp = silentNames
		a := newAsker(t, n, func(c *Config) { c.PPS = 200 })
		a.stream("warm", 20, 100)
		for i := range 100 {
			a.start(fmt.Sprint("silent", i), func(r *Request) { r.Priority = PriorityShared })
			a.start(fmt.Sprint("live", i), func(r *Request) { r.Priority = PriorityHot })
			time.Sleep(10 * ms)
		}
		var order []string
		n.change(func() {
			n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
				order = append(order, labelOf(q))
				return silentNames(k, q)
			}
		})
		a.stream("n", 30, 1e6)
		time.Sleep(200 * ms)
		a.finish()
		for i, name := range order[:30] {
			if strings.HasPrefix(name, "silent") {
				t.Errorf("packet %d is a retry, before first tries", i)
			}
		}
	})
}
