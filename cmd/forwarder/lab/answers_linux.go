package lab

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Answer is how one query ended.
type Answer struct {
	Name    string
	Sent    time.Time     // first
	Took    time.Duration // until the answer, or until it was given up
	Tries   int
	Rcode   int           // -1: no answer
	EDE     int           // extended error; -1: none
	Address netip.Addr    // in the last A record, if there is any
	TTL     time.Duration // of that record
}

func (a *Answer) fill(reply *dns.Msg) {
	a.Rcode = reply.Rcode
	if opt := reply.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				a.EDE = int(ede.InfoCode)
			}
		}
	}
	for _, rr := range reply.Answer {
		if address, ok := rr.(*dns.A); ok {
			a.Address, _ = netip.AddrFromSlice(address.A.To4())
			a.TTL = time.Duration(address.Hdr.Ttl) * time.Second
		}
	}
}

// OK reports whether the answer has an address.
func (a Answer) OK() bool { return a.Address.IsValid() }

// At is when the query ended.
func (a Answer) At() time.Time { return a.Sent.Add(a.Took) }

// Answers are in the order in which they were asked.
type Answers []Answer

// Where returns those that keep is true for.
func (all Answers) Where(keep func(Answer) bool) Answers {
	var kept Answers
	for _, a := range all {
		if keep(a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// Between returns those that were asked from begin on and before end.
func (all Answers) Between(begin, end time.Time) Answers {
	return all.Where(func(a Answer) bool { return !a.Sent.Before(begin) && a.Sent.Before(end) })
}

// Named returns those for the names that f is true for.
func (all Answers) Named(f func(name string) bool) Answers {
	return all.Where(func(a Answer) bool { return f(a.Name) })
}

// Failed returns those without an address.
func (all Answers) Failed() Answers {
	return all.Where(func(a Answer) bool { return !a.OK() })
}

// Percent returns the share of those with an address: 100 for all, and for
// none asked.
func (all Answers) Percent() float64 {
	if len(all) == 0 {
		return 100
	}
	return 100 - 100*float64(len(all.Failed()))/float64(len(all))
}

// Quantile returns how long it took at most for the share p, 0 to 1, of them
// all to end; what never was answered counts with what the client waited.
func (all Answers) Quantile(p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	took := make([]time.Duration, len(all))
	for i, a := range all {
		took[i] = a.Took
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(p*float64(len(took))))]
}
