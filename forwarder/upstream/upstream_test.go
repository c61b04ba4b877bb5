package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/forwarder/wire"
)

func TestAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsker(t, newNetwork(serverA))
		res := a.ask("a")
		if res.err != nil || !wire.SameQuestion(res.msg, question("a")) {
			t.Errorf("Answer = %x, %v, want an answer to the question", res.msg, res.err)
		}
		if n := a.net.count(); n != 1 {
			t.Errorf("%d packets sent, want 1", n)
		}
		a.finish()
	})
}

// TestFailures holds what each kind of answer leads to at a lone server.
func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rcode int
		want  error
	}{
		{"SERVFAIL", wire.ServFail, ErrServFail{wire.ServFail}},
		{"REFUSED", wire.Refused, ErrServFail{wire.Refused}},
		{"NOTIMP", wire.NotImp, ErrServFail{wire.NotImp}},
		{"NOTAUTH", wire.NotAuth, ErrServFail{wire.NotAuth}},
		{"YXDOMAIN without answer", wire.YXDomain, ErrServFail{wire.YXDomain}},
		{"FORMERR with OPT", wire.FormErr, ErrServFail{wire.FormErr}},
		{"NXDOMAIN", wire.NXDomain, nil},
		{"a code that has no name", 100, ErrServFail{100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{reply(q, tc.rcode)} }
				a := newAsker(t, n)
				if res := a.ask("a"); !errors.Is(res.err, tc.want) || res.took > 50*time.Millisecond {
					t.Errorf("Answer = %v after %v, want %v at once", res.err, res.took, tc.want)
				}
				st := a.Stats()
				counted := min(tc.rcode, NumRcodes)
				if s := st.Servers[0]; s.Rcodes[counted] != s.Answered || s.Answered == 0 || st.Types[wire.TypeA] != s.Sent {
					t.Errorf("counted %d of the rcode in %d answers, %d of the type in %d tries, want all", s.Rcodes[counted], s.Answered, st.Types[wire.TypeA], s.Sent)
				}
				a.finish()
			})
		})
	}
}

func TestServFailGoesToNextServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		n.hosts[serverA].udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{reply(q, wire.ServFail)} }
		a := newAsker(t, n)
		for i := range 20 {
			if res := a.ask(fmt.Sprint(i)); res.err != nil || res.took > 50*time.Millisecond {
				t.Errorf("Answer = %v after %v, want one from the other server", res.err, res.took)
			}
		}
		if asked := n.hosts[serverA].queries; asked > 8 {
			t.Errorf("failing server asked %d times in 20 requests, want it avoided", asked)
		}
		a.finish()
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		n.hosts[serverA].dead = true
		n.hosts[serverB].udp = func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{truncated(q)} }
		n.hosts[serverB].tcpMute = true
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		for i := range 500 {
			a.start(fmt.Sprint(i))
		}
		time.Sleep(100 * time.Millisecond)
		a.Start(&Request{Question: question("unflushed"), Servers: a.cfg.servers()})
		a.Close()
		a.Close()
		a.start("late")
		if len(a.ends) != 502 {
			t.Errorf("%d requests ended, want 502", len(a.ends))
		}
		for _, res := range a.ends {
			if !errors.Is(res.err, ErrClosed) {
				t.Errorf("Answer = %v, want %v", res.err, ErrClosed)
			}
		}
	})
}

func TestMaxPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].dead = true
		a := newAsker(t, n, func(c *Config) { c.MaxPending = 100; c.PPS = 100 })
		for i := range 200 {
			a.start(fmt.Sprint(i))
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if len(a.ends) != 100 {
			t.Errorf("%d of 200 requests ended with room for 100, want 100", len(a.ends))
		}
		for _, r := range a.seen {
			if res := a.ends[r]; !errors.Is(res.err, ErrBusy) {
				t.Errorf("Answer = %v, want %v", res.err, ErrBusy)
			}
		}
		if _, early := a.end(a.start("last")); early {
			t.Error("the newest request was failed, want the oldest queued one")
		}
		a.finish()
	})
}

func TestPrevious(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		old := newAsker(t, n, func(c *Config) { c.PPS = 900 })
		old.stream("n", 300, 3000)
		time.Sleep(20 * time.Second)
		for i := range 90 {
			old.start(fmt.Sprint("burst", i))
		}
		sent := n.count()
		a := newAsker(t, n, func(c *Config) { c.PPS, c.Previous = 900, old.Client })
		if got, want := a.Stats().Servers[0].RTO, old.Stats().Servers[0].RTO; got != want {
			t.Errorf("RTO = %v, want the previous client's %v", got, want)
		}
		if !a.OwnsCookie(old.list[0].paths[0].cookie.client) {
			t.Error("the previous client's cookie is not ours")
		}
		res := a.ask("new")
		if n.count() != sent+1 || res.took < 2*time.Millisecond || res.took > 20*time.Millisecond {
			t.Errorf("answered after %v, want a wait for the budget that the previous client has spent", res.took)
		}
		old.Close()
		a.finish()
	})
}

func TestOwnsCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsker(t, newNetwork(serverA, serverB))
		one, other := a.list[0].paths[0].cookie.client, a.list[1].paths[0].cookie.client
		if one == other {
			t.Error("two servers got the same client cookie")
		}
		if !a.OwnsCookie(one) || !a.OwnsCookie(other) || a.OwnsCookie([8]byte{1}) {
			t.Error("OwnsCookie does not tell our cookies from others")
		}
		a.finish()
	})
}

// servers lists the addresses of all servers.
func (cfg *Config) servers() (list []netip.AddrPort) {
	for _, s := range cfg.Servers {
		list = append(list, s.Addr)
	}
	return list
}
