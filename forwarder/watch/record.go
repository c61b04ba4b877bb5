package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// node is a name that has state.
type node struct {
	name    string // for people
	wire    string
	watched bool   // by itself
	fixed   bool   // on the command line
	since   Moment // since when it is wanted
	seen    time.Duration
	sets    map[uint16]*record
	probe   probe

	holders int           // in the ledger, of all its records
	swept   time.Duration // when those whose time was over were looked for
}

// record is one type of a name: what upstream says, and what lies above it.
type record struct {
	node  *node
	rtype uint16

	current data          // what upstream says and is believed
	known   bool          // upstream has said something
	since   Moment        // when it began to say so
	asked   time.Duration // when the question was sent that it said so to last
	until   time.Duration // when its TTL is over
	said    data          // upstream's latest answer for the name itself, believed or not
	heard   bool          // there was one

	left    []data // what it had before it was denied
	guard   guard
	ended   guard          // the latest that has done its work; on, but in force again only by relapse
	over    *time.Duration // when the latest guard ended; nil: none did
	changes changes
	taught  *lesson

	override *override
	verify   *verify
	ledger   ledger

	changed, refused uint64 // counts, for NameStats
}

func (r *record) key() Key { return Key{r.node.wire, r.rtype} }

// maxTTL is what caches keep anything for at most, in seconds (BIND's max-cache-ttl).
const maxTTL = 7 * 24 * 60 * 60

// maxSets are the types of a name that have state.
const maxSets = 16

// maxData is the size of an answer that is followed, in octets: a thousand names, each
// with what it had before, are to fit into memory.
const maxData = 4096

func isLarge(rrs []RR) bool {
	size := 0
	for _, rr := range rrs {
		size += dns.Len(rr)
	}
	return size > maxData
}

// data is what a name has under a type; the zero value is a denial.
type data struct {
	texts []string // sorted, distinct
	key   string   // texts as one
	rrs   []RR     // they, and the CNAMEs that lead to them
	ttl   uint32   // the greatest seen with it, s
}

func (d *data) empty() bool           { return d.key == "" }
func (d *data) same(other *data) bool { return d.key == other.key }
func (d *data) lasts() time.Duration  { return time.Duration(max(d.ttl, 1)) * time.Second }

func (d *data) String() string {
	if d.empty() {
		return "nothing"
	}
	return strings.Join(d.texts, ", ")
}

// dataOf takes an answer: the records of the asked type, or, of a chain that ends
// open, its last CNAME.
func dataOf(o *Observation) data {
	d := newData(ofType(o.RRs, o.Type))
	ttl := min(o.TTL, maxTTL)
	if links := ofType(o.RRs, dns.TypeCNAME); d.empty() && len(links) > 0 {
		d = textData("CNAME " + rdataText(links[len(links)-1]))
	}
	d.rrs, d.ttl = copyRRs(o.RRs), ttl
	return d
}

func newData(rrs []RR) data {
	texts := make([]string, len(rrs))
	for i, rr := range rrs {
		texts[i] = rdataText(rr)
	}
	d := textData(texts...)
	d.rrs = rrs
	return d
}

// textData is data of which there are no records.
func textData(texts ...string) data {
	slices.Sort(texts)
	texts = slices.Compact(texts)
	return data{texts: texts, key: strings.Join(texts, "\n")}
}

func ofType(rrs []RR, rtype uint16) (list []RR) {
	for _, rr := range rrs {
		if rr.Header().Rrtype == rtype {
			list = append(list, rr)
		}
	}
	return list
}

func copyRRs(rrs []RR) []RR {
	list := make([]RR, len(rrs))
	for i, rr := range rrs {
		list[i] = dns.Copy(rr)
	}
	return list
}

// rdataText is a record's data in presentation form. Where they are names their
// case says nothing (RFC 4343).
func rdataText(rr RR) string {
	s := strings.TrimPrefix(rr.String(), rr.Header().String())
	switch rr.Header().Rrtype {
	case dns.TypeCNAME, dns.TypeNS, dns.TypePTR, dns.TypeMX, dns.TypeSRV, dns.TypeAFSDB, dns.TypeKX:
		return strings.ToLower(s)
	}
	return s
}

// recordOf returns the record that an answer is about. It begins with positive data
// of a name that is wanted.
func (t *Table) recordOf(o *Observation, d *data, m Moment) *record {
	n := t.names[o.Name]
	if n != nil && n.sets[o.Type] != nil {
		return n.sets[o.Type]
	}
	if d.empty() || o.Failed || !keeps(o.Type) || !t.Wants([]byte(o.Name)) {
		return nil
	}
	if n == nil {
		if n = t.add(o.Name, m); n == nil {
			return nil
		}
	}
	return n.record(o.Type, false)
}

// record returns the record of a type, nil when the name has too many already; a
// command's has room always.
func (n *node) record(rtype uint16, command bool) *record {
	r := n.sets[rtype]
	if r == nil && (len(n.sets) < maxSets || command && len(n.sets) < 2*maxSets) {
		r = &record{node: n, rtype: rtype}
		n.sets[rtype] = r
	}
	return r
}

// keeps reports whether a type is kept: one that miekg/dns knows, and that is not
// for questions only (RFC 6895, 3.1).
func keeps(rtype uint16) bool {
	_, known := dns.TypeToRR[rtype]
	return known && rtype != dns.TypeOPT && rtype != dns.TypeNULL && (rtype < 128 || rtype > 255)
}
