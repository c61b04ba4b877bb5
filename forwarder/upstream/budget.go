package upstream

import (
	"cmp"
	"slices"
	"time"
)

// Priority says who gives way when packets are short. The zero
// value is PriorityClient.
type Priority int8

// Priorities, first to last.
const (
	PriorityHot      Priority = iota - 2 // a client waits, for a name that was known lately: random names cannot crowd it out
	PriorityShared                       // several clients wait
	PriorityClient                       // a client waits
	PriorityVerify                       // it is found out whether a watched name has changed; with a share that is kept for it
	PriorityPrefetch                     // nobody waits yet
	PriorityProbe                        // nobody will
)

const priorities = 6

const (
	// answerShare of a request's life is left when it gives up on budget: half a
	// second of the whole 4.5, enough for a retry.
	answerShare = 9

	// lateAfter tries without a sign of life, a request has only a share of the
	// budget, together with all that are so late: three tries are what loss needs.
	lateAfter = 3
	lateShare = 10

	// keptShare of the budget is for PriorityVerify before all others, so that a flood
	// does not blind it.
	keptShare = 10

	// drainEvery is how often queued requests are sent: some at a time, in one
	// batch, as their tokens come.
	drainEvery = 2 * time.Millisecond

	// A TCP query is one segment and the acknowledgement of its answer; a
	// connection is SYN, ACK, FIN and the last ACK.
	udpCost, tcpCost, connectCost = 1, 2, 4
)

// budget is the requests that wait for packets of some interfaces: of one as a rule,
// of several where servers are asked from several addresses. They wait together, so
// that clients and priorities have their turn over all of these, and whose turn it is
// takes from the interface that has most left.
type budget struct {
	links   []*link           // in the order of Client.links
	first   turns             // clients wait for these first tries
	retries turns             // of requests that have shown no sign of life
	late    turns             // the same, from the fourth try on
	queues  [priorities]queue // nobody waits for these
	share   *bucket           // of late ones
	kept    *bucket           // of PriorityVerify: what it may have before others
	stats   BudgetStats
}

func newBudget(links []*link) *budget {
	b := &budget{links: links, share: newBucket(0), kept: newBucket(0)}
	for _, l := range links {
		l.budgets = append(l.budgets, b)
		b.stats.Interfaces = append(b.stats.Interfaces, l.name)
	}
	b.first, b.retries, b.late = newTurns(b), newTurns(b), newTurns(b)
	for i := range b.queues {
		b.queues[i].budget = b
	}
	return b
}

// SetPPS changes the limit of all interfaces, 0 being none; also that of
// the client that this one replaces or is replaced by.
func (c *Client) SetPPS(pps int) {
	c.enter()
	for _, l := range c.links {
		l.limit(pps)
	}
	c.drainSoon()
	c.leave(nil)
}

// Strained reports whether more than half of an interface's packets have been used
// for a while: then nothing should be asked before its time. It may be called at any
// time.
func (c *Client) Strained() bool {
	now := time.Since(c.epoch)
	return slices.ContainsFunc(*c.metered.Load(), func(b *bucket) bool { return b.strained(now) })
}

// ample reports whether there is enough for what nobody waits for.
func (b *budget) ample(now time.Duration) bool {
	return b.queued() == 0 && slices.ContainsFunc(b.links, func(l *link) bool { return l.halfFull(now) })
}

// ahead reports whether somebody waits already who goes before r, or as r does.
// Clients take turns, so that nobody passes who waits. A retry in vain yields to
// the first tries of all who have somebody waiting.
func (b *budget) ahead(r *Request, now time.Duration) bool {
	if r.Priority == PriorityVerify && r.vain == 0 && b.keeps(now) {
		return b.queues[PriorityVerify.index()].n > 0
	}
	if b.first.n > 0 {
		return true
	}
	last := r.Priority.index()
	if r.vain > 0 {
		last = max(last, PriorityVerify.index())
	}
	for i := range b.queues[:last+1] {
		if b.queues[i].n > 0 {
			return true
		}
	}
	return (r.vain > 0 || r.Priority > PriorityVerify) && b.retries.n > 0
}

func (b *budget) queued() (n int) {
	for i := range b.queues {
		n += b.queues[i].n
	}
	return n + b.first.n + b.retries.n + b.late.n
}

// keeps reports whether there is something left of what is kept for PriorityVerify.
func (b *budget) keeps(now time.Duration) bool {
	b.kept.limit((b.pps() + keptShare - 1) / keptShare)
	return b.kept.has(udpCost, now)
}

// spendFor takes n packets of l for r's next try.
func (b *budget) spendFor(r *Request, l *link, n int, now time.Duration) bool {
	if r.vain < lateAfter {
		ok := l.spend(n, now)
		if ok && r.Priority == PriorityVerify && b.keeps(now) {
			b.kept.spend(n, now)
		}
		return ok
	}
	b.share.limit((b.pps() + lateShare - 1) / lateShare)
	return b.share.has(n, now) && l.spend(n, now) && b.share.spend(n, now)
}

// put makes r wait, before the others of its kind or behind them.
func (b *budget) put(r *Request, front bool) {
	switch {
	case r.vain >= lateAfter:
		b.late.push(r, front)
	case r.vain > 0:
		b.retries.push(r, front)
	case r.Priority <= PriorityClient:
		b.first.push(r, front)
	case front:
		b.queues[r.Priority.index()].pushFront(r)
	default:
		b.queues[r.Priority.index()].push(r)
	}
}

func (p Priority) index() int { return min(max(int(p-PriorityHot), 0), priorities-1) }

