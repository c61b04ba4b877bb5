package upstream

import (
	"cmp"
	"net/netip"
	"time"

	"vpcdns/forwarder/wire"
)

// Request is one question. The caller fills in the exported fields and leaves
// them alone until a Handler gives the request back; then it may be used again.
type Request struct {
	Question []byte           // name as asked, type, class: in wire form, uncompressed
	Servers  []netip.AddrPort // of the name's zone, 64 at most; all in Config.Servers
	CD, DO   bool             // as the client set them
	Priority Priority
	Turn     uint64        // the client that waits for it, or clients that share a turn
	Wait     time.Duration // its whole life; 0 is Config.Wait
	Tag      any           // the caller's own

	// Took is the time from the query that was answered to its answer, set with
	// an answer. TTLs count from when that query was sent: what the server had
	// left when it answered cannot be less than what is left then.
	Took time.Duration

	// From is the server that answered, set with an answer.
	From netip.AddrPort

	progress
}

// qtype is the type that is asked for.
func (r *Request) qtype() int {
	t := r.Question[len(r.Question)-4:]
	return int(t[0])<<8 | int(t[1])
}

// progress is where a request stands. Bit i of a servers set is Servers[i].
type progress struct {
	alarm
	queue         *queue // it waits here: for budget, or for a down server
	before, after *Request
	line          *line // its place among all of its kind by age
	load          *load // of its client; nil: none waits
	older, newer  *Request

	deadline time.Duration
	tries    *try // latest first
	err      error
	probe    *probe
	via      *path   // ask there next, if it is not left out
	wrongOn  *socket // the last that had a wrong answer

	tried     servers // in this round
	failed    servers // answered with a failure
	truncated servers // want TCP
	plain     servers // want no EDNS
	noTCP     servers // had no answer over TCP, where that was our own idea
	oddCookie servers // answered with a wrong cookie, or without one
	alone     servers // over TCP on a connection of its own
	unsound   servers // gave an answer that was of no use

	sent       int32 // number of tries ever
	vain       int32 // of these, the last ones without a sign of life
	wrong      int32 // answers that matched nothing, on all its sockets
	wrongPorts int32 // how many of them there were
	attacked   int32 // sockets that it left because of them
	badCookies int32
	badCookie  int32 // number of the last try at such a time
	resets     int32 // TCP connections that ended under it
	pinned     int32 // ask Servers[pinned-1] next, if not 0
	own        bool  // wants a port of its own
	retrying   bool  // the alarm is not about the latest try
}

// maxServers is how many of a request's servers are asked: as many as a set holds.
const maxServers = 64

// servers is a set of positions in Request.Servers.
type servers uint64

func (s servers) has(i int) bool { return s>>i&1 != 0 }
func (s *servers) add(i int)     { *s |= 1 << i }

// try is one query in flight.
type try struct {
	r       *Request
	server  *server
	path    *path
	table   *table // holds it
	next    *try   // in the table's bucket
	earlier *try   // of the same request
	same    *try   // with the same question, in the table's index
	hash    uint64 // of the question, where there is an index
	sent    time.Duration
	id      uint16
	index   uint8 // of the server in r.Servers
	edns    bool
	number  int32 // of r's tries, from 1
	cookie  bool  // carried one
	expect  bool  // and a server cookie: the answer must have one
	tcp     bool
	done    bool // its answer was acted upon: copies of it are not
}

// begin admits a started request.
func (c *Client) begin(r *Request) {
	r.progress = progress{deadline: c.t + cmp.Or(r.Wait, c.cfg.Wait)}
	r.owner = r
	c.pending++
	c.stats.Requests++
	switch {
	case c.closed:
		c.finish(r, nil, ErrClosed)
	case c.cfg.MaxPending > 0 && c.pending > c.cfg.MaxPending && r.Priority != PriorityVerify && !c.evict(r):
		c.busy(r)
	default:
		c.enlist(r)
		c.ask(r)
	}
}

// ask sends r's next try, or makes r wait for budget or for a server that is
// down, or ends it when no server is left. The caller must not touch r after.
func (c *Client) ask(r *Request) {
	if r.probe != nil && r.sent > 0 {
		c.finish(r, nil, nil) // nobody waits for it: no second try
		return
	}
	i, s := c.pick(r)
	if s == nil {
		c.finish(r, nil, r.failure(ErrNetwork))
		return
	}
	tcp := c.overTCP(r, i, s)
	if s.down && (r.sent > 0 || tcp) {
		c.waitFor(r, i, s)
		return
	}
	alone := r.alone.has(i)
	p := c.path(r, s, tcp, alone)
	if tcp && s.crowded() && c.choose(p, alone) == nil {
		c.awaitStream(r, s)
		return
	}
	if !c.admit(r, p, c.price(p, tcp, alone)) {
		return
	}
	c.send(r, i, p, tcp)
	if r.probe == nil && r.sent == 1 && len(r.Servers) > 1 {
		c.explore(r, s)
	}
}

// waitFor parks r until s, its i-th server, answers somebody. There is no point
// in waiting when another server has failed r, or for one that refuses.
func (c *Client) waitFor(r *Request, i int, s *server) {
	switch {
	case r.failed != 0:
		c.finish(r, nil, r.err)
	case s.refusals.final(c.t):
		r.failed.add(i)
		r.err = cmp.Or[error](s.fault, ErrNetwork)
		c.ask(r)
	default:
		c.park(r, s)
	}
}

