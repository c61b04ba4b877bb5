package upstream

import (
	"hash/maphash"
	"time"

	"vpcdns/forwarder/wire"
)

const (
	// oddFor is how long a name is asked for without EDNS that was not answered
	// with it.
	oddFor = 10 * time.Minute

	// plainAfter names in a row that a server, which never showed an OPT, answered
	// only without EDNS, it is asked so for plainFor: it is the server. That ends
	// soon, as the names may all have been one client's.
	plainAfter = 3
	plainFor   = time.Minute

	// oddNames bounds what is kept; of two names in one place the newer stays.
	oddNames = 1024
)

// odd is the names that want no EDNS, by server. What one name teaches holds for
// it alone: behind a resolver it is its own server that answers so.
type odd struct {
	seed  maphash.Seed
	last  time.Duration // when the last of them is forgotten
	names [oddNames]oddName
}

type oddName struct {
	hash  uint64
	until time.Duration
}

func (o *odd) hash(s *server, question []byte) uint64 {
	var buf [255]byte
	name := wire.AppendLower(buf[:0], question[:len(question)-4])
	return maphash.Bytes(o.seed, name) ^ s.salt
}

func (o *odd) add(s *server, question []byte, now time.Duration) {
	h := o.hash(s, question)
	o.names[h%oddNames] = oddName{h, now + oddFor}
	o.last = now + oddFor
}

func (o *odd) has(s *server, question []byte, now time.Duration) bool {
	if now >= o.last {
		return false // as nearly always
	}
	h := o.hash(s, question)
	n := o.names[h%oddNames]
	return n.hash == h && now < n.until
}

// withEDNS reports whether r's next try to s, its i-th server, has an OPT.
func (c *Client) withEDNS(r *Request, i int, s *server) bool {
	return !s.NoEDNS && !r.plain.has(i) && c.t >= s.plainUntil && !c.odd.has(s, r.Question, c.t)
}

// learnEDNS notes a good answer to t.
func (c *Client) learnEDNS(t *try) {
	s, r := t.server, t.r
	switch {
	case t.edns:
		s.plainNames = 0
	case r.plain.has(int(t.index)):
		c.odd.add(s, r.Question, c.t)
		if s.plainNames++; !s.shownOPT && s.plainNames >= plainAfter {
			s.plainUntil = c.t + plainFor
		}
	}
}

// unsure reports whether msg may be about another query than t: a FORMERR without
// a question, where others are pending. Then t's request is asked again where
// nothing else is.
func (c *Client) unsure(t *try, msg []byte) bool {
	if !bareFormErr(msg) || t.table.n == 1 {
		return false
	}
	r, i := t.r, int(t.index)
	switch at := t.table.owner.(type) {
	case *stream:
		r.alone.add(i)
	case *socket:
		if !at.shared {
			return false
		}
		r.own = true
	}
	t.done = true
	c.again(t)
	return true
}
