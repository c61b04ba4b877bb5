package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

func TestForgedAnswers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		forge func(q []byte, i int) []byte
	}{
		{"wrong ID", func(q []byte, i int) []byte {
			m := reply(q, 0)
			binary.BigEndian.PutUint16(m, wire.ID(q)+uint16(i)+1)
			return m
		}},
		{"wrong question", func(q []byte, i int) []byte {
			m := reply(q, 0)
			m[wire.HeaderLen+5]++
			return m
		}},
		{"not a response", func(q []byte, i int) []byte { return q }},
		{"short", func(q []byte, i int) []byte { return q[:11] }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.hosts[serverA].udp = func(k *fakeSocket, q []byte) (all [][]byte) {
					for i := range 100 {
						all = append(all, tc.forge(q, i))
					}
					return all
				}
				a := newAsker(t, n)
				res := a.ask("a")
				if res.err != nil {
					t.Errorf("Answer = %v, want the answer that came over TCP", res.err)
				}
				s := a.Stats()
				if s.Servers[0].Attacks != attackedTCP || s.Streams != 1 {
					t.Errorf("attacks, streams = %d, %d, want %d, 1", s.Servers[0].Attacks, s.Streams, attackedTCP)
				}
				if n.dials != 2 || len(a.ev) != 1 || a.ev[0].Kind != Forgery {
					t.Errorf("dials, events = %d, %v, want 2 ports and one event", n.dials, a.ev)
				}
				a.finish()
			})
		})
	}
}

// TestForgedWithoutTCP: where TCP fails the attacker gets few guesses.
func TestForgedWithoutTCP(t *testing.T) {
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { testForgedWithoutTCP(t, silent) })
	}
}

func testForgedWithoutTCP(t *testing.T, silent bool) {
	n := newNetwork(serverA)
	h := n.hosts[serverA]
	h.tcp, h.tcpMute = silent, silent
	attack := true
	h.udp = func(k *fakeSocket, q []byte) (all [][]byte) {
		for i := range 100 {
			m := reply(q, 0)
			binary.BigEndian.PutUint16(m, wire.ID(q)+uint16(i)+1)
			all = append(all, m)
		}
		if !attack {
			all = [][]byte{reply(q, 0)}
		}
		return all
	}
	a := newAsker(t, n)
	if res := a.ask("a"); !errors.Is(res.err, ErrTimeout) && !errors.Is(res.err, ErrNetwork) {
		t.Errorf("Answer = %v, want no answer", res.err)
	}
	if n.dials > 15 {
		t.Errorf("%d ports were opened to be guessed at", n.dials)
	}
	n.change(func() { attack = false })
	if res := a.ask("b"); res.err != nil || res.took > 10*time.Millisecond {
		t.Errorf("Answer = %v after %v when the attack is over", res.err, res.took)
	}
	a.finish()
}

// TestForgedTCPRefused: who injects wrong answers cannot take the server away
// where it has no TCP: what is asked from the next port is answered.
func TestForgedTCPRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		mute bool          // TCP is silent, not refused
		took time.Duration // by the worst request
	}{
		{"refused", false, 500 * ms},
		{"silent", true, 2*streamTimeout + time.Second/2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				h.tcp, h.tcpMute = tc.mute, tc.mute
				ports := make(map[string]int) // that each question came from
				h.udp = func(k *fakeSocket, q []byte) (all [][]byte) {
					name := string(questionOf(q))
					if ports[name]++; ports[name] <= 3 { // the attacker is faster, three times
						all = flood(q, 50)
					}
					return append(all, reply(q, 0))
				}
				a := newAsker(t, n)
				a.stream("n", 500, 50)
				took, failed := a.finish()
				if last := took[len(took)-1]; failed > 0 || last > tc.took {
					t.Errorf("%d failed, longest %v, want 0 and %v", failed, last, tc.took)
				}
				if p := percentile(took, 50); p > 110*ms {
					t.Errorf("p50 %v, want that of four ports", p)
				}
				t.Logf("p50 %v, longest %v, connections %d", percentile(took, 50), took[len(took)-1], n.conns)
			})
		})
	}
}

// address is what the fake servers answer with.
var address = []byte{10, 79, 252, 13}

// flood is n answers to q with another address, whose IDs are wrong.
func flood(q []byte, n int) (all [][]byte) {
	for i := range n {
		all = append(all, forgery(q, i+1))
	}
	return all
}

// forgery is an answer whose ID misses by so much.
func forgery(q []byte, miss int) []byte {
	m := reply(q, 0)
	m[bytes.Index(m, address)] ^= 1
	binary.BigEndian.PutUint16(m, wire.ID(q)+uint16(miss))
	return m
}

// TestFlood: 600,000 forged answers in ten seconds, to every port that is open,
// while upstream takes a second and a half. None is accepted, all is answered.
// (The attacker here never guesses an ID: doc.go has how likely he is to.)
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		h.rtt = func() time.Duration { return 1500 * ms }
		type port struct {
			*fakeSocket
			query []byte
		}
		var open []port
		h.udp = func(k *fakeSocket, q []byte) [][]byte {
			open = append(open, port{k, q})
			return [][]byte{reply(q, 0)}
		}
		a := newAsker(t, n)
		for i := range 1000 {
			a.start(fmt.Sprint(i / 5))
			n.change(func() {
				for range 600 {
					p := open[n.rand.IntN(len(open))]
					p.deliver(forgery(p.query, 1+n.rand.IntN(65535)), 0)
				}
				open = open[max(0, len(open)-50):]
			})
			time.Sleep(10 * ms)
		}
		_, failed := a.finish()
		for _, res := range a.ends {
			if res.err == nil && !slices.Equal(res.msg[len(res.msg)-11-4:len(res.msg)-11], address) {
				t.Errorf("a forged answer was accepted: %x", res.msg)
			}
		}
		s := a.Stats().Servers[0]
		if s.Attacks == 0 || failed > 0 {
			t.Errorf("%d ports given up, %d requests failed, want some and 0", s.Attacks, failed)
		}
		t.Logf("%d ports given up, %d wrong answers seen, %d connections, events %v", s.Attacks, s.Mismatched, n.conns, a.ev)
	})
}