// admit spends what asking by p costs, or queues r until that is there.
func (c *Client) admit(r *Request, p *path, cost int) bool {
	b := p.server.budget
	if b == nil {
		c.unqueue(r)
		return true
	}
	waited := r.queue != nil
	if (waited || !b.ahead(r, c.t) && !p.link.promised(b)) && b.spendFor(r, p.link, cost, c.t) {
		c.unqueue(r)
		return true
	}
	if r.queue == nil {
		c.enqueue(r, b)
	}
	return false
}

// enqueue makes r wait for budget: behind the others, but for one that was
// answered before, which has waited the longest. A first try is given up while
// there is still time for an answer, so that no packet is spent on a request that
// is about to end.
func (c *Client) enqueue(r *Request, b *budget) {
	until := r.deadline
	if r.sent == 0 {
		until -= cmp.Or(r.Wait, c.cfg.Wait) / answerShare
	}
	b.put(r, r.sent > 0 && r.vain == 0)
	b.stats.Queued++
	c.wheel.set(&r.alarm, until, c.t)
	c.drainSoon()
}

// Raise gives r, which was started, at least priority p: somebody waits for it
// now. r may have ended, but must not have been delivered.
func (c *Client) Raise(r *Request, p Priority) { c.Join(r, p, r.Turn) }

// Join is Raise for one more client that waits for r, whose turn r takes if that
// client asks for less.
func (c *Client) Join(r *Request, p Priority, turn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p = min(p, r.Priority)
	if r.Priority <= PriorityClient && (turn == r.Turn || c.loads.count(turn)+1 >= c.loads.count(r.Turn)) {
		turn = r.Turn
	}
	if p == r.Priority && turn == r.Turn {
		return
	}
	listed := r.line != nil
	c.delist(r)
	q := r.queue
	if q != nil && q.budget != nil {
		q.remove(r)
	}
	r.Priority, r.Turn = p, turn
	if listed {
		c.enlist(r)
	}
	if q != nil && q.budget != nil {
		q.budget.put(r, false)
	}
}

// enlist counts r among all that are in flight or wait; delist ends that.
func (c *Client) enlist(r *Request) {
	if r.Priority <= PriorityClient {
		c.loads.add(r)
	} else {
		c.lines[r.Priority.index()].add(r)
	}
}

func (c *Client) delist(r *Request) {
	switch {
	case r.load != nil:
		c.loads.remove(r)
	case r.line != nil:
		r.line.remove(r)
	}
}

// drain asks for the requests whose packets have come.
func (b *budget) drain(c *Client) {
	verify := PriorityVerify.index()
	for q := &b.queues[verify]; q.head != nil && b.keeps(c.t); {
		if r := q.head; !c.served(r) {
			return
		}
	}
	if b.first.serve(c) && b.serve(c, &b.queues[verify]) && b.retries.serve(c) {
		for i := verify + 1; i < priorities && b.serve(c, &b.queues[i]); i++ {
		}
		b.late.serve(c)
	}
}

// serve asks for those in q, and reports whether packets were enough for all.
func (b *budget) serve(c *Client, q *queue) bool {
	for q.head != nil {
		if !c.served(q.head) {
			return false
		}
	}
	return true
}

// served asks for r, the first of its queue, and reports whether packets were enough.
func (c *Client) served(r *Request) bool {
	q := r.queue
	c.ask(r) // from here on r may be another's
	return q.head != r
}

// evict makes room for newcomer by failing one that nobody waits for, or else the
// oldest of the client that has most: one that waits for packets first, as names
// that nobody answers for must not keep the others out. Of newcomer's own client's
// it is none that goes before it.
func (c *Client) evict(newcomer *Request) bool {
	p := newcomer.Priority
	if r := c.idle(p); r != nil {
		c.busy(r)
		return true
	}
	if p > PriorityClient {
		return false
	}
	l := c.loads.busiest()
	if l == nil || c.loads.count(newcomer.Turn) >= l.n {
		if l = c.loads.of[newcomer.Turn]; l == nil {
			return false
		}
	} else {
		p = PriorityHot
	}
	if r := c.oldest(l, p); r != nil {
		c.busy(r)
		return true
	}
	return false
}

// idle returns a request of priority p at most that nobody waits for, or nil.
func (c *Client) idle(p Priority) *Request {
	mayGo := PriorityVerify.index() + 1 // there are few that verify, and they last a second or two
	for i := priorities - 1; i >= max(p.index(), mayGo); i-- {
		for _, b := range c.budgets {
			if r := b.queues[i].head; r != nil {
				return r
			}
		}
	}
	for i := priorities - 1; p <= PriorityClient && i >= mayGo; i-- {
		if r := c.lines[i].oldest; r != nil {
			return r
		}
	}
	return nil
}

// oldest returns a client's oldest request of priority p at most, or nil.
func (c *Client) oldest(l *load, p Priority) *Request {
	for _, b := range c.budgets {
		for _, t := range [...]*turns{&b.late, &b.retries, &b.first} {
			waiting := t.lanes[l.turn]
			for i := clientPriorities - 1; waiting != nil && i >= p.index(); i-- {
				if r := waiting.queues[i].head; r != nil {
					return r
				}
			}
		}
	}
	for i := clientPriorities - 1; i >= p.index(); i-- {
		if r := l.lines[i].oldest; r != nil {
			return r
		}
	}
	return nil
}

// busy fails a request that got no packet, or no place.
func (c *Client) busy(r *Request) {
	c.stats.Refused++
	if q := r.queue; q != nil && q.budget != nil {
		q.budget.stats.Refused++
	}
	c.finish(r, nil, ErrBusy)
}
