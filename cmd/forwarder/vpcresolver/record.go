package vpcresolver

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Query is one that arrived, and the answer that it got.
type Query struct {
	At       time.Time // of arrival
	From     netip.AddrPort
	Name     string        // canonical
	Answered time.Time     // zero: it was dropped, or waits for its answer still
	TTL      time.Duration // of the answer's last record
	Address  netip.Addr    // in it, if that is an A record
}

// Record keeps every query over UDP that arrives from now on, and forgets the
// earlier ones. They take memory until the next call.
func (r *Resolver) Record() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recorded = []*Query{}
}

// Recorded returns the queries since Record, as they arrived.
func (r *Resolver) Recorded() []Query {
	r.mu.Lock()
	defer r.mu.Unlock()
	queries := make([]Query, len(r.recorded))
	for i, q := range r.recorded {
		queries[i] = *q
	}
	return queries
}

// Peak returns the most queries, which are as Recorded returns them, within any
// window of that length.
func Peak(queries []Query, window time.Duration) int {
	most, first := 0, 0
	for i, q := range queries {
		for q.At.Sub(queries[first].At) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Between returns the queries that arrived from begin on and before end.
func Between(queries []Query, begin, end time.Time) []Query {
	from, _ := slices.BinarySearchFunc(queries, begin, func(q Query, t time.Time) int { return q.At.Compare(t) })
	to, _ := slices.BinarySearchFunc(queries, end, func(q Query, t time.Time) int { return q.At.Compare(t) })
	return queries[from:to]
}

// record needs mu. It returns nil when nothing is recorded.
func (r *Resolver) record(name string, from netip.AddrPort) *Query {
	if r.recorded == nil {
		return nil
	}
	q := &Query{At: time.Now(), From: from, Name: name}
	r.recorded = append(r.recorded, q)
	return q
}

// answered completes the record of a query, which may be nil.
func (r *Resolver) answered(q *Query, reply *dns.Msg) {
	if q == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q.Answered = time.Now()
	if n := len(reply.Answer); n > 0 {
		last := reply.Answer[n-1]
		q.TTL = time.Duration(last.Header().Ttl) * time.Second
		if a, ok := last.(*dns.A); ok {
			q.Address, _ = netip.AddrFromSlice(a.A.To4())
		}
	}
}
