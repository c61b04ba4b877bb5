package watch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Override is data that an operator puts in the place of upstream's.
type Override struct {
	Name     string
	Type     uint16
	Data     []string      // each as in a zone file
	By       string        // key and address of who set it
	Set      time.Time     // by the clock of who set it: of two, the later one wins; zero: now
	For      time.Duration // until it expires; 0: 24 h, which is the most
	Lease    string        // token without which it ends after LeaseFor; "": none
	LeaseFor time.Duration // 0: 10 s

	after time.Time // the control time of what was gone as it was said: it is none of that
}

const (
	maxOverride  = 24 * time.Hour
	defaultLease = 10 * time.Second

	// maxLease is for who needs more: a lease is there to end soon.
	maxLease = time.Minute

	// maxAhead is how far another clock may be ahead of ours: what rndc allows.
	maxAhead = 5 * time.Minute

	// maxOverrideData are the records of one override.
	maxOverrideData = 16

	// maxOverrideOctets are these records at most, so that a message has room for them
	// beside a chain.
	maxOverrideOctets = 48 << 10

	// maxAllOctets are those of all overrides at most, so that the state has room for them.
	maxAllOctets = 1 << 20

	// warnBefore is when the end of a longer override is warned of.
	warnBefore = time.Hour

	// already is how long upstream must agree with what it said before an override: an
	// earlier change may still be on its way.
	alreadyFor = 120 * time.Second
)

var (
	// ErrEarlier is about an override that another one, set later, has replaced.
	ErrEarlier = errors.New("set earlier than the one in force")
	// ErrNotAllowed is about names that may have no override.
	ErrNotAllowed = errors.New("the name is below no explicit forward zone, and below no --override-zone")
	// ErrTooLarge is about overrides beyond what the state has room for.
	ErrTooLarge = fmt.Errorf("all overrides together would have more than %d octets", maxAllOctets)
	// ErrBadData is about types and data that an override cannot have.
	ErrBadData = errors.New("no data for an override")
)

// override is one in force, with the digest of its token. Those of a record form a
// list: what a lease replaced comes again when the lease is not confirmed.
type override struct {
	Override // Data as it is given
	data     data
	began    Moment
	expires  time.Duration
	lease    time.Duration // when it ends unless it is confirmed; 0: it was
	under    *override     // what the lease replaced
	warned   bool

	lasts   time.Duration // the TTL of what upstream had before
	before  []string      // keys of data that upstream may still give: no third value
	judged  bool          // it is known what upstream had
	late    bool          // but was not as the override was set
	already bool          // and had this data before, as far as is known
	agree   run
	third   data
	thirds  run
}

