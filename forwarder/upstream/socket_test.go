package upstream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

func TestFreshPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n)
		a.stream("n", 2000, 200)
		if n.dials != 2000 || a.Stats().Sockets != 0 {
			t.Errorf("%d sockets for 2000 requests, %d still open, want one each, 0", n.dials, a.Stats().Sockets)
		}
		a.finish()
	})
}

// TestSharedPorts: many requests share few sockets, which are replaced, and no
// ID is used twice on one.
func TestSharedPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		used := make(map[[2]int]bool)
		asked := make(map[int]int)
		n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
			key := [2]int{k.port, int(wire.ID(q))}
			if used[key] {
				t.Errorf("ID %d was used twice on port %d", key[1], key[0])
			}
			used[key] = true
			asked[k.port]++
			return [][]byte{reply(q, 0)}
		}
		a := newAsker(t, n)
		const total = 100_000
		for i := range total / 20 {
			for j := range 20 {
				a.Start(&Request{Question: question(fmt.Sprint(i, "-", j)), Servers: a.cfg.servers()})
			}
			a.Client.Flush()
			time.Sleep(time.Millisecond)
		}
		if open := a.Stats().Sockets; open > sharedSockets {
			t.Errorf("%d sockets open, want at most %d", open, sharedSockets)
		}
		time.Sleep(sharedAge + time.Second)
		if open := a.Stats().Sockets; open != 0 {
			t.Errorf("%d sockets open when idle, want 0", open)
		}
		fresh := 0
		for port, count := range asked {
			if count > sharedQueries {
				t.Errorf("%d queries on port %d, want at most %d", count, port, sharedQueries)
			}
			if count == 1 {
				fresh++
			}
		}
		if fresh > 2*freshRate || len(asked)-fresh < total/sharedQueries {
			t.Errorf("%d fresh and %d shared sockets", fresh, len(asked)-fresh)
		}
		if len(a.ends) != total {
			t.Errorf("%d requests ended, want %d", len(a.ends), total)
		}
		a.Close()
	})
}

// TestForgedOnSharedPort: of questions on shared sockets those that are forged on
// move to ports of their own, and no other does.
func TestForgedOnSharedPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].rtt = func() time.Duration { return 20 * time.Millisecond }
		a := newAsker(t, n)
		attack, victims := false, 0
		asked := make(map[string]int)
		n.hosts[serverA].udp = func(k *fakeSocket, q []byte) [][]byte {
			name := string(questionOf(q))
			if asked[name]++; attack && asked[name] == 1 && n.rand.IntN(50) == 0 {
				victims++
				for _, m := range flood(q, 2*maxWrong) {
					k.deliver(m, time.Millisecond)
				}
			}
			return [][]byte{reply(q, 0)}
		}
		a.stream("warm", 2000, 4000)
		n.change(func() { attack = true })
		a.stream("n", 8000, 4000)
		took, failed := a.finish()
		if last := took[len(took)-1]; failed > 0 || last > 200*time.Millisecond {
			t.Errorf("%d failed, longest %v", failed, last)
		}
		s := a.Stats().Servers[0]
		twice := 0
		for _, count := range asked {
			if count > 1 {
				twice++
			}
		}
		if s.Attacks == 0 || int(s.Attacks) > victims || twice > victims || n.conns > 0 {
			t.Errorf("%d attacks, %d names asked twice, %d connections for %d that were forged on", s.Attacks, twice, n.conns, victims)
		}
	})
}

// TestSlowFloodBoundsSockets: a silent server does not eat all descriptors.
func TestSlowFloodBoundsSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].dead = true
		a := newAsker(t, n)
		for i := range 40 {
			a.stream(fmt.Sprint(i, "-"), 100, 1000)
			if open := a.Stats().Sockets; open > maxFresh+2*sharedSockets {
				t.Fatalf("%d sockets open, want at most %d", open, maxFresh+2*sharedSockets)
			}
		}
		a.finish()
	})
}

func TestWheel(t *testing.T) {
	c := &Client{}
	c.wheel.init(0)
	var rung []time.Duration
	due := []time.Duration{0, 1, tick, 3 * tick, 63 * tick, 64 * tick, 65 * tick, 5000 * tick, 8191 * tick, 8192 * tick, 20000 * tick}
	for _, d := range due {
		b := &bell{at: &rung, alarm: alarm{}}
		b.owner = b
		c.wheel.set(&b.alarm, d, 0)
	}
	cleared := &bell{at: &rung}
	cleared.owner = cleared
	c.wheel.set(&cleared.alarm, 10*tick, 0)
	c.wheel.clear(&cleared.alarm)
	for len(rung) < len(due) && c.t < 30*time.Second {
		c.t = max(c.t+1, time.Duration(c.wheel.sleep)*tick)
		c.wheel.advance(c)
	}
	for i, at := range rung {
		if late := at - due[i]; late < 0 || late > 2*tick {
			t.Errorf("alarm for %v rang at %v", due[i], at)
		}
	}
	if len(rung) != len(due) || c.wheel.sleep != never {
		t.Errorf("%d alarms rang and the clock sleeps until %d, want %d, never", len(rung), c.wheel.sleep, len(due))
	}
}

type bell struct {
	alarm
	at *[]time.Duration
}

func (b *bell) ring(c *Client) { *b.at = append(*b.at, c.t) }
