package forwarder

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Recursing is a client that waits for upstream.
type Recursing struct {
	Client  netip.AddrPort // the zero value for Server.Exchange
	ID      uint16         // of its query
	Asked   dns.Question   // by it
	For     dns.Question   // by us, for the link of its chain that comes next: Asked where that is the first
	Zone    string         // whose servers are asked: canonical name
	Waiting time.Duration  // for how long it has
}

// Fetches are the questions of a zone that are being asked.
type Fetches struct {
	Zone   string // canonical name
	Active int
}

// mostRecursing bounds for how long Recursing keeps others from asking.
const mostRecursing = 10_000

// Recursing returns the clients that wait for upstream, and how many are left out
// because there are too many; and the zones for which something is asked. Who asked
// before a flush is not among them.
func (s *Server) Recursing() (list []Recursing, more int, zones []Fetches) {
	now := s.clock.now()
	t := &s.inflight
	t.mu.Lock()
	defer t.mu.Unlock()
	active := make(map[string]int)
	for _, f := range t.fetches {
		active[f.zone.name]++
		for w := f.waiters.first; w != nil; w = w.next {
			if len(list) == mostRecursing {
				more++
				continue
			}
			list = append(list, w.recursing(f, now))
		}
	}
	for name, n := range active {
		zones = append(zones, Fetches{name, n})
	}
	slices.SortFunc(zones, func(a, b Fetches) int { return b.Active - a.Active })
	return list, more, zones
}

func (w *waiter) recursing(f *fetch, now time.Duration) Recursing {
	r := Recursing{ID: w.q.ID, Asked: questionOf(&w.q), For: questionOf(w.asks()), Zone: f.zone.name, Waiting: now - w.since}
	if w.via != viaExchange {
		r.Client = w.addr
	}
	return r
}

func questionOf(q *wire.Query) dns.Question {
	return dns.Question{Name: wire.NameText(q.Name()), Qtype: q.Type, Qclass: q.Class}
}
