package upstream

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

// outages are ways to be dead. last is how long a request waits that is made
// when the outage has lasted a while.
var outages = []struct {
	name string
	last time.Duration
	err  error
	set  func(h *host, on bool)
}{
	{"silent", defaultWait, ErrTimeout, func(h *host, on bool) { h.dead = on }},
	{"refusing", 0, ErrNetwork, func(h *host, on bool) { h.refusing = on }},
	{"refusing once a second", 60 * time.Millisecond, ErrNetwork, func(h *host, on bool) { h.refusing, h.limited = on, true }},
	{"SERVFAIL", 1 * time.Millisecond, ErrServFail{wire.ServFail}, answersOnly(wire.ServFail)},
	{"REFUSED", 1 * time.Millisecond, ErrServFail{wire.Refused}, answersOnly(wire.Refused)},
}

func answersOnly(rcode int) func(*host, bool) {
	return func(h *host, on bool) {
		h.udp = func(_ *fakeSocket, q []byte) [][]byte {
			if on {
				return [][]byte{reply(q, rcode)}
			}
			return [][]byte{reply(q, wire.NoError)}
		}
	}
}

// TestOutage: 15 s in which a server is dead, at 100 requests a second: an
// outage costs no more packets than health, and is over when it is over.
func TestOutage(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				a := newAsker(t, n)
				a.stream("warm", 100, 100)
				n.change(func() { o.set(h, true) })
				from, before := time.Now(), n.count()
				a.stream("dead", 1500, 100)
				n.change(func() { o.set(h, false) })
				back, sent := time.Now(), n.count()
				a.stream("back", 200, 100)
				a.finish()

				// One first try for each, probes, and what is tried before it is known.
				if got := sent - before; got > 1500+15*5+100 {
					t.Errorf("%d packets into the outage for 1500 requests", got)
				}
				if peak := n.peak(); peak > 100+600 {
					t.Errorf("%d packets in a second at 100 requests/s", peak)
				}
				for r := range a.from {
					res, left := a.ends[r], min(o.last+2*time.Millisecond, defaultWait+2*time.Millisecond)
					if a.from[r].Before(from.Add(refusedAfter)) {
						left = max(left, refusedAfter+probeEvery)
					}
					if res.err != nil && (res.err != o.err || res.took > left) {
						t.Errorf("failed %v into the outage after %v with %v, want %v within %v", a.from[r].Sub(from), res.took, res.err, o.err, left)
					}
					if late := res.at.Sub(back); a.from[r].Before(back) && late > 250*time.Millisecond {
						t.Errorf("ended %v after the return with %v", late, res.err)
					}
					if !a.from[r].Before(back) && (res.err != nil || res.took > 250*time.Millisecond) {
						t.Errorf("asked after the return: %v after %v", res.err, res.took)
					}
				}
				t.Logf("packets %d into the outage, peak %d, events %v", sent-before, n.peak(), a.ev)
			})
		})
	}
}

// TestOutageEvents: an outage is reported once, and its end.
func TestOutageEvents(t *testing.T) {
	for _, o := range outages[:3] {
		t.Run(o.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n)
				a.stream("warm", 10, 10)
				for range 2 {
					n.change(func() { o.set(n.hosts[serverA], true) })
					a.stream("dead", 100, 10)
					n.change(func() { o.set(n.hosts[serverA], false) })
					a.stream("back", 10, 10)
				}
				a.finish()
				var kinds []EventKind
				for _, e := range a.ev {
					kinds = append(kinds, e.Kind)
				}
				if want := []EventKind{OutageBegan, OutageEnded, OutageBegan, OutageEnded}; !slices.Equal(kinds, want) {
					t.Errorf("events = %v, want %v", kinds, want)
				}
			})
		})
	}
}

