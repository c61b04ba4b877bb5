package upstream

import "time"

// clientPriorities are those of requests that a client waits for.
const clientPriorities = int(PriorityClient-PriorityHot) + 1

// turns is requests that wait, served round robin over clients: what a client asks
// for, however much and however urgent, holds up only itself.
type turns struct {
	budget *budget
	lanes  map[uint64]*lane // of clients that have somebody waiting
	first  *lane            // of a ring: next to be served
	spare  *lane
	n      int
}

// lane is the requests of one client by priority, each queue by age.
type lane struct {
	turns      *turns
	turn       uint64
	queues     [clientPriorities]queue
	n          int
	prev, next *lane
}

func newTurns(b *budget) turns { return turns{budget: b, lanes: make(map[uint64]*lane)} }

// push adds r behind the others of its client and priority, or before them.
func (t *turns) push(r *Request, front bool) {
	l := t.lanes[r.Turn]
	if l == nil {
		l = t.open(r.Turn)
	}
	q := &l.queues[min(r.Priority.index(), clientPriorities-1)]
	if front {
		q.pushFront(r)
	} else {
		q.push(r)
	}
	l.n++
	t.n++
}

// open makes the lane of a client, whose turn comes last.
func (t *turns) open(turn uint64) *lane {
	l := t.spare
	if l != nil {
		t.spare = l.next
	} else {
		l = &lane{turns: t}
		for i := range l.queues {
			l.queues[i].budget, l.queues[i].lane = t.budget, l
		}
	}
	l.turn = turn
	t.lanes[turn] = l
	if t.first == nil {
		t.first, l.prev, l.next = l, l, l
		return l
	}
	l.prev, l.next = t.first.prev, t.first
	l.prev.next, l.next.prev = l, l
	return l
}

// left notes that one of l's requests waits no more.
func (l *lane) left() {
	t := l.turns
	t.n--
	if l.n--; l.n > 0 {
		return
	}
	if t.first == l {
		t.first = l.next
	}
	if t.first == l {
		t.first = nil
	}
	l.prev.next, l.next.prev = l.next, l.prev
	delete(t.lanes, l.turn)
	l.next, t.spare = t.spare, l
}

// lastChance before its time is over a request that waits gives way to newer ones
// of its client: there are too many, and of those that come too late nobody has
// anything.
const lastChance = defaultWait / answerShare / 2

// pick returns the request that has l's turn.
func (l *lane) pick(now time.Duration) *Request {
	for i := range l.queues {
		q := &l.queues[i]
		switch {
		case q.head == nil:
		case q.head.due-now < lastChance:
			return q.tail
		default:
			return q.head
		}
	}
	return nil
}

// serve asks for one request of each client after the other, and reports whether
// packets were enough for all.
func (t *turns) serve(c *Client) bool {
	for t.first != nil {
		l := t.first
		r := l.pick(c.t)
		q := r.queue
		t.first = l.next
		if c.ask(r); r.queue == q {
			t.first = l // it keeps its turn
			return false
		}
	}
	return true
}
