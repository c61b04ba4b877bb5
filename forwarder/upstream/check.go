package upstream

import (
	"errors"

	"vpcdns/forwarder/wire"
)

// Errors of answers that no Handler is given, until no server is left to ask.
var (
	ErrMalformed = errors.New("malformed answer")
	ErrReferral  = errors.New("server is not recursive: it answered with a referral")
	errTruncated = errors.New("truncated answer over TCP")
)

// Checker is a Handler that asks more of an answer than that it is well formed
// and no referral. Check is called before Answer by the same goroutine, for the
// same request; m may be changed, and is good until that Answer returns. An error
// says that the answer is of no use: the server is asked once more, then the next
// one, and Answer is given the error when none is left.
type Checker interface {
	Handler
	Check(r *Request, m *wire.Message) error
}

// outlet is a Handler, and what looks at answers before it.
type outlet struct {
	Handler
	checker Checker // the Handler too, or nil
	parsed  wire.Message
}

func newOutlet(h Handler) *outlet {
	o := &outlet{Handler: h}
	o.checker, _ = h.(Checker)
	return o
}

// check reports what is wrong with an answer.
func (o *outlet) check(r *Request, msg []byte) error {
	switch m := &o.parsed; {
	case !m.Parse(msg):
		return ErrMalformed
	case m.Referral():
		return ErrReferral
	case o.checker != nil:
		return o.checker.Check(r, m)
	}
	return nil
}

// origin is where an answer came from, and how it was asked for.
type origin struct {
	server     *server
	index      uint8 // of the server in Request.Servers
	tcp, plain bool
	failing    int // failures of the server in a row before it
}

func (t *try) origin() origin {
	return origin{server: t.server, index: t.index, tcp: t.tcp, plain: !t.edns, failing: t.server.failing}
}

// deliver gives requests to a Handler, and returns those whose answers were of
// no use, in the same memory.
func (c *Client) deliver(ended []delivery) (unsound []delivery) {
	if len(ended) == 0 {
		return nil
	}
	o := <-c.outlets
	if o == nil {
		o = newOutlet(c.cfg.NewHandler())
	}
	unsound = ended[:0]
	for _, d := range ended {
		if d.err == nil {
			if err := o.check(d.r, d.msg); err != nil {
				d.msg, d.err = nil, err
				unsound = append(unsound, d)
				continue
			}
		}
		o.Answer(d.r, d.msg, d.err)
	}
	o.Flush()
	c.outlets <- o
	return unsound
}

// reopen goes on with requests whose answers were of no use.
func (c *Client) reopen(unsound []delivery) {
	for i := range unsound {
		d := &unsound[i]
		r := d.r
		c.pending++
		c.enlist(r)
		if c.closed {
			c.finish(r, nil, ErrClosed)
			continue
		}
		c.unsound(r, d.from, d.err)
		c.ask(r)
	}
}

// unsound notes that an answer to r was of no use. The server is asked once more,
// in another way: plainly, as what spoils answers often knows no EDNS (RFC 6891,
// 7); or over TCP where that would lose the signatures, or was in vain and nobody
// else is left; then plainly over TCP. A referral is the next server's matter
// while there is one.
func (c *Client) unsound(r *Request, from origin, err error) {
	s, i := from.server, int(from.index)
	s.stats.Unsound++
	s.failed(from.failing, c.t)
	r.err = err
	again := !r.unsound.has(i)
	lone := !c.others(r, i)
	r.unsound.add(i)
	switch {
	case err == ErrReferral:
		again = again && lone
	case lone && from.tcp && !from.plain && !r.plain.has(i):
		again = true
		r.plain.add(i) // an answer without signatures is better than none
	case from.tcp || r.truncated.has(i):
	case again && !from.plain && !r.DO:
		r.plain.add(i)
	case again || lone:
		again = true
		r.truncated.add(i)
	}
	if !again {
		r.failed.add(i)
		return
	}
	r.pinned = int32(i) + 1
}

// others reports whether r has another server than its i-th that has not failed.
func (c *Client) others(r *Request, i int) bool {
	for j, a := range r.Servers[:min(len(r.Servers), maxServers)] {
		if j != i && !r.failed.has(j) && c.servers[a] != nil {
			return true
		}
	}
	return false
}