// pick chooses whom to ask: the pinned server, or of those that have not
// failed r the cheapest.
func (c *Client) pick(r *Request) (index int, s *server) {
	if i := int(r.pinned) - 1; i >= 0 {
		r.pinned = 0
		return i, c.servers[r.Servers[i]]
	}
	var best uint64
	for i, a := range r.Servers[:min(len(r.Servers), maxServers)] {
		d := c.servers[a]
		if d == nil || r.failed.has(i) {
			continue
		}
		if cost := d.cost(r.tried.has(i)); s == nil || cost < best {
			index, s, best = i, d, cost
		}
	}
	if s != nil && r.tried.has(index) {
		r.tried = 0 // a new round
	}
	return index, s
}

// send puts a try on a socket or stream of p. When none can be had, that is taken
// for the server's silence, unless it can be asked on another path.
func (c *Client) send(r *Request, i int, p *path, tcp bool) {
	s := p.server
	r.sent++
	r.vain++
	r.via = nil
	r.tried.add(i)
	s.sent, p.sent = c.t, c.t
	c.turn++
	p.turn = c.turn
	t := c.pool.try()
	*t = try{r: r, server: s, path: p, sent: c.t, index: uint8(i), number: r.sent, tcp: tcp, earlier: r.tries}
	t.edns = c.withEDNS(r, i, s)
	if !c.carry(t) {
		c.pool.putTry(t)
		c.uncarried(r, p)
		return
	}
	r.tries = t
	s.flying++
	s.stats.Sent++
	p.stats.Sent++
	c.stats.Types[min(r.qtype(), NumTypes)]++
	if r.sent > 1 {
		s.stats.Retried++
	}
	c.wheel.set(&r.alarm, min(r.deadline, c.t+c.timeout(r, s, tcp, r.alone.has(i))), c.t)
}

// uncarried goes on with r, for which there was no socket on p.
func (c *Client) uncarried(r *Request, p *path) {
	switch {
	case !p.out || !p.others():
		c.unsent(p.server, r)
	case r.probe == nil: // as if it had not been tried
		r.sent--
		r.vain--
	}
	c.ask(r)
}

// carry registers t where it will travel, and queues its query there.
func (c *Client) carry(t *try) bool {
	if t.tcp {
		alone := t.r.alone.has(int(t.index))
		st := c.choose(t.path, alone)
		if st == nil {
			st = c.connect(t.path, alone)
		}
		st.add(t, c.newID(&st.table))
		st.queue(c.query(t))
		return true
	}
	k := c.reuse(t)
	if k == nil {
		k = c.socket(t.path, t.r.own || t.r.attacked > 0)
	}
	if k == nil {
		return false
	}
	k.add(t, c.newID(&k.table))
	if k.index != nil {
		k.addIndex(t, c.hash(t.r.Question))
	}
	p := c.query(t)
	c.tapDatagram(t, k, p.msg)
	c.queuePacket(k, p)
	return true
}

// query writes t's query.
func (c *Client) query(t *try) *packet {
	r, s := t.r, t.server
	o := wire.QueryOptions{
		ID: t.id, Flags: wire.RD, Question: r.Question,
		EDNS: t.edns, UDPSize: s.UDPSize, DO: r.DO,
	}
	if r.CD {
		o.Flags |= wire.CD
	}
	if k := &t.path.cookie; t.edns && !s.NoCookie && c.t >= k.offUntil && (t.tcp || !r.oddCookie.has(int(t.index))) {
		o.Cookie = k.option()
		t.cookie, t.expect = true, k.n > 0
	}
	p := c.pool.packet()
	p.msg = wire.AppendQuery(p.room[:0], o)
	return p
}

// ring: r's latest try was not answered in time, or its life is over.
func (r *Request) ring(c *Client) {
	if c.t >= r.deadline || r.queue != nil {
		c.expire(r)
		return
	}
	if t := r.tries; t != nil && !r.retrying {
		c.lost(t)
	}
	r.retrying = false
	c.ask(r)
}

// retry asks again for r after a while, as its latest try is known to be in
// vain. It may be called many times in one section.
func (c *Client) retry(r *Request, after time.Duration) {
	if r.queue == nil {
		r.retrying = true
		c.wheel.set(&r.alarm, min(r.deadline, c.t+after), c.t)
	}
}

// expire ends a request at its deadline, or when it has waited long enough.
func (c *Client) expire(r *Request) {
	switch {
	case r.probe != nil && r.tries != nil:
		c.lost(r.tries)
		c.finish(r, nil, ErrTimeout)
	case r.sent == 0 && r.queue != nil && r.queue.budget != nil:
		c.busy(r)
	default:
		c.finish(r, nil, r.failure(ErrTimeout))
	}
}

// failure is what the servers answered, or else err.
func (r *Request) failure(err error) error {
	if r.err != nil {
		return r.err
	}
	return err
}

// finish ends r: it is forgotten here, and delivered when the section ends.
func (c *Client) finish(r *Request, msg []byte, err error) {
	c.wheel.clear(&r.alarm)
	c.unqueue(r)
	for t := r.tries; t != nil; {
		earlier := t.earlier
		c.drop(t)
		t = earlier
	}
	r.tries = nil
	if r.probe != nil {
		c.pool.putProbe(r.probe)
		return
	}
	c.delist(r)
	c.pending--
	c.ended = append(c.ended, delivery{r: r, msg: msg, err: err})
	if err == ErrTimeout {
		c.stats.TimedOut++
	}
}

// drop takes t off its table.
func (c *Client) drop(t *try) {
	table := t.table
	t.server.flying--
	table.remove(t)
	c.pool.putTry(t)
	if table.n == 0 {
		table.owner.emptied(c)
	}
}

// abandon drops one try of a request that goes on.
func (c *Client) abandon(t *try) {
	for at := &t.r.tries; *at != nil; at = &(*at).earlier {
		if *at == t {
			*at = t.earlier
			break
		}
	}
	c.drop(t)
}