// TestDuplicatesAreNoAttack: duplicates of an answer are neither answered twice
// nor taken for an attack, however many there are.
func TestDuplicatesAreNoAttack(t *testing.T) {
	for _, rate := range []int{100, 5000} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(serverA)
			n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte { return slices.Repeat([][]byte{reply(q, 0)}, 20) }
			a := newAsker(t, n)
			a.stream("n", 1000, rate)
			a.finish()
			if s := a.Stats().Servers[0]; s.Attacks+s.Mismatched > 0 || s.Answered != 1000 {
				t.Errorf("%d attacks, %d mismatched, %d answers at %d/s, want 0, 0, 1000", s.Attacks, s.Mismatched, s.Answered, rate)
			}
		})
	}
}

// TestThreeWrongAnswers: a query gets as many as may be accidents, each time, and
// never the right one: it goes over TCP before long.
func TestThreeWrongAnswers(t *testing.T) {
	for wrongs := 1; wrongs <= 4; wrongs++ {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(serverA)
			a := newAsker(t, n)
			a.stream("warm", 50, 100)
			n.change(func() {
				n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte { return flood(q, wrongs) }
				n.sent = nil
			})
			res := a.ask("a")
			packets := n.count() + (tcpCost+connectCost)*n.conns
			if most := 2 + tcpCost + connectCost; packets > most || res.err != nil || res.took > 500*ms {
				t.Errorf("%d wrong answers: %v after %v and %d packets, want an answer and at most %d", wrongs, res.err, res.took, packets, most)
			}
			a.finish()
		})
	}
}

// TestWrongAnswersOnly: a server from which only wrong answers come over UDP, few
// to each query, is asked over TCP, also by who does not know it yet.
func TestWrongAnswersOnly(t *testing.T) {
	for _, rate := range []int{10, 100} {
		for wrongs := 1; wrongs <= 3; wrongs++ {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte { return flood(q, wrongs) }
				a := newAsker(t, n)
				a.stream("n", 3*rate, rate)
				took, failed := a.finish()
				if worst := percentile(took, 1); failed > 0 || worst > time.Second {
					t.Errorf("%d wrong answers a query at %d/s: %d of %d failed, the slowest took %v", wrongs, rate, failed, len(took), worst)
				}
			})
		}
	}
}

// TestFloodOfOne: who knows all ports forges 60,000 answers a second to one
// question, while upstream takes half a second and answers one query at a time
// over TCP: all is answered, and only that question leaves UDP.
func TestFloodOfOne(t *testing.T) {
	for _, rate := range []int{20, 3000} { // ports of their own, shared ones
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				h.rtt = func() time.Duration { return 500 * ms }
				h.talk = inOrder(500*ms, 0)
				type port struct {
					*fakeSocket
					query []byte
				}
				var open []port
				h.udp = func(k *fakeSocket, q []byte) [][]byte {
					if strings.HasPrefix(labelOf(q), "victim") {
						open = append(open, port{k, q})
					}
					return [][]byte{reply(q, 0)}
				}
				a := newAsker(t, n)
				var victims []*Request
				for i := range 300 {
					if i%20 == 0 {
						victims = append(victims, a.start("victim"))
					}
					a.stream(fmt.Sprint("n", i, "-"), max(1, rate/100), 1e6)
					n.change(func() {
						for range 600 {
							if len(open) > 0 {
								p := open[n.rand.IntN(len(open))]
								p.deliver(forgery(p.query, 1+n.rand.IntN(65535)), 0)
							}
						}
						open = open[max(0, len(open)-4):]
					})
					time.Sleep(10 * ms)
				}
				_, failed := a.finish()
				for _, r := range victims {
					if res := a.ends[r]; res.err == nil && !bytes.Contains(res.msg, address) {
						t.Errorf("a forged answer was accepted: %x", res.msg)
					}
				}
				s := a.Stats().Servers[0]
				if failed > 0 || s.Attacks == 0 || n.conns > 2*len(victims) {
					t.Errorf("%d failed, %d attacks, %d connections for %d questions that were forged on", failed, s.Attacks, n.conns, len(victims))
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestSwarm: he who tries every question, with few guesses at each, does not have
// them once there are many.
func TestSwarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		taken := make(map[string]int) // guesses that came in before their question moved
		n.hosts[serverA].rtt = func() time.Duration { return 20 * ms }
		n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
			taken[string(questionOf(q))]++
			for _, m := range flood(q, 1) {
				k.deliver(m, ms)
			}
			return [][]byte{reply(q, 0)}
		}
		a := newAsker(t, n)
		a.stream("n", 1000, 200)
		_, failed := a.finish()
		ports := 0
		for _, count := range taken {
			ports = max(ports, count)
		}
		if failed > 0 || ports > 2 {
			t.Errorf("%d failed, %d ports were guessed at for one question, want 0, 2", failed, ports)
		}
	})
}
