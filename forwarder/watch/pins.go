package watch

import (
	"maps"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Pin is what clients are given for a name and type instead of the cache. It never
// changes.
type Pin struct {
	RRs      []RR          // the name's own, or a chain of CNAMEs from it on; one that ends open goes on elsewhere
	TTL      uint32        // to hand out at most, in seconds
	EDE      uint16        // extended error (RFC 8914); with EDEText "" and 0 there is none
	EDEText  string        // in ASCII
	Until    time.Duration // when it ends by itself, on the server's clock; 0: when it is replaced
	Override bool

	key     string // of its data
	version uint64
	alias   *Pin // of all other types, where it begins with a CNAME
}

// Extended errors of pins (RFC 8914, 4.1 and 4.5).
const (
	edeOther  = dns.ExtendedErrorCodeOther
	edeForged = dns.ExtendedErrorCodeForgedAnswer
)

// Pins are those of all names. They never change; nil has none.
type Pins struct {
	names map[string][]typedPin
}

type typedPin struct {
	rtype uint16
	*Pin
}

// Pins returns what is answered instead of the cache: another pointer after each
// change.
func (t *Table) Pins() *Pins { return t.pins.Load() }

// Find returns the pin of a lower-case wire name and type, or nil; for type ANY,
// any of the name's.
func (p *Pins) Find(owner []byte, rtype uint16, now time.Duration) *Pin {
	if p == nil {
		return nil
	}
	for _, pin := range p.names[string(owner)] {
		if (pin.rtype == rtype || rtype == typeANY) && (pin.Until == 0 || now < pin.Until) {
			return pin.Pin
		}
	}
	return p.alias(owner, rtype, now)
}

// alias returns what the name's other types have as one of them is pinned with a CNAME: a
// name is an alias for all types (RFC 1034, 3.6.2) but those of its proofs (RFC 4035, 2.5).
func (p *Pins) alias(owner []byte, rtype uint16, now time.Duration) *Pin {
	if rtype == dns.TypeRRSIG || rtype == dns.TypeNSEC {
		return nil
	}
	for _, pin := range p.names[string(owner)] {
		if pin.Pin.alias != nil && (pin.Until == 0 || now < pin.Until) {
			return pin.Pin.alias
		}
	}
	return nil
}

// HasData reports whether the name has a pin that is no alias: it is none for its other
// types then.
func (p *Pins) HasData(owner []byte, now time.Duration) bool {
	if p == nil {
		return false
	}
	for _, pin := range p.names[string(owner)] {
		if pin.Pin.alias == nil && (pin.Until == 0 || now < pin.Until) {
			return true
		}
	}
	return false
}

// Has reports whether the name has an override, of whatever type: it exists then,
// and upstream's NXDOMAIN is NODATA for its other types.
func (p *Pins) Has(owner []byte) bool {
	if p == nil {
		return false
	}
	for _, pin := range p.names[string(owner)] {
		if pin.Override {
			return true
		}
	}
	return false
}

// Key is a lower-case wire name and a type.
type Key struct {
	Name string
	Type uint16
}

// Changed returns the keys whose pin came, went or has other data since old was
// loaded: what a cache has under them is to go.
func (p *Pins) Changed(old *Pins) []Key {
	var keys []Key
	for name, list := range p.all() {
		for _, pin := range list {
			if was := old.pin(name, pin.rtype); was == nil || was.version != pin.version {
				keys = append(keys, Key{name, pin.rtype})
			}
		}
	}
	for name, list := range old.all() {
		for _, was := range list {
			if p.pin(name, was.rtype) == nil {
				keys = append(keys, Key{name, was.rtype})
			}
		}
	}
	return keys
}

func (p *Pins) all() map[string][]typedPin {
	if p == nil {
		return nil
	}
	return p.names
}

// pin is what was pinned last, over or not.
func (p *Pins) pin(name string, rtype uint16) *Pin {
	list := p.all()[name]
	if i := slices.IndexFunc(list, func(pin typedPin) bool { return pin.rtype == rtype }); i >= 0 {
		return list[i].Pin
	}
	return nil
}

// with returns the pins with another for a name and type, or without when it is nil.
func (p *Pins) with(name string, rtype uint16, pin *Pin) *Pins {
	list := slices.DeleteFunc(slices.Clone(p.all()[name]), func(old typedPin) bool { return old.rtype == rtype })
	if pin != nil {
		list = append(list, typedPin{rtype, pin})
	}
	q := &Pins{maps.Clone(p.all())}
	switch {
	case len(list) > 0 && q.names == nil:
		q.names = map[string][]typedPin{name: list}
	case len(list) > 0:
		q.names[name] = list
	default:
		delete(q.names, name)
	}
	if len(q.names) == 0 {
		return nil
	}
	return q
}

// settle pins what the record's clients are to be given, and lets the ledger know.
func (t *Table) settle(r *record, m Moment) {
	t.repin(r, r.pin(t.ttl, m).withAlias())
	r.turn(t.ttl, m)
}

func (t *Table) repin(r *record, pin *Pin) {
	all := t.pins.Load()
	was := all.pin(r.node.wire, r.rtype)
	if was == nil && pin == nil || pin.same(was) {
		return
	}
	if pin != nil {
		pin.version = t.pinned
		if was == nil || was.key != pin.key || was.Override != pin.Override {
			t.pinned++
			pin.version = t.pinned
		} else {
			pin.version = was.version
		}
	}
	t.pins.Store(all.with(r.node.wire, r.rtype, pin))
}

func (p *Pin) same(q *Pin) bool {
	return p != nil && q != nil && p.key == q.key && p.TTL == q.TTL && p.Until == q.Until && p.Override == q.Override && p.EDEText == q.EDEText
}

// withAlias fills in what it says of the other types of its name.
func (p *Pin) withAlias() *Pin {
	if p != nil && p.RRs[0].Header().Rrtype == dns.TypeCNAME {
		alias := *p
		alias.RRs = p.RRs[:1]
		p.alias = &alias
	}
	return p
}

// isAlias reports whether a CNAME leads to it.
func (d *data) isAlias() bool { return len(d.rrs) > 0 && d.rrs[0].Header().Rrtype == dns.TypeCNAME }

// isOverridden reports whether a name has an override of whatever type.
func (n *node) isOverridden() bool {
	for _, r := range n.sets {
		if r.override != nil {
			return true
		}
	}
	return false
}

// pin is the one place that decides what clients are given instead of the cache;
// nil: nothing.
func (r *record) pin(ttl uint32, m Moment) *Pin {
	switch {
	case r.override != nil:
		d := &r.override.data
		return &Pin{RRs: d.rrs, TTL: ttl, EDE: edeForged, EDEText: "override by operator", Override: true, key: d.key}
	case r.current.empty() || r.current.isAlias() && r.node.isOverridden():
	case r.guard.on:
		d := &r.current
		return &Pin{RRs: d.rrs, TTL: ttl, EDE: edeOther, EDEText: "changed lately, earlier data refused", key: d.key}
	case r.verify.running() && m.Now < r.until:
		d := &r.current
		return &Pin{RRs: d.rrs, TTL: ttl, Until: r.until, key: d.key}
	}
	return nil
}

// given is the data that clients get.
func (r *record) given() *data {
	if r.override != nil {
		return &r.override.data
	}
	return &r.current
}
