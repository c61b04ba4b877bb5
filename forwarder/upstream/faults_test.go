package upstream

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

func TestLoss(t *testing.T) {
	for _, tc := range []struct {
		loss float64
		rate int
		p99  time.Duration
	}{
		{0.01, 200, 55 * time.Millisecond},
		{0.05, 200, 80 * time.Millisecond},
		{0.20, 200, 105 * time.Millisecond},
		{0.20, 5, 105 * time.Millisecond},
		{0.20, 3000, 105 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%v at %d/s", tc.loss, tc.rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n)
				a.stream("warm", 20, 100)
				n.change(func() { n.hosts[serverA].loss = tc.loss })
				a.stream("n", 2000, tc.rate)
				took, failed := a.finish()
				if p99 := percentile(took, 99); failed > 0 || p99 > tc.p99 {
					t.Errorf("%d failed, p99 %v, want 0 and %v", failed, p99, tc.p99)
				}
				if sent := n.count(); float64(sent) > 2020*(1+1.6*tc.loss) {
					t.Errorf("%d packets for 2020 requests", sent)
				}
				t.Logf("p99 %v, longest %v, packets %d", percentile(took, 99), took[len(took)-1], n.count())
			})
		})
	}
}

func TestSlow(t *testing.T) {
	for _, delay := range []time.Duration{300 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n)
				a.stream("fast", 20, 100)
				n.change(func() { n.hosts[serverA].rtt = func() time.Duration { return delay } })
				before := n.count()
				a.stream("n", 300, 20)
				took, failed := a.finish()
				if last := took[len(took)-1]; failed > 0 || last > delay {
					t.Errorf("%d failed, longest %v, want 0 and %v", failed, last, delay)
				}
				if sent := n.count() - before; sent > 3*300 {
					t.Errorf("%d packets for 300 requests", sent)
				}
				t.Logf("packets %d for 300", n.count()-before)
			})
		})
	}
}

func TestReorderedAndDuplicated(t *testing.T) {
	for _, rate := range []int{100, 5000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				h.rtt = func() time.Duration { return time.Duration(n.rand.Int64N(int64(200 * time.Millisecond))) }
				h.udp = func(_ *fakeSocket, q []byte) [][]byte {
					m := reply(q, 0)
					return [][]byte{m, m, m}
				}
				a := newAsker(t, n)
				a.stream("n", 3000, rate)
				took, failed := a.finish()
				if failed > 0 || took[len(took)-1] > 210*time.Millisecond {
					t.Errorf("%d failed, longest %v, want 0 and the round trip", failed, took[len(took)-1])
				}
				if s := a.Stats().Servers[0]; s.Attacks != 0 {
					t.Errorf("%d attacks seen in duplicates", s.Attacks)
				}
			})
		})
	}
}

func TestOutage(t *testing.T) {
	for _, kind := range []string{"silent", "refusing"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testOutage(t, kind) })
		})
	}
}

func testOutage(t *testing.T, kind string) {
	n := newNetwork(serverA)
	h := n.hosts[serverA]
	set := func(on bool) {
		n.change(func() { h.dead, h.refusing = on && kind == "silent", on && kind == "refusing" })
	}
	a := newAsker(t, n)
	a.stream("warm", 100, 100)
	set(true)
	before := n.count()
	a.stream("dead", 1500, 100) // 15 s
	set(false)
	back, sent := time.Now(), n.count()
	a.stream("back", 200, 100)
	a.finish()

	// One first try for each, and the probes.
	if got := sent - before; got > 1500+15*5+150 {
		t.Errorf("%d packets into the outage for 1500 requests", got)
	}
	peak := n.peak()
	if peak > 100+600 {
		t.Errorf("%d packets in a second at 100 requests/s", peak)
	}
	for r := range a.from {
		res := a.ends[r]
		if res.err != nil && (res.took > 4502*time.Millisecond || res.took < 4499*time.Millisecond) {
			t.Errorf("failed after %v with %v, want 4.5 s", res.took, res.err)
		}
		if res.err == nil && a.from[r].Before(back) && res.at.After(back.Add(400*time.Millisecond)) {
			t.Errorf("answered %v after the return", res.at.Sub(back))
		}
		if res.err != nil && res.at.After(back.Add(400*time.Millisecond)) {
			t.Errorf("failed %v after the return", res.at.Sub(back))
		}
	}
	if len(a.ev) != 2 || a.ev[0].Kind != OutageBegan || a.ev[1].Kind != OutageEnded {
		t.Errorf("events = %v, want an outage's begin and end", a.ev)
	}
	t.Logf("packets %d into the outage, peak %d", sent-before, peak)
}

