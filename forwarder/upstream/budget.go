package upstream

import (
	"cmp"
	"net/netip"
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
	PriorityVerify                       // a flush is being verified
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

	// drainEvery is how often queued requests are sent: some at a time, in one
	// batch, as their tokens come.
	drainEvery = 2 * time.Millisecond

	// A TCP query is one segment and the acknowledgement of its answer; a
	// connection is SYN, ACK, FIN and the last ACK.
	udpCost, tcpCost, connectCost = 1, 2, 4
)

// budget is the packets that may leave by one interface, and the requests that
// wait for them: a VPC counts those of IPv4 and IPv6 together, and each interface
// by itself.
type budget struct {
	alarm
	*bucket
	queues  [priorities]queue
	retries queue       // of requests that have shown no sign of life
	late    queue       // the same, from the fourth try on
	share   *bucket     // of late ones
	stats   BudgetStats // its Interface is the key
}

func newBudget(pps int) *budget {
	b := &budget{bucket: newBucket(pps), share: newBucket(0)}
	b.owner, b.retries.budget, b.late.budget = b, b, b
	for i := range b.queues {
		b.queues[i].budget = b
	}
	return b
}

// budget returns that of the interface by which packets to a server leave.
func (c *Client) budget(server netip.Addr) *budget {
	name := ""
	if c.cfg.Interface != nil {
		name = c.cfg.Interface(server)
	}
	for _, b := range c.budgets {
		if b.stats.Interface == name {
			return b
		}
	}
	b := newBudget(c.cfg.PPS)
	b.stats.Interface = name
	c.budgets = append(c.budgets, b)
	return b
}

// SetPPS changes the limit of all interfaces, 0 being none; also that of
// the client that this one replaces or is replaced by.
func (c *Client) SetPPS(pps int) {
	c.enter()
	for _, b := range c.budgets {
		b.limit(pps)
		c.drainSoon(b)
	}
	c.leave(nil)
}

// Strained reports whether more than half of a budget has been used for a while:
// then nothing should be asked before its time.
func (c *Client) Strained() bool {
	now := time.Since(c.epoch)
	return slices.ContainsFunc(c.budgets, func(b *budget) bool { return b.strained(now) })
}

// ample reports whether there is enough for what nobody waits for.
func (b *budget) ample(now time.Duration) bool { return b.halfFull(now) && b.queued() == 0 }

// ahead reports whether somebody waits already who goes before r, or as r does. A
// retry in vain yields to the first tries of all who have somebody waiting.
func (b *budget) ahead(r *Request) bool {
	last := r.Priority.index()
	if r.vain > 0 {
		last = max(last, PriorityVerify.index())
	}
	for i := range b.queues[:last+1] {
		if b.queues[i].n > 0 {
			return true
		}
	}
	return r.Priority > PriorityVerify && b.retries.n > 0 || r.vain > 0 && b.retries.n > 0
}

func (b *budget) queued() (n int) {
	for i := range b.queues {
		n += b.queues[i].n
	}
	return n + b.retries.n + b.late.n
}

// spendFor takes n packets for r's next try.
func (b *budget) spendFor(r *Request, n int, now time.Duration) bool {
	if r.vain < lateAfter {
		return b.spend(n, now)
	}
	b.share.limit((int(b.pps.Load()) + lateShare - 1) / lateShare)
	return b.share.has(n, now) && b.spend(n, now) && b.share.spend(n, now)
}

// queueFor returns where r waits.
func (b *budget) queueFor(r *Request) *queue {
	switch {
	case r.vain >= lateAfter:
		return &b.late
	case r.vain > 0:
		return &b.retries
	}
	return &b.queues[r.Priority.index()]
}

func (p Priority) index() int { return min(max(int(p-PriorityHot), 0), priorities-1) }

// admit spends what asking costs, or queues r until that is there.
func (c *Client) admit(r *Request, s *server, cost int) bool {
	b := s.budget
	if b == nil {
		c.unqueue(r)
		return true
	}
	if (r.queue != nil || !b.ahead(r)) && b.spendFor(r, cost, c.t) {
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
	q := b.queueFor(r)
	until := r.deadline
	switch {
	case r.sent == 0:
		q.push(r)
		until -= cmp.Or(r.Wait, c.cfg.Wait) / answerShare
	case r.vain > 0:
		q.push(r)
	default:
		q.pushFront(r)
	}
	b.stats.Queued++
	c.wheel.set(&r.alarm, until, c.t)
	c.drainSoon(b)
}

// Raise gives r, which was started, at least priority p: somebody waits for it
// now. r may have ended, but must not have been delivered.
func (c *Client) Raise(r *Request, p Priority) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p >= r.Priority {
		return
	}
	r.Priority = p
	if r.line != nil {
		r.line.remove(r)
		c.lines[p.index()].add(r)
	}
	if q := r.queue; q != nil && q.budget != nil {
		q.remove(r)
		q.budget.queueFor(r).push(r)
	}
}

func (c *Client) drainSoon(b *budget) {
	if !b.armed && b.queued() > 0 {
		c.wheel.set(&b.alarm, c.t+max(drainEvery, b.interval()), c.t)
	}
}

// ring asks for the requests whose packets have come.
func (b *budget) ring(c *Client) {
	last := PriorityVerify.index()
	for i := range b.queues {
		if !b.serve(c, &b.queues[i]) || i == last && !b.serve(c, &b.retries) {
			c.drainSoon(b)
			return
		}
	}
	b.serve(c, &b.late)
	c.drainSoon(b)
}

// serve asks for those in q, and reports whether packets were enough for all.
func (b *budget) serve(c *Client, q *queue) bool {
	for q.head != nil {
		r := q.head
		if c.ask(r); q.head == r {
			return false
		}
	}
	return true
}

// evict makes room for a request of priority p by failing the oldest queued one
// of the lowest priority that is not above p, or else, when a client waits, the
// oldest in flight: names that nobody answers for must not keep the others out.
func (c *Client) evict(p Priority) bool {
	for _, b := range c.budgets {
		if r := cmp.Or(b.late.head, b.retries.head); r != nil {
			c.busy(r)
			return true
		}
	}
	for i := priorities - 1; i >= p.index(); i-- {
		for _, b := range c.budgets {
			if r := b.queues[i].head; r != nil {
				c.busy(r)
				return true
			}
		}
	}
	return p <= PriorityClient && c.evictOldest(p)
}

func (c *Client) evictOldest(p Priority) bool {
	for i := priorities - 1; i >= p.index(); i-- {
		if r := c.lines[i].oldest; r != nil {
			c.busy(r)
			return true
		}
	}
	return false
}

// busy fails a request that got no packet, or no place.
func (c *Client) busy(r *Request) {
	c.stats.Refused++
	if q := r.queue; q != nil && q.budget != nil {
		q.budget.stats.Refused++
	}
	c.finish(r, nil, ErrBusy)
}
