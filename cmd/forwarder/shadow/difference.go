package shadow

import (
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Difference is one way in which two answers to a question differ.
type Difference struct {
	Question     Question
	Kind         string // rcode, records, TTL, flags
	Named, Ours  string
	Known        string // why it is so on purpose; "" is a difference that nobody wanted
	ClientNotice bool   // of a known one: a client loses what it has with named
}

// String is a line about it.
func (d *Difference) String() string {
	s := fmt.Sprintf("%v: %s: named %s; forwarder %s", d.Question, d.Kind, d.Named, d.Ours)
	if d.Known != "" {
		s += " (known: " + d.Known + ")"
	}
	return s
}

// ttlSlack is for rounding, at both, in seconds.
const ttlSlack = 2

// differences lists in what two answers differ. A TTL counts that is longer than
// named's.
func differences(q Question, named, ours *Answer) (list []Difference) {
	add := func(kind, a, b string) {
		if a != b {
			list = append(list, Difference{Question: q, Kind: kind, Named: a, Ours: b})
		}
	}
	add("rcode", named.rcode(), ours.rcode())
	if named.Msg == nil || ours.Msg == nil || len(list) > 0 {
		return list
	}
	add("flags", named.flags(), ours.flags())
	if q.Type == dns.TypeANY { // what there is happens to be cached
		return list
	}
	a, b := named.data(), ours.data()
	if !slices.Equal(a, b) {
		add("records", summary(a), summary(b))
		return list
	}
	if x, y, longer := longerTTL(named, ours); longer {
		add("TTL", fmt.Sprint(x), fmt.Sprint(y))
	}
	return list
}

// longerTTL reports whether a record of ours may be kept for longer than other's.
func longerTTL(other, ours *Answer) (theirs, mine uint32, longer bool) {
	ttls := make(map[string]uint32)
	for _, rr := range other.records() {
		ttls[recordText(rr)] = rr.Header().Ttl
	}
	room := ttlSlack + uint32(max(other.At.Sub(ours.At), 0)/time.Second) // of what was asked for later less is left
	for _, rr := range ours.records() {
		if t, ok := ttls[recordText(rr)]; ok && rr.Header().Ttl > t+room {
			return t, rr.Header().Ttl, true
		}
	}
	return 0, 0, false
}