// TestLoneRequestFindsReturn: with a single request pending, the return is
// noticed in time too.
func TestLoneRequestFindsReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, refusing := range []bool{false, true} {
			n := newNetwork(serverA)
			h := n.hosts[serverA]
			h.dead, h.refusing = !refusing, refusing
			a := newAsker(t, n)
			for i := range 20 {
				n.change(func() { h.dead, h.refusing = !refusing, refusing })
				r := a.start(fmt.Sprint(i))
				time.Sleep(3*time.Second + time.Duration(i)*37*time.Millisecond)
				n.change(func() { h.dead, h.refusing = false, false })
				back := time.Now()
				time.Sleep(time.Second)
				if res, ok := a.end(r); !ok || res.err != nil || res.at.Sub(back) > 300*time.Millisecond {
					t.Errorf("answered = %v %v after %v, want within 300 ms", ok, res.err, res.at.Sub(back))
				}
			}
			if sent := n.count(); sent > 20*25 {
				t.Errorf("%d packets for 20 requests", sent)
			}
			a.finish()
		}
	})
}

func TestDeadServerOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		b := n.hosts[serverB]
		b.rtt = func() time.Duration { return 5 * time.Millisecond }
		a := newAsker(t, n)
		a.stream("warm", 100, 100)
		n.change(func() { n.hosts[serverA].dead = true })
		if res := a.ask("first"); res.err != nil || res.took > 60*time.Millisecond {
			t.Errorf("first request took %v, %v, want one retry timeout", res.took, res.err)
		}
		for i := range 500 {
			if res := a.ask(fmt.Sprint(i)); res.took > 10*time.Millisecond {
				t.Errorf("request %d took %v, want the live server's time", i, res.took)
			}
			time.Sleep(10 * time.Millisecond)
		}
		n.change(func() { n.hosts[serverA].dead = false })
		back := time.Now()
		for a.Stats().Servers[0].Down {
			a.ask(fmt.Sprint("back", time.Since(back)))
		}
		if d := time.Since(back); d > time.Second {
			t.Errorf("return noticed after %v, want a second at most", d)
		}
		if res := a.ask("fast"); res.took > 5*time.Millisecond {
			t.Errorf("request took %v, want the returned server's time", res.took)
		}
		a.finish()
	})
}

func TestBothDeadThenOneBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		n.change(func() { n.hosts[serverA].dead, n.hosts[serverB].dead = true, true })
		a.stream("dead", 200, 100)
		n.change(func() { n.hosts[serverB].dead = false })
		back := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		for r, res := range a.ends {
			if res.err != nil {
				t.Errorf("request failed: %v", res.err)
			}
			if res.at.After(back.Add(500 * time.Millisecond)) {
				t.Errorf("request answered %v after the return (started %v before)", res.at.Sub(back), back.Sub(a.from[r]))
			}
		}
		if _, failed := a.finish(); failed > 0 {
			t.Errorf("%d requests failed", failed)
		}
	})
}

// TestRestart: a server that refuses for two seconds costs those, and no
// answer.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		n.change(func() { h.refusing = true })
		a.stream("n", 200, 100)
		n.change(func() { h.refusing = false })
		took, failed := a.finish()
		if last := took[len(took)-1]; failed > 0 || last > 2300*time.Millisecond {
			t.Errorf("%d failed, longest %v, want 0 and 2.3 s", failed, last)
		}
	})
}

func TestUnreachableEndsAsErrNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].refusing = true
		a := newAsker(t, n)
		if res := a.ask("a"); !errors.Is(res.err, ErrNetwork) || res.took > 4502*time.Millisecond {
			t.Errorf("Answer = %v after %v, want %v at 4.5 s", res.err, res.took, ErrNetwork)
		}
		if sent := n.count(); sent > 30 {
			t.Errorf("%d packets to a server that refuses", sent)
		}
		a.finish()
	})
}

func TestOutOfDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n)
		n.change(func() { n.dialErr = syscall.EMFILE })
		r := a.start("a")
		time.Sleep(time.Second)
		n.change(func() { n.dialErr = nil })
		time.Sleep(300 * time.Millisecond)
		if res, ok := a.end(r); !ok || res.err != nil {
			t.Errorf("Answer = %v, %v, want an answer once sockets can be opened", ok, res.err)
		}
		a.finish()
	})
}

func TestForgedAnswers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		forge func(q []byte, i int) []byte
	}{
		{"wrong ID", func(q []byte, i int) []byte {
			m := reply(q, 0)
			wire.SetID(m, wire.ID(q)+uint16(i)+1)
			return m
		}},
		{"wrong question", func(q []byte, i int) []byte {
			m := reply(q, 0)
			m[wire.HeaderLen+5]++
			return m
		}},
		{"not a response", func(q []byte, i int) []byte { return q }},
		{"short", func(q []byte, i int) []byte { return q[:11] }},
		{"wrong cookie", func(q []byte, i int) []byte { return reply(q, 0, 1, 2, 3, 4, 5, 6, 7, 8) }},
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
			wire.SetID(m, wire.ID(q)+uint16(i)+1)
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
