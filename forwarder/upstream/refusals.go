package upstream

import (
	"cmp"
	"errors"
	"syscall"
	"time"
)

const (
	// refusedAfter is how long a server must refuse before that is passed on to
	// requests: one that restarts within it loses none, and whose server is gone
	// is told so while there is time to ask somebody else.
	refusedAfter = time.Second

	// refusalGap without a refusal ends a run of them. Linux sends one ICMP error
	// a second to a host (icmp_ratelimit).
	refusalGap = 2500 * time.Millisecond

	// refusalRest is how long after a refusal the next ones on a socket are not
	// passed on. A shared one has thousands of requests and, on a host without a
	// limit, gets a refusal for each.
	refusalRest = 10 * time.Millisecond
)

// refusals is a run of them without an answer in between.
type refusals struct{ first, last time.Duration }

var noRefusals = refusals{longAgo, longAgo}

func (f *refusals) note(now time.Duration) {
	if now-f.last > refusalGap {
		f.first = now
	}
	f.last = now
}

// final reports whether the server will not answer any time soon.
func (f *refusals) final(now time.Duration) bool {
	return f.last-f.first >= refusedAfter && now-f.last <= refusalGap
}

// local reports whether a socket could not be had because of this host's addresses
// or rules.
func local(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}

// dialed notes how opening a socket on p went, and reports whether an error says
// nothing of its server, as there is another path. A local error is an event when it
// begins, and when it ends.
func (c *Client) dialed(p *path, err error) (ours bool) {
	if err == nil {
		p.fault = nil
	} else if noWay(err) && c.leaveOut(p, err) {
		c.againInVain(p)
		return true
	}
	s := p.server
	was := s.fault
	if s.fault = nil; local(err) {
		s.fault = ErrLocal{err}
		s.stats.LocalErrors++
	}
	switch {
	case was == nil && s.fault != nil:
		c.events = append(c.events, Event{Kind: LocalErrorBegan, Server: s.Addr, Err: err})
	case was != nil && s.fault == nil && err == nil:
		c.events = append(c.events, Event{Kind: LocalErrorEnded, Server: s.Addr})
	case err != nil:
		s.fault = cmp.Or(s.fault, was) // whatever it is, it is not over
	}
	return false
}

// exhausted reports whether a socket could not be had for want of something on
// this side, which says nothing of the server and may pass.
func exhausted(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRINUSE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refuse notes that s cannot be reached, which r has seen.
func (c *Client) refuse(s *server, r *Request) {
	s.refusals.note(c.t)
	c.unsent(s, r)
}

// unsent notes that r did not get to s, which takes that for silence.
func (c *Client) unsent(s *server, r *Request) {
	s.stats.Refused++
	if s.fault != nil {
		r.err = s.fault
	} else if r.err == nil {
		r.err = ErrNetwork
	}
	if s.silent == 0 {
		s.silentFrom = c.t
	}
	s.silent = max(s.silent, downAfter)
	c.setDown(s)
}

// unreachable notes that ICMP refused what was sent from k. The requests are
// asked again, until there is no hope; on another path where there is one, as a
// firewall may refuse a source.
func (c *Client) unreachable(k *socket, err error) {
	if c.t-k.refused < refusalRest {
		return
	}
	k.refused = c.t
	s := k.path.server
	if c.leaveOut(k.path, err) {
		c.againInVain(k.path)
		for _, t := range k.all() {
			c.retry(t.r, 0)
		}
		return
	}
	news := !s.down
	for _, t := range k.all() {
		c.refuse(s, t.r)
		if news || s.refusals.final(c.t) {
			c.retry(t.r, 0)
		}
	}
	if s.refusals.final(c.t) {
		c.dismiss(s)
	}
}

// dismiss sends those who wait for s to another server, or tells them.
func (c *Client) dismiss(s *server) {
	for range s.parked.n {
		c.ask(s.parked.pop())
	}
}
