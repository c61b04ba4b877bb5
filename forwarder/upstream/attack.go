package upstream

import (
	"slices"
	"time"
)

const (
	// noTCPFor is how long TCP is not our own idea with a server that has none.
	noTCPFor = time.Minute

	// attackedTCP sockets forged on under one request, or with wrong answers and no
	// right one in time, it goes over TCP.
	attackedTCP = 2

	// swarmOf wrong answers of a server in a second, no request is given the few
	// that may be accidents.
	swarmOf = 100
)

// wrong notes that msg, which came in on k, answers nothing. Who is forged on is
// known by the port, or on a shared one by the question, once there were too many
// for accidents.
func (c *Client) wrong(k *socket, msg []byte) {
	s := k.path.server
	s.stats.Mismatched++
	k.wrong++
	most := maxWrong
	if s.swarm(c.t) {
		most = 0
	}
	var t *try
	switch {
	case !k.shared:
		t = k.buckets[0]
	case k.wrong > most:
		t = k.asking(c, msg)
	}
	c.forgedOn = c.forgedOn[:0]
	for ; t != nil; t = t.same {
		if !slices.Contains(c.forgedOn, t.r) {
			c.forgedOn = append(c.forgedOn, t.r)
		}
	}
	for _, r := range c.forgedOn {
		c.countWrong(r, k, most)
	}
}

// swarm counts a wrong answer from s, and reports whether they are many: then he
// who sends them tries many questions, with a few guesses at each.
func (s *server) swarm(now time.Duration) bool {
	if now-s.wrongFrom > time.Second {
		s.wrongs, s.wrongFrom = 0, now
	}
	s.wrongs++
	return s.wrongs > swarmOf
}

// countWrong counts a wrong answer at r, over all its ports. When there are
// too many r leaves k: for a new port, and once that is known too for TCP (RFC
// 5452, 9.3 and 10). Without TCP each further port comes later, so that he gets
// few of them.
func (c *Client) countWrong(r *Request, k *socket, most int) {
	if r.probe != nil {
		return
	}
	if r.wrong++; r.wrongOn != k {
		r.wrongOn = k
		r.wrongPorts++
	}
	if int(r.wrong) <= most {
		return
	}
	c.noteAttack(k.path.server)
	if r.attacked++; r.wrongPorts >= attackedTCP {
		r.attacked = max(r.attacked, attackedTCP)
	}
	c.leavePort(r, k)
	after := time.Duration(0)
	if r.attacked > attackedTCP {
		after = minVariance << min(r.attacked-attackedTCP, 5)
	}
	c.retry(r, after)
}

// leavePort drops r's tries on k.
func (c *Client) leavePort(r *Request, k *socket) {
	for t := r.tries; t != nil; {
		earlier := t.earlier
		if t.table == &k.table {
			c.abandon(t)
		}
		t = earlier
	}
}

// kill closes a socket that is broken.
func (c *Client) kill(k *socket) {
	c.abort(k, func(r *Request) time.Duration {
		c.refuse(k.path.server, r)
		return 0
	})
}

// abort closes k, and asks again after what delay returns for the requests
// that waited there.
func (c *Client) abort(k *socket, delay func(*Request) time.Duration) {
	c.retire(k)
	for _, t := range k.all() {
		r, latest := t.r, t.r.tries == t
		c.abandon(t)
		if after := delay(r); latest {
			c.retry(r, after)
		}
	}
}

// noteAttack notes an attack on s.
func (c *Client) noteAttack(s *server) {
	s.stats.Attacks++
	if c.t-s.forgedAt > time.Second {
		s.forgedAt = c.t
		c.events = append(c.events, Event{Kind: Forgery, Server: s.Addr})
	}
}

// withoutTCP gives up TCP to s, where it was only our own idea.
func (c *Client) withoutTCP(s *server) {
	s.noTCPUntil, s.tcp.mute = c.t+noTCPFor, 0
}

// overTCP reports whether r's next try to s, its i-th server, goes over TCP.
func (c *Client) overTCP(r *Request, i int, s *server) bool {
	if s.TCPOnly || r.truncated.has(i) {
		return true
	}
	return c.t >= s.noTCPUntil && !r.noTCP.has(i) && (max(r.attacked, r.wrongPorts) >= attackedTCP || r.oddCookie.has(i))
}
