package upstream

import (
	"net/netip"
	"time"
)

const (
	// downAfter silent tries, and twice the retry timeout, make a server down:
	// at 20 % loss that happens once in 600 lone requests, and costs them little.
	downAfter = 4

	// probeEvery is how often a down server is sent something at least: it
	// bounds how long its return goes unnoticed, at 5 packets a second.
	probeEvery = 200 * time.Millisecond

	// exploreEvery and exploreDown are how often a server that is not the best
	// is sent a copy of a live query.
	exploreEvery = time.Second
	exploreDown  = 500 * time.Millisecond

	// outageAfter is the silence that is worth an event. A shorter one may be
	// that of a single slow name when nothing else is asked.
	outageAfter = 2 * time.Second

	// failingAfter failures in a row, other servers are preferred.
	failingAfter = 3

	// longAgo is before any time that matters.
	longAgo = -time.Hour
)

// server is what is known of a Server.
type server struct {
	Server
	alarm          // while it is down
	paths  []*path // one at least
	budget *budget // nil: unmetered
	rtt    rtt
	parked queue // requests that wait for it to come up
	tcp    streams

	sent  time.Duration // last packet to it
	heard time.Duration // last answer from it

	silent     int           // tries in a row without an answer
	silentFrom time.Duration // when the first of them was sent
	failing    int           // failures in a row
	failFrom   time.Duration // when the first of them came
	upFrom     time.Duration // since when it is neither down nor failing
	flying     int           // tries without an answer
	refusals   refusals
	fault      error // an ErrLocal while there is one
	down       bool
	announced  bool // the outage was an event

	salt       uint64        // tells it from others in hashes
	shownOPT   bool          // once at least
	plainNames int           // in a row that were answered only without EDNS
	plainUntil time.Duration // no EDNS
	noTCPUntil time.Duration // TCP failed, where it was our own idea
	forgedAt   time.Duration // last attack on a request
	wrongs     int           // wrong answers in the second from wrongFrom
	wrongFrom  time.Duration

	stats ServerStats
}

func (c *Client) newServer(sv Server) *server {
	s := &server{Server: sv, sent: longAgo, heard: longAgo, forgedAt: longAgo, wrongFrom: longAgo, refusals: noRefusals, tcp: streams{heard: longAgo}}
	s.owner, s.salt = s, c.rand.Uint64()
	s.stats.Addr = sv.Addr
	if s.UDPSize == 0 {
		s.UDPSize = defaultUDPSize
	}
	for _, from := range c.sourcesFor(sv.Addr.Addr()) {
		s.paths = append(s.paths, c.newPath(s, from))
	}
	return s
}

// cost orders servers: those that are up, those not yet asked in this round,
// those that answer well, and then the fastest come first.
func (s *server) cost(tried bool) uint64 {
	cost := uint64(min(s.rtt.cost(), time.Minute))
	if s.degraded() {
		cost |= 1 << 40
	}
	if tried {
		cost |= 1 << 41
	}
	if s.down {
		cost |= 1 << 42
	}
	return cost
}

func (s *server) degraded() bool { return s.silent > 0 || s.failing >= failingAfter }

// well notes that s does not fail.
func (s *server) well(now time.Duration) {
	if s.failing >= failingAfter {
		s.upFrom = now
	}
	s.failing = 0
}

// failed notes one failure more than there were before, in a row.
func (s *server) failed(before int, now time.Duration) {
	if s.failing = before + 1; before == 0 {
		s.failFrom = now
	}
}

// answered notes an answer to t.
func (c *Client) answered(t *try) {
	s := t.server
	s.heard = c.t
	s.silent, s.refusals = 0, noRefusals
	s.stats.Answered++
	c.answeredOn(t)
	if !t.tcp || s.TCPOnly {
		s.rtt.sample(c.t - t.sent)
		s.stats.RTT.observe(c.t - t.sent)
	}
	if s.down {
		s.down, s.upFrom = false, c.t
		c.revived = append(c.revived, s)
	}
}

// lost notes that t was not answered in time. It says something of the server
// only if nothing else was answered since.
func (c *Client) lost(t *try) {
	s := t.server
	s.stats.TimedOut++
	if t.tcp {
		c.stalled(t)
	}
	if !c.lostOn(t) || t.sent <= s.heard {
		return
	}
	if s.silent++; s.silent == 1 || t.sent < s.silentFrom {
		s.silentFrom = t.sent
	}
	if s.silent >= downAfter && c.t-s.silentFrom >= 2*s.rtt.rto() {
		c.setDown(s)
	}
}

func (c *Client) setDown(s *server) {
	if s.down {
		return
	}
	s.down, s.announced = true, false
	c.wheel.set(&s.alarm, c.t+probeEvery, c.t)
}

