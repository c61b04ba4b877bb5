// Package sizing simulates, in virtual time, what a forwarder asks a VPC resolver for a
// given load: how many of its queries are hits, how many packets a second leave, and who
// waits when the limit of an interface is reached. Its rules are those of the packages
// forwarder and upstream, and its resolver is that of vpcresolver; tests hold it against
// both. One seed gives one result.
package sizing

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// Share is a part of the names, which have one TTL.
type Share struct {
	TTL    int     // seconds
	Weight float64 // of this share among all
}

// Workload is who asks for what. Queries come at random times (a Poisson process).
type Workload struct {
	Names    int           // how many there are
	Zipf     float64       // the n-th is asked for n^-Zipf times as often as the first; 0: all alike
	QPS      float64       // queries a second of all users, all types together
	TTLs     []Share       // of the names' addresses
	Types    int           // 1: A; 2: AAAA is asked for too, each time, and there is none
	Negative int           // TTL of the answer that there is none, seconds
	Clients  int           // caching servers by which the users ask; 0: they ask the forwarder themselves
	Length   time.Duration // of the whole
	Seed     uint64
}

// Check says what of a scenario cannot be simulated, and what could.
func (s *Scenario) Check() error {
	const most = 10_000_000 // keys
	const mostCopies = 50_000_000
	for _, t := range s.TTLs {
		if t.TTL < 0 || t.TTL > 1<<31-1 || !(t.Weight >= 0) {
			return fmt.Errorf("a TTL of %d s with weight %g: TTLs from 0 to 2147483647 are possible, and no weight below 0", t.TTL, t.Weight)
		}
	}
	switch {
	case s.Types != 1 && s.Types != 2:
		return fmt.Errorf("%d types: 1 or 2 are possible", s.Types)
	case s.Names < 1 || s.Names > most/s.Types:
		return fmt.Errorf("%d names: from 1 to %d are possible", s.Names, most/s.Types)
	case !(s.QPS > 0) || s.QPS > 1e6:
		return fmt.Errorf("%g queries a second: more than 0 and at most a million are possible", s.QPS)
	case s.Warm < 0 || s.Length-s.Warm < time.Second || s.Length > 24*time.Hour:
		return fmt.Errorf("%v of which %v are not counted: at least a second has to be, and 24 hours are the most", s.Length, s.Warm)
	case s.RTT > time.Second:
		return fmt.Errorf("a round trip of %v: a second is the most", s.RTT)
	case !(s.Zipf >= 0 && s.Loss >= 0 && s.Loss <= 1 && s.Others >= 0 && s.RTT >= 0):
		return errors.New("the exponent, the loss, others' queries and the round trip time cannot be negative, nor the loss above 1")
	case min(s.Clients, s.Hosts, s.PPS, s.Negative, s.Watched, s.Probed, s.Verifying) < 0 || max(s.Clients, s.Hosts) > 100:
		return errors.New("no number can be negative; of caching servers and hosts 100 are the most")
	case s.Names*s.Types*(1+s.Hosts+s.Clients) > mostCopies:
		return fmt.Errorf("%d names at %d hosts and %d caching servers: that is more than %d copies", s.Names, s.Hosts, s.Clients, mostCopies)
	}
	return nil
}

// Query is one question of a user.
type Query struct {
	At  time.Duration // since the beginning
	Key int           // name*Types, and 1 more for AAAA
}

// Queries yields the queries in order, the same ones each time.
func (w *Workload) Queries() iter.Seq[Query] {
	return func(yield func(Query) bool) {
		random := w.random(1)
		pick := w.popularity()
		gap := float64(w.Types) / w.QPS * float64(time.Second)
		for at := time.Duration(0); ; {
			at += time.Duration(random.ExpFloat64() * gap)
			if at >= w.Length {
				return
			}
			name := pick(random)
			for t := range w.Types {
				if !yield(Query{at, name*w.Types + t}) {
					return
				}
			}
		}
	}
}

// random returns a source for one purpose.
func (w *Workload) random(purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.Seed, purpose))
}

// popularity returns what draws a name: 0 is asked for most.
func (w *Workload) popularity() func(*rand.Rand) int {
	if w.Zipf == 0 {
		return func(r *rand.Rand) int { return r.IntN(w.Names) }
	}
	sums, sum := make([]float64, w.Names), 0.0
	for i := range sums {
		sum += math.Pow(float64(i+1), -w.Zipf)
		sums[i] = sum
	}
	return func(r *rand.Rand) int {
		return min(sort.SearchFloat64s(sums, r.Float64()*sum), w.Names-1)
	}
}

// AddressTTLs returns the TTL of each name's addresses, in seconds. How often a name is
// asked for says nothing of its TTL.
func (w *Workload) AddressTTLs() []uint32 {
	total := 0.0
	for _, s := range w.TTLs {
		total += s.Weight
	}
	random, ttls := w.random(2), make([]uint32, w.Names)
	for i := range ttls {
		x := random.Float64() * total
		for _, s := range w.TTLs {
			ttls[i] = uint32(s.TTL)
			if x -= s.Weight; x < 0 {
				break
			}
		}
	}
	return ttls
}

// keyTTLs returns the TTL of the answer to each key.
func (w *Workload) keyTTLs() []uint32 {
	ttls := make([]uint32, w.Names*w.Types)
	for name, ttl := range w.AddressTTLs() {
		ttls[name*w.Types] = ttl
		if w.Types > 1 {
			ttls[name*w.Types+1] = uint32(w.Negative)
		}
	}
	return ttls
}
