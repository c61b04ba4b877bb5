package health

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"

	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
)

// Damage is what went wrong with questions since it was last looked at. Zones are told
// by number. Hits never come here, and answers of upstream cost an addition. All methods
// may be called concurrently.
type Damage struct {
	answered []atomic.Uint64 // questions by zone, ever

	mu sync.Mutex
	harms
}

// harms is Damage by what it is.
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

// NewDamage returns one for zones whose numbers are below a number.
func NewDamage(zones int) *Damage {
	d := &Damage{answered: make([]atomic.Uint64, zones)}
	d.begin()
	return d
}

func (d *Damage) begin() {
	d.harms = harms{zones: make(map[uint16]*zoneHarm), full: make(map[uint16]uint64), loops: make(map[uint16]netip.Addr)}
}

// take returns what there is, and begins anew.
func (d *Damage) take() harms {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.harms
	d.begin()
	return h
}

// of returns the place for a zone's. mu is held.
func (d *Damage) of(zone uint16) *zoneHarm {
	z := d.zones[zone]
	if z == nil {
		z = new(zoneHarm)
		d.zones[zone] = z
	}
	return z
}

// Answered notes that a question of a zone was answered.
func (d *Damage) Answered(zone uint16) { d.answered[zone].Add(1) }

// Failed notes that a question of a zone was not answered.
func (d *Damage) Failed(zone uint16, err error) {
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

// Told notes that a client is told of a failure; client is a hash of it.
func (d *Damage) Told(zone uint16, client uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(zone).clients.Note(client)
}

// Lost notes a query that gets no reply.
func (d *Damage) Lost(zone uint16, client uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.of(zone)
	z.lost++
	z.clients.Note(client)
}

// Full notes a query over fetches-per-zone or fetches-per-server.
func (d *Damage) Full(zone uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full[zone]++
}

// Loop notes that a server asks what is being asked of it; the zero Addr is somebody else.
func (d *Damage) Loop(zone uint16, from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loops[zone] = from
}