// park makes r wait until s comes up.
func (c *Client) park(r *Request, s *server) {
	c.unqueue(r)
	s.parked.push(r)
	c.wheel.set(&r.alarm, r.deadline, c.t)
	if !s.armed() {
		c.wheel.set(&s.alarm, c.t+probeEvery, c.t)
	}
}

// ring looks after a server that is down.
func (s *server) ring(c *Client) {
	if !s.down {
		return
	}
	if !s.announced && c.t-s.silentFrom >= outageAfter {
		s.announced = true
		c.events = append(c.events, Event{Kind: OutageBegan, Server: s.Addr, Duration: c.t - s.silentFrom})
	}
	if c.t-s.sent >= probeEvery {
		c.tryParked(s)
	}
	if s.down && (s.parked.n > 0 || !s.announced) {
		c.wheel.set(&s.alarm, c.t+probeEvery, c.t)
	}
}

// tryParked sends one of the requests that wait for s, and makes it wait on.
func (c *Client) tryParked(s *server) {
	r := s.parked.head
	if r == nil {
		return
	}
	i := r.position(s)
	tcp, alone := c.overTCP(r, i, s), r.alone.has(i)
	p := c.path(r, s, tcp, alone)
	if p.link != nil && !p.link.spend(c.price(p, tcp, alone), c.t) {
		return
	}
	c.unqueue(r)
	c.send(r, i, p, tcp)
	if r.queue != nil || !r.armed() {
		return // it could not be sent, and was parked again or ended
	}
	if _, next := c.pick(r); next != nil {
		c.park(r, next)
	}
}

// wake asks again for the requests that waited for a server which came up.
func (c *Client) wake() {
	for i := 0; i < len(c.revived); i++ {
		s := c.revived[i]
		if s.announced {
			c.events = append(c.events, Event{Kind: OutageEnded, Server: s.Addr, Duration: c.t - s.silentFrom})
		}
		for _, d := range c.list {
			for range d.parked.n {
				c.resume(d.parked.pop(), d, s)
			}
		}
	}
	c.revived = c.revived[:0]
}

// resume asks s for r, which was parked at d; not before the last try to s had
// its time.
func (c *Client) resume(r *Request, d, s *server) {
	if r.position(s) < 0 {
		d.parked.push(r)
		return
	}
	r.vain = 0 // the server's silence was not about r
	for t := r.tries; t != nil; t = t.earlier {
		if t.server != s {
			continue
		}
		if due := t.sent + s.rtt.rto(); due > c.t {
			c.wheel.set(&r.alarm, min(due, r.deadline), c.t)
			return
		}
		break
	}
	c.ask(r)
}

// position returns where s stands in r.Servers, or -1.
func (r *Request) position(s *server) int {
	for i, a := range r.Servers {
		if a == s.Addr {
			return i
		}
	}
	return -1
}

// explore sends a copy of r's question to servers that were not heard lately.
func (c *Client) explore(r *Request, asked *server) {
	for _, a := range r.Servers {
		s := c.servers[a]
		if s == nil || s == asked || c.t-s.sent < s.exploreInterval() {
			continue
		}
		if s.budget == nil || s.budget.ample(c.t) {
			c.probe(r, s)
		}
	}
}

func (s *server) exploreInterval() time.Duration {
	switch {
	case s.down:
		return exploreDown
	case s.silent > 0:
		return min(s.rtt.rto(), exploreDown)
	}
	return exploreEvery
}

func (c *Client) probe(r *Request, s *server) { c.ask(c.newProbe(r, s)) }

func (c *Client) newProbe(r *Request, s *server) *Request {
	p := c.pool.probe()
	p.server[0] = s.Addr
	p.Request = Request{
		Question: p.question[:copy(p.question[:], r.Question)],
		CD:       r.CD, DO: r.DO,
		Servers:  p.server[:],
		Priority: PriorityProbe,
	}
	q := &p.Request
	q.progress = progress{deadline: c.t + maxRTO, probe: p}
	q.owner = q
	return q
}

// Probe asks a server that is down, or one on its paths that are left out, a question
// whose answer nobody needs, if nothing was asked there for idle: it may be up again.
// (Question as in Request.)
func (c *Client) Probe(server netip.AddrPort, question []byte, idle time.Duration) {
	c.enter()
	if s := c.servers[server]; s != nil && !c.closed {
		switch {
		case s.down && c.t-s.sent >= idle && (s.budget == nil || s.budget.ample(c.t)):
			c.probe(&Request{Question: question}, s)
		case !s.down:
			c.probeOut(s, question, idle)
		}
	}
	c.leave(nil)
}

func (c *Client) probeOut(s *server, question []byte, idle time.Duration) {
	for _, p := range s.paths {
		if p.out && c.t-p.sent >= idle {
			c.probeOn(question, p)
		}
	}
}