// AddOverride puts data in force for the next query. Same data again renews.
func (t *Table) AddOverride(o Override, m Moment) error {
	w, data, err := o.prepare(m, t.ttl)
	if err != nil {
		return fmt.Errorf("override of %s: %w", o.Name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := t.overridable(w, &o, &data, m)
	if err != nil {
		return fmt.Errorf("override of %s %s: %w", o.Name, typeText(o.Type), err)
	}
	o.Lease, o.after = digest(o.Lease), t.gone.last(r.key())
	t.putOverride(r, o, data, m)
	t.reindex()
	for _, beside := range r.node.sets {
		t.settle(beside, m)
	}
	t.version++
	return nil
}

// prepare checks what can be checked without the table, and fills in what was left
// out.
func (o *Override) prepare(m Moment, ttl uint32) (w string, d data, err error) {
	if w, err = parseName(o.Name); err != nil {
		return
	}
	if o.Name = text(w); strings.HasPrefix(o.Name, "*.") {
		return w, d, fmt.Errorf("a wildcard: %w, only a name can be overridden", ErrBadName)
	}
	if o.Set.IsZero() {
		o.Set = m.Wall
	}
	if o.For == 0 {
		o.For = maxOverride
	}
	if o.LeaseFor == 0 {
		o.LeaseFor = defaultLease
	}
	switch {
	case o.Set.Sub(m.Wall) > maxAhead:
		return w, d, fmt.Errorf("it is said to be set at %s, which is %v from now: correct the clocks", o.Set.Format(time.RFC3339), o.Set.Sub(m.Wall).Round(time.Second))
	case o.For < time.Second || o.For > maxOverride:
		return w, d, fmt.Errorf("for %v: from 1s to %v are possible", o.For, maxOverride)
	case o.LeaseFor < time.Second || o.LeaseFor > maxLease:
		return w, d, fmt.Errorf("lease for %v: from 1s to %v are possible", o.LeaseFor, maxLease)
	}
	d, err = parseData(w, o.Type, o.Data, ttl)
	return w, d, err
}

// parseData makes records of what stands in a command.
func parseData(w string, rtype uint16, list []string, ttl uint32) (data, error) {
	if err := checkType(rtype); err != nil {
		return data{}, err
	}
	if len(list) == 0 || len(list) > maxOverrideData {
		return data{}, fmt.Errorf("%w: %d records, 1 to %d are possible", ErrBadData, len(list), maxOverrideData)
	}
	rrs, octets := make([]RR, 0, len(list)), 0
	for _, s := range list {
		rr, err := parseRecord(w, rtype, s, ttl)
		if err != nil {
			return data{}, err
		}
		if octets += dns.Len(rr); octets > maxOverrideOctets {
			return data{}, fmt.Errorf("%w: more than %d octets, which no reply has room for", ErrBadData, maxOverrideOctets)
		}
		rrs = append(rrs, rr)
	}
	d := newData(dns.Dedup(rrs, nil))
	d.ttl = ttl
	return d, nil
}

// maxRecord is the text of a record at most: a TXT record of a message's length.
const maxRecord = 4 << 16

func parseRecord(w string, rtype uint16, s string, ttl uint32) (RR, error) {
	name := dns.Fqdn(text(w))
	if strings.ContainsAny(s, "\n\r") || strings.TrimSpace(s) == "" || len(s) > maxRecord {
		return nil, fmt.Errorf("%w: %.40q is not one record's data", ErrBadData, s)
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", name, ttl, typeText(rtype), s))
	if err != nil || rr == nil || rr.Header().Rrtype != rtype || rr.Header().Class != dns.ClassINET || dns.CanonicalName(rr.Header().Name) != name {
		return nil, fmt.Errorf("%w: %.80q is none of type %s", ErrBadData, s, typeText(rtype))
	}
	if !sound(rr) {
		return nil, fmt.Errorf("%w: %.80q is none of type %s", ErrBadData, s, typeText(rtype))
	}
	return rr, nil
}

// sound refuses what does not fit a message or is not read as it is written, and
// addresses that no server has.
func sound(rr RR) bool {
	buf := make([]byte, 1<<16)
	if _, err := dns.PackRR(rr, buf, 0, nil, false); err != nil {
		return false
	}
	if back, err := dns.NewRR(rr.String()); err != nil || back == nil || back.String() != rr.String() {
		return false
	}
	switch rr := rr.(type) {
	case *dns.A:
		a, ok := netip.AddrFromSlice(rr.A.To4())
		return ok && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	case *dns.AAAA:
		a, ok := netip.AddrFromSlice(rr.AAAA)
		return ok && !a.IsUnspecified() && !a.IsMulticast()
	}
	return true
}

// checkType refuses types that say where other data is found, belong to DNSSEC, or
// are for questions only: an override is data of one name.
func checkType(rtype uint16) error {
	switch rtype {
	case dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypeSOA,
		dns.TypeDS, dns.TypeCDS, dns.TypeDNSKEY, dns.TypeCDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM,
		dns.TypeSIG, dns.TypeKEY, dns.TypeNXT, dns.TypeDLV, dns.TypeTA, dns.TypeMD, dns.TypeMF, dns.TypeNULL, dns.TypeCSYNC:
		return fmt.Errorf("%w: type %s cannot be overridden", ErrBadData, typeText(rtype))
	}
	if !keeps(rtype) {
		return fmt.Errorf("%w: type %s cannot be overridden", ErrBadData, typeText(rtype))
	}
	return nil
}

// overridable returns the record that may have the override.
func (t *Table) overridable(w string, o *Override, d *data, m Moment) (*record, error) {
	if t.mayOverride == nil || !t.mayOverride(dns.Fqdn(o.Name)) {
		return nil, ErrNotAllowed
	}
	n := t.names[w]
	if n != nil && n.sets[o.Type] != nil {
		if now := n.sets[o.Type].override; now != nil && now.laterThan(o, d, m) {
			return nil, fmt.Errorf("%w: that is %v, set by %s at %s", ErrEarlier, &now.data, now.By, now.Set.Format(time.RFC3339))
		}
	}
	if t.overrideOctets()+d.octets() > maxAllOctets {
		return nil, ErrTooLarge
	}
	if n == nil {
		n = t.add(w, m)
	}
	if n == nil {
		return nil, ErrTooMany
	}
	r := n.record(o.Type, true)
	if r == nil {
		return nil, fmt.Errorf("%d types of the name are in use, which is the most", maxSets)
	}
	return r, nil
}

// overrideOctets is how much room the overrides in force take, and those under them.
func (t *Table) overrideOctets() (n int) {
	for _, name := range t.names {
		for _, r := range name.sets {
			n += r.override.octets()
		}
	}
	return n
}

// octets are those of v, and of those under it; nil has none.
func (v *override) octets() (n int) {
	for ; v != nil; v = v.under {
		n += v.data.octets()
	}
	return n
}

func (d *data) octets() (n int) {
	for _, rr := range d.rrs {
		n += dns.Len(rr)
	}
	return n
}

// laterThan reports whether v wins over another: by the later control time and, so
// that both forwarders choose the same of two of one moment, by its data.
func (v *override) laterThan(o *Override, d *data, m Moment) bool {
	if c := v.setAt(m).Compare(o.Set); c != 0 {
		return c > 0
	}
	return v.data.key > d.key
}

// setAt is the control time, or, when a clock was wrong and is put back since, when it
// came here: else nothing could replace it for as long as the clock was ahead.
func (v *override) setAt(m Moment) time.Time {
	came := m.wall(v.began.Now)
	if v.Set.Sub(came) > maxAhead {
		return came
	}
	return v.Set
}

// putOverride replaces the record's override, if it has one.
func (t *Table) putOverride(r *record, o Override, d data, m Moment) {
	was := r.override
	v := &override{Override: o, data: d, began: m, expires: m.Now + o.For}
	v.Data = d.list()
	if o.Lease != "" {
		v.lease = m.Now + o.LeaseFor
		v.under = was
		if was != nil && was.lease > 0 {
			v.under = was.under
		}
	}
	if was != nil && was.data.same(&d) {
		v.inherit(was)
	} else {
		v.compare(r)
		t.note(r, r.given(), &d, Operator, o.By, m)
		r.supersede(was, &d, m.Now)
	}
	r.override = v
	t.tellOverride(r, v, was)
}

// inherit takes over what upstream showed already.
func (v *override) inherit(was *override) {
	v.lasts, v.before, v.judged, v.late, v.already = was.lasts, was.before, was.judged, was.late, was.already
	v.agree, v.third, v.thirds = was.agree, was.third, was.thirds
}

// compare notes what upstream says as the override begins.
func (v *override) compare(r *record) {
	for i := range r.guard.refused {
		v.leave(&r.guard.refused[i])
	}
	if was := r.override; was != nil {
		v.leave(&was.data)
		for _, key := range was.before {
			v.allow(key)
		}
		v.lasts = max(v.lasts, was.lasts)
	}
	if r.known {
		v.judged, v.already = true, r.current.same(&v.data)
		v.leave(&r.current)
	}
}

// leave notes data that upstream may go on giving for its TTL.
func (v *override) leave(d *data) {
	v.lasts = max(v.lasts, d.lasts())
	v.allow(d.key)
}

// allow takes data for no third value.
func (v *override) allow(key string) {
	if key == v.data.key || slices.Contains(v.before, key) {
		return
	}
	v.before = append(v.before, key)
	v.before = v.before[max(0, len(v.before)-2*maxRefused):]
}

// supersede refuses what a former override gave, and believes the operator in what
// he says now.
func (r *record) supersede(was *override, d *data, now time.Duration) {
	if was == nil || r.changes.varies {
		r.admit(d)
		return
	}
	r.ended.admit(d)
	r.guard.begin(d, []data{was.earlier()}, now)
}

// earlier is its data when it is over: Route 53 may have had it too, with the TTL of
// what was there before.
func (v *override) earlier() data {
	d := v.data
	d.ttl = max(d.ttl, uint32(v.lasts/time.Second))
	return d
}
