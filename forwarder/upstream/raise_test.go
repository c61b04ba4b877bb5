package upstream

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestRaise: a prefetch behind queued clients is asked before them when it
// becomes one of a name that was known.
func TestRaise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		a.stream("spend", 10, 1e6)
		prefetch := a.start("prefetch", func(r *Request) { r.Priority = PriorityPrefetch })
		a.stream("client", 20, 1e6)
		a.Raise(prefetch, PriorityHot)
		a.Raise(prefetch, PriorityProbe) // does not lower it
		a.finish()
		if i := slices.Index(a.seen, prefetch); i > 12 || i < 0 {
			t.Errorf("the raised request was answered as number %d of %d, want next after those that were sent", i, len(a.seen))
		}
	})
}

// TestManyPending: a connection is not given more tries than it has IDs for.
func TestManyPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].tcpMute = true
		a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly, c.Wait = true, 100*time.Millisecond })
		for range maxTries + 1 {
			r := &Request{Question: question("x"), Servers: []netip.AddrPort{serverA}}
			a.from[r] = time.Now()
			a.Start(r)
		}
		a.Client.Flush()
		if s := a.Stats(); s.Streams != 2 {
			t.Errorf("%d connections for %d tries, want 2", s.Streams, maxTries+1)
		}
		a.finish()
	})
}

// TestAnyShared: a full socket is not shared any more.
func TestAnyShared(t *testing.T) {
	s := new(path)
	full := new(socket)
	full.n = maxTries
	s.udp.sockets[3] = full
	if got := s.anyShared(); got != nil {
		t.Errorf("anyShared() = %p, want nil: its only socket is full", got)
	}
	free := new(socket)
	s.udp.sockets[5] = free
	if got := s.anyShared(); got != free {
		t.Errorf("anyShared() = %p, want %p", got, free)
	}
}

// TestStalledShortLife: a connection that says nothing is given up also when
// requests live for less than streamTimeout.
func TestStalledShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].tcpMute = true
		a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly, c.Wait = true, 300*time.Millisecond })
		a.stream("mute", 20, 10)
		a.finish()
		if s := a.Stats().Servers[0]; s.Connects < 2 {
			t.Errorf("%d connections were made in 2 s of silence, want another after the first", s.Connects)
		}
	})
}

// TestEvictInFlight: names that nobody answers for do not keep others out: the
// oldest goes, but none of a higher priority.
func TestEvictInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].dead = true
		a := newAsker(t, n, func(c *Config) { c.MaxPending = 100 })
		hot := a.start("hot", func(r *Request) { r.Priority = PriorityHot })
		first := a.start("first")
		a.stream("n", 98, 1e6)
		prefetch := a.start("prefetch", func(r *Request) { r.Priority = PriorityPrefetch })
		last := a.start("last")
		for _, test := range []struct {
			name  string
			r     *Request
			ended bool
		}{{"hot", hot, false}, {"first", first, true}, {"prefetch", prefetch, true}, {"last", last, false}} {
			if res, ended := a.end(test.r); ended != test.ended || ended && res.err != ErrBusy {
				t.Errorf("%s: ended = %v, %v, want %v, %v", test.name, ended, res.err, test.ended, ErrBusy)
			}
		}
		a.finish()
		for _, l := range a.lines {
			if l.oldest != nil || l.newest != nil {
				t.Error("a request stands in line after its end")
			}
		}
		if len(a.loads.of) > 0 || a.loads.top > 0 {
			t.Errorf("clients have requests after their end: %v", a.loads.of)
		}
	})
}
