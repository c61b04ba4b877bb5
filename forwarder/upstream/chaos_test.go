package upstream

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

// TestChaos changes what servers and network do all the time. Every request
// ends once and in time, and when all is well again all are answered.
func TestChaos(t *testing.T) {
	for _, tc := range []struct {
		name    string
		servers []netip.AddrPort
		edit    func(*Config)
		rate    int
	}{
		{"one server", []netip.AddrPort{serverA}, func(c *Config) {}, 100},
		{"two servers", []netip.AddrPort{serverA, serverB}, func(c *Config) {}, 100},
		{"budget", []netip.AddrPort{serverA, serverB}, func(c *Config) { c.PPS = 150 }, 100},
		{"shared", []netip.AddrPort{serverA, serverB}, func(c *Config) { c.MaxPending = 2000 }, 2500},
		{"TCP only", []netip.AddrPort{serverA, serverB}, func(c *Config) { c.Servers[0].TCPOnly = true }, 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(tc.servers...)
				a := newAsker(t, n, tc.edit)
				for round := range 40 {
					n.change(func() { n.stir() })
					a.stream(fmt.Sprint(round, "-"), tc.rate/4, tc.rate)
				}
				n.change(n.calm)
				time.Sleep(defaultWait + 2*time.Second)
				calm := time.Now()
				a.stream("calm", 200, 50)
				a.finish()
				for r, res := range a.ends {
					if res.took > defaultWait+2*time.Millisecond {
						t.Errorf("request took %v", res.took)
					}
					if !a.from[r].Before(calm) && (res.err != nil || res.took > time.Second) {
						t.Errorf("request ended with %v after %v when all was well", res.err, res.took)
					}
				}
			})
		})
	}
}

// stir gives every host another behaviour, and the network at times none.
func (n *network) stir() {
	n.dialErr = nil
	if n.rand.IntN(8) == 0 {
		n.dialErr = syscall.EMFILE
	}
	for _, h := range n.hosts {
		delay := time.Duration(n.rand.IntN(4)*n.rand.IntN(400)) * time.Millisecond
		h.rtt = func() time.Duration { return delay }
		h.loss = float64(n.rand.IntN(3)) * 0.3
		h.dead, h.refusing = n.rand.IntN(5) == 0, n.rand.IntN(6) == 0
		h.tcp, h.tcpMute = n.rand.IntN(3) > 0, n.rand.IntN(4) == 0
		h.hangUp = n.rand.IntN(4)
		h.udp = n.moods()[n.rand.IntN(len(n.moods()))]
	}
}

// calm makes all hosts good again.
func (n *network) calm() {
	n.dialErr = nil
	for _, h := range n.hosts {
		*h = *newNetwork(serverA).hosts[serverA]
	}
}

type behaviour = func(*fakeSocket, []byte) [][]byte

// moods lists ways to answer.
func (n *network) moods() []behaviour {
	rcode := func(rcode int) behaviour {
		return func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{reply(q, rcode)} }
	}
	var cookies cookieServer
	return []behaviour{
		rcode(wire.NoError), rcode(wire.NXDomain), rcode(wire.ServFail), rcode(wire.Refused), rcode(wire.BadVers),
		cookies.answer,
		(&cookieServer{bad: true}).answer,
		(&cookieServer{stubborn: true}).answer,
		func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} },
		func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{header(q, wire.FormErr)} },
		func(_ *fakeSocket, q []byte) [][]byte { return slices.Repeat([][]byte{reply(q, 0)}, 3) },
		func(_ *fakeSocket, q []byte) [][]byte { return slices.Repeat([][]byte{q}, 5) },
		func(k *fakeSocket, q []byte) [][]byte {
			k.errs <- io.ErrUnexpectedEOF
			return nil
		},
	}
}
