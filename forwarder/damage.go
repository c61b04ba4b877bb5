package forwarder

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"

	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
)

// damage is what went wrong with questions since it was last taken. Hits never
// come here, and answers of upstream cost an addition.
type damage struct {
	answered [maxZones]atomic.Uint64 // questions by zone, ever

	mu sync.Mutex
	harms
}

// harms is damage by what it is.
type harms struct {
	zones map[uint16]*zoneHarm
	busy  uint64                // questions that upstream.Client had no place for
	full  map[uint16]uint64     // queries over fetches-per-zone or -server, by zone
	loops map[uint16]netip.Addr // who asked what is being asked of it, by zone
}

// zoneHarm is what went wrong with the questions of a zone.
type zoneHarm struct {
	failed  uint64 // answered with failures
	silent  uint64 // not answered
	lost    uint64 // queries that got no reply
	err     error  // of the last one that failed
	clients trouble.Sketch
}

func (d *damage) init() {
	d.harms = harms{zones: make(map[uint16]*zoneHarm), full: make(map[uint16]uint64), loops: make(map[uint16]netip.Addr)}
}

// take returns what there is, and begins anew.
func (d *damage) take() harms {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.harms
	d.init()
	return h
}

// of returns the place for a zone's. mu is held.
func (d *damage) of(zone uint16) *zoneHarm {
	z := d.zones[zone]
	if z == nil {
		z = new(zoneHarm)
		d.zones[zone] = z
	}
	return z
}

// noteFailure notes that a question of a zone was not answered.
func (d *damage) noteFailure(zone uint16, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch z := d.of(zone); {
	case errors.Is(err, upstream.ErrBusy):
		d.busy++
	case errors.Is(err, upstream.ErrClosed):
	case errors.Is(err, upstream.ErrTimeout) || errors.Is(err, upstream.ErrNetwork):
		z.silent++
		z.err = err
	default:
		z.failed++
		z.err = err
	}
}

// noteClients notes who is told of a failure: a list of waiters.
func (d *damage) noteClients(w *waiter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; w != nil; w = w.next {
		d.of(w.zone.id).clients.Note(w.from)
	}
}

// noteLost notes a query that gets no reply.
func (d *damage) noteLost(w *waiter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.of(w.zone.id)
	z.lost++
	z.clients.Note(w.from)
}

// noteFull notes a query over fetches-per-zone or fetches-per-server.
func (d *damage) noteFull(zone uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full[zone]++
}

// noteLoop notes that somebody asks what is being asked of it.
func (d *damage) noteLoop(zone uint16, from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loops[zone] = from
}
