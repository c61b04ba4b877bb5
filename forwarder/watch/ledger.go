package watch

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// maxHolders are the clients of a name that are known one by one.
	maxHolders = 1000

	// levels of caches behind this forwarder, each of which may round a TTL up by a
	// second.
	levels = 1

	// maxHoldings are the earlier data of a record whose holders are known.
	maxHoldings = 16

	// inHand is how long an answer may be on its way out as data changes.
	inHand = 100 * time.Millisecond
)

// ledger is who holds which of a record's data.
type ledger struct {
	begun bool       // what was given before is entered
	now   *holding   // of what is given; nil: nothing is
	past  []*holding // of what was given
}

// holding is who may hold one piece of data, and until when.
type holding struct {
	data    data
	since   Moment
	before  bool // given already before the name was wanted
	clients map[netip.Addr]time.Duration
	latest  time.Duration // nobody holds it any more then
	more    bool          // some clients are not listed
}

// heldFor is how long a client may hold what it was given with a TTL.
func heldFor(ttl uint32) time.Duration { return time.Duration(int64(ttl)+levels) * time.Second }

// given notes a client that was given the record's data.
func (n *node) given(r *record, client netip.Addr, until, now time.Duration) {
	h := r.ledger.now
	if h == nil {
		return
	}
	h.latest = max(h.latest, until)
	if old, ok := h.clients[client]; ok {
		h.clients[client] = max(old, until)
		return
	}
	if n.holders >= maxHolders && !n.sweep(now) {
		h.more = true
		return
	}
	h.clients[client] = until
	n.holders++
}

// sweep forgets clients whose time is over, once a second at most, and reports
// whether there is room.
func (n *node) sweep(now time.Duration) bool {
	if now-n.swept < time.Second {
		return false
	}
	n.swept, n.holders = now, 0
	for _, r := range n.sets {
		for _, h := range r.ledger.all() {
			for client, until := range h.clients {
				if until <= now {
					delete(h.clients, client)
				}
			}
			n.holders += len(h.clients)
		}
	}
	return n.holders < maxHolders
}

func (l *ledger) all() []*holding {
	if l.now == nil {
		return l.past
	}
	return append(l.past[:len(l.past):len(l.past)], l.now)
}

func (l *ledger) held(now time.Duration) bool {
	for _, h := range l.all() {
		if h.latest > now {
			return true
		}
	}
	return false
}

// turn lets the ledger follow what clients are given from now on, with that TTL at
// most.
func (r *record) turn(ttl uint32, m Moment) {
	l, d := &r.ledger, r.given()
	if l.now != nil && !l.now.data.same(d) {
		l.now.latest = max(l.now.latest, m.Now+inHand+heldFor(ttl))
		l.past, l.now = append(l.past, l.now), nil
	}
	if r.known && !l.begun {
		l.begun = true
		l.open(r, d, m)
	}
	if l.now != nil && l.now.data.same(d) {
		if l.now.before {
			l.now.latest = max(l.now.latest, r.node.since.Now+heldFor(r.current.ttl))
		}
		return
	}
	if !d.empty() {
		l.now = l.take(d, m)
	}
	r.node.bound(l)
}

// open enters what was given before the name was wanted: nobody was noted then.
func (l *ledger) open(r *record, d *data, m Moment) {
	latest := r.node.since.Now + heldFor(r.current.ttl)
	switch {
	case d.empty():
	case r.override == nil:
		if l.now == nil {
			l.now = l.take(d, m)
		}
		l.now.before, l.now.latest = true, max(l.now.latest, latest)
	case r.current.same(d): // so what was given before is not known
		l.past = append(l.past, &holding{latest: latest, since: r.node.since, more: true})
	default:
		h := l.take(&r.current, m)
		h.latest, h.more = max(h.latest, latest), true
		l.past = append(l.past, h)
	}
}

// take returns the holding of data: that of its last time, if there was one.
func (l *ledger) take(d *data, m Moment) *holding {
	i := slices.IndexFunc(l.past, func(h *holding) bool { return h.data.same(d) })
	if i < 0 {
		return &holding{data: *d, since: m, clients: make(map[netip.Addr]time.Duration)}
	}
	h := l.past[i]
	l.past = slices.Delete(l.past, i, i+1)
	h.since = m
	if h.clients == nil {
		h.clients = make(map[netip.Addr]time.Duration)
	}
	return h
}

// bound keeps the holdings that last longest.
func (n *node) bound(l *ledger) {
	for len(l.past) > maxHoldings {
		i := 0
		for j, h := range l.past {
			if h.latest < l.past[i].latest {
				i = j
			}
		}
		n.holders -= len(l.past[i].clients)
		l.past = slices.Delete(l.past, i, i+1)
	}
}

// prune forgets the clients of earlier data that nobody holds any more.
func (n *node) prune(r *record, now time.Duration) {
	for _, h := range r.ledger.past {
		if h.latest <= now && len(h.clients) > 0 {
			n.holders -= len(h.clients)
			h.clients = nil
		}
	}
}
