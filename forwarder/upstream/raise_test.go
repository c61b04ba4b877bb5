package upstream

import (
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

// TestManyPending: more requests may wait than a connection has IDs for.
func TestManyPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].tcpMute = true
		a := newAsker(t, n, func(c *Config) { c.Servers[0].TCPOnly = true })
		for range 70_000 {
			r := &Request{Question: question("x"), Servers: nil}
			r.Servers = append(r.Servers, serverA)
			a.from[r] = time.Now()
			a.Start(r)
		}
		a.Client.Flush()
		if _, failed := a.finish(); failed != 70_000 {
			t.Errorf("%d requests failed, want all 70000", failed)
		}
	})
}

// TestAnyShared: a full socket is not shared any more.
func TestAnyShared(t *testing.T) {
	s := new(server)
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
