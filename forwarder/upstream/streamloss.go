package upstream

import (
	"cmp"
	"time"
)

const (
	// serialFor is how long a server is not sent queries behind each other that
	// did not answer them so.
	serialFor = 10 * time.Minute

	// muteTCP requests in a row without an answer over TCP, there is none.
	muteTCP = 3

	// maxResets connections may end under a request before that counts as its
	// server's failure.
	maxResets = 3
)

// learnTCP notes an answer on st, and what it says of how the server answers. One
// that came on a later connection first does not answer them all at once on one;
// one that came so late, while others had theirs, waited for them to go.
func (c *Client) learnTCP(st *stream, t *try) {
	s := st.server
	for e := t.earlier; e != nil; e = e.earlier {
		if e.tcp && e.server == s {
			s.tcp.serialUntil = c.t + serialFor
		}
	}
	if st.heard == longAgo && c.t-st.born > streamTimeout && s.tcp.heard > st.born {
		s.tcp.briefUntil = c.t + serialFor
	}
	st.heard, s.tcp.heard, s.tcp.mute = c.t, c.t, 0
}

// reset goes on with r after a connection to its i-th server ended. One that
// worked, or where others waited too, says little: servers close them at any time
// (RFC 7766, 6.2.4), and some after one answer.
func (c *Client) reset(r *Request, i int, st *stream, lone bool) {
	s := st.server
	r.resets++
	switch worked := st.open && (!lone || st.heard > longAgo); {
	case c.closed:
		return
	case st.path.out && st.path.others():
		r.pinned = int32(i) + 1
	case worked && r.resets < maxResets:
		r.alone.add(i)
		r.pinned = int32(i) + 1
	case s.TCPOnly:
		c.refuse(s, r)
	case r.truncated.has(i):
		r.failed.add(i)
		if r.err == nil {
			r.err = cmp.Or[error](s.fault, ErrNetwork)
		}
	case st.partial: // its answer hung, which says nothing of the server's TCP
		r.noTCP.add(i)
	default:
		c.withoutTCP(s)
	}
	c.retry(r, 0)
}

// stalled notes that t was not answered in time. A connection that was silent
// since it was sent gets no more tries, and who waits there leaves it.
func (c *Client) stalled(t *try) {
	st, r, i := t.table.owner.(*stream), t.r, int(t.index)
	r.alone.add(i)
	if st.heard >= t.sent {
		return
	}
	c.scatter(st)
	if st.heard == longAgo && !t.server.TCPOnly && !r.truncated.has(i) {
		c.muteTCP(r, i, t.server)
	}
}

// muteTCP gives up TCP where it was only our own idea: for r, and for the server
// when a few requests say so, as one may have a name that is slow.
func (c *Client) muteTCP(r *Request, i int, s *server) {
	r.noTCP.add(i)
	if s.tcp.mute++; s.tcp.mute >= muteTCP {
		c.withoutTCP(s)
	}
}

// scatter has all that wait on st asked again on connections of their own. What
// is answered here all the same counts.
func (c *Client) scatter(st *stream) {
	c.retireStream(st)
	if st.n == 1 {
		return // it has no other to wait for
	}
	for _, t := range st.all() {
		r, i := t.r, int(t.index)
		if r.alone.has(i) || r.tries != t {
			continue
		}
		r.alone.add(i)
		r.pinned = int32(i) + 1
		c.retry(r, 0)
	}
}
