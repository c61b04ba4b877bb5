package forwarder

import (
	"testing"

	"vpcdns/forwarder/udp"
)

// asker is a worker with its query, as a reader of a socket has them.
type asker struct {
	worker
	q query
}

func (s *Server) newAsker() *asker {
	a := new(asker)
	a.init(s.engine, new(counters))
	return a
}

// testAsker is the client of a test, over UDP or TCP.
func testAsker(tcp bool) client {
	c := client{addr: testClient, local: testServer}
	if tcp {
		c.via = viaTCP
	}
	return c
}

// ask serves one message by itself.
func (a *asker) ask(msg []byte, c client) ([]byte, outcome) {
	a.q.client = c
	a.begin()
	return a.serve(nil, msg, &a.q)
}

// waits serves a query that the cache does not answer, and returns the waiter that
// would be queued.
func (a *asker) waits(t *testing.T, msg []byte) *waiter {
	t.Helper()
	if _, what := a.ask(msg, testAsker(false)); what != waiting {
		t.Fatalf("serve = %v, want waiting", what)
	}
	return a.waiters.get(&a.q, a.st)
}

// fetchOf starts a fetch for a query as a resolver does, but asks nobody.
func (s *Server) fetchOf(t *testing.T, msg []byte, mem *memConn) (*resolver, *fetch) {
	t.Helper()
	a := s.newAsker()
	w := a.waits(t, msg)
	w.conn, w.peer = mem, udp.PeerOf(testClient)
	r := s.newResolver()
	r.begin()
	return r, s.inflight.join(w, a.q.key, r.now).fetch
}
