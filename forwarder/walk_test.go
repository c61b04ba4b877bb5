package forwarder

import (
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// A chain whose end is asked for after the client was closed, as when a reload
// was long ago, ends in SERVFAIL.
func TestWalkAfterClose(t *testing.T) {
	s, mem := unserved(t), newMemConn(testServer)
	query := queryFor(1, "alias.example.", dns.TypeA)
	r, f := s.fetchOf(t, query, mem)
	s.state.Load().upstream.Close()
	msg := packed(saying(t, query, []string{"alias.example. 5 IN CNAME end.example."}))
	r.give(f, msg)
	r.Flush()
	r.askAll(s.queue.take())
	if sent := mem.sentSoFar(); len(sent) != 1 || wire.Rcode(sent[0].Data) != wire.ServFail {
		t.Errorf("sent %v, want one SERVFAIL", sent)
	}
	if n := s.waiters.n.Load(); n != 0 {
		t.Errorf("%d queries wait for an answer, want 0", n)
	}
}