// TestLoneRequestFindsReturn: with a single request pending, the return is
// noticed in time too, however long the outage was.
func TestLoneRequestFindsReturn(t *testing.T) {
	for _, tc := range []struct {
		name   string
		set    func(h *host, on bool)
		outage time.Duration
	}{
		{"silent", outages[0].set, 3 * time.Second},
		{"refusing", outages[1].set, 100 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				a := newAsker(t, n)
				for i := range 20 {
					n.change(func() { tc.set(h, true) })
					r := a.start(fmt.Sprint(i))
					time.Sleep(tc.outage + time.Duration(i)*37*time.Millisecond)
					n.change(func() { tc.set(h, false) })
					back := time.Now()
					time.Sleep(time.Second)
					if res, ok := a.end(r); !ok || res.err != nil || res.at.Sub(back) > 250*time.Millisecond {
						t.Errorf("answered = %v %v after %v, want within 250 ms", ok, res.err, res.at.Sub(back))
					}
				}
				if sent := n.count(); sent > 20*25 {
					t.Errorf("%d packets for 20 requests", sent)
				}
				a.finish()
			})
		})
	}
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

// TestRestart: a server that refuses for most of a second costs that, and no
// answer.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		h := n.hosts[serverA]
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		for range 5 {
			n.change(func() { h.refusing = true })
			a.stream("n", 90, 100)
			n.change(func() { h.refusing = false })
			a.stream("back", 50, 100)
		}
		took, failed := a.finish()
		if last := took[len(took)-1]; failed > 0 || last > 1100*time.Millisecond {
			t.Errorf("%d failed, longest %v, want 0 and 1.1 s", failed, last)
		}
	})
}

// TestUnreachable: a request is told that its server refuses after a second, and
// the next ones at once. A later outage starts from the beginning.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].refusing = true
		a := newAsker(t, n)
		for _, tc := range []struct {
			pause, took time.Duration
		}{{0, refusedAfter}, {0, 0}, {time.Second, 0}, {time.Hour, refusedAfter}, {0, 0}} {
			time.Sleep(tc.pause)
			res := a.ask("a")
			if res.err != ErrNetwork || res.took < tc.took || res.took > tc.took+probeEvery {
				t.Errorf("Answer = %v after %v, want %v after %v", res.err, res.took, ErrNetwork, tc.took)
			}
		}
		if sent := n.count(); sent > 20 {
			t.Errorf("%d packets to a server that refuses", sent)
		}
		a.finish()
	})
}

// TestRefusingOfTwo: a server that refuses is left for the other at once.
func TestRefusingOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		n.hosts[serverB].rtt = func() time.Duration { return 5 * time.Millisecond }
		a := newAsker(t, n)
		a.stream("warm", 50, 100)
		n.change(func() { n.hosts[serverA].refusing = true })
		for i := range 300 {
			if res := a.ask(fmt.Sprint(i)); res.err != nil || res.took > 10*time.Millisecond {
				t.Errorf("request %d: %v after %v, want the other server's answer", i, res.err, res.took)
			}
			time.Sleep(10 * time.Millisecond)
		}
		n.change(func() { n.hosts[serverB].refusing = true })
		if res := a.ask("none"); res.err != ErrNetwork || res.took > refusedAfter+probeEvery {
			t.Errorf("both refuse: %v after %v, want %v after %v", res.err, res.took, ErrNetwork, refusedAfter)
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

// TestLocalError: what hinders this side is named, when it begins and when it ends.
func TestLocalError(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM} {
		for _, tcp := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly = tcp })
				a.ask("before")
				time.Sleep(2 * streamIdle)
				n.change(func() { n.dialErr = errno })
				for range 3 {
					if res := a.ask("during"); !errors.Is(res.err, errno) || !errors.Is(res.err, ErrNetwork) {
						t.Errorf("Answer = %v, want %v", res.err, errno)
					}
				}
				n.change(func() { n.dialErr = nil })
				a.ask("after")
				time.Sleep(3 * time.Second)
				if res := a.ask("after"); res.err != nil {
					t.Errorf("Answer = %v when it is over", res.err)
				}
				a.finish()
				var kinds []EventKind
				for _, e := range a.ev {
					if e.Kind == LocalErrorBegan || e.Kind == LocalErrorEnded {
						kinds = append(kinds, e.Kind)
					}
					if e.Kind == LocalErrorBegan && e.Err != errno {
						t.Errorf("event's error = %v, want %v", e.Err, errno)
					}
				}
				if !slices.Equal(kinds, []EventKind{LocalErrorBegan, LocalErrorEnded}) || a.Stats().Servers[0].LocalErrors == 0 {
					t.Errorf("events %v and %d errors, want begin and end", kinds, a.Stats().Servers[0].LocalErrors)
				}
			})
		}
	}
}
