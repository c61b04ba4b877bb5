package upstream

import "time"

const (
	// noTCPFor is how long TCP is not our own idea with a server that has none.
	noTCPFor = time.Minute

	// attackedTCP sockets forged on under one request, it goes over TCP.
	attackedTCP = 2
)

// forged closes a socket on which somebody guesses, and asks again for what was
// pending there: from new ports, then over TCP (RFC 5452, 9.3 and 10). Without
// TCP each further port comes later, so that he gets few of them.
func (c *Client) forged(k *socket) {
	c.noteAttack(k.server)
	c.abort(k, func(r *Request) time.Duration {
		r.attacked++
		if r.attacked <= attackedTCP {
			return 0
		}
		return minVariance << min(r.attacked-attackedTCP, 5)
	})
}

// kill closes a socket that is broken.
func (c *Client) kill(k *socket) {
	c.abort(k, func(r *Request) time.Duration {
		c.refuse(k.server, r)
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
	return c.t >= s.noTCPUntil && !r.noTCP.has(i) && r.attacked >= attackedTCP
}
