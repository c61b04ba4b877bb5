package forwarder

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/tail"
	"vpcdns/forwarder/watch"
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

// Watch is a look at what is answered: see the package tail. TailFilter picks what is
// seen.
type (
	Watch      = tail.Watch
	TailFilter = tail.Filter
)

// Watch looks at the queries of clients that are answered from now on, until it is
// closed. It is nil when as many as may look already. Client is whose queries are
// seen, and name those for which names: it and those below. The zero values are all.
func (s *Server) Watch(client netip.Prefix, name string) *Watch {
	f := TailFilter{Clients: client}
	if name != "" {
		f.Below = wire.PackName(dns.CanonicalName(name))
	}
	return s.tail.Watch(f)
}

// Answered is a query and its response as a Watch has seen them.
type Answered struct {
	At       time.Time
	Took     time.Duration // less than is measured for what was answered at once
	Client   netip.AddrPort
	TCP      bool
	Question dns.Question
	Flags    uint16 // of the query: its header's second word
	EDNS, DO bool
	Rcode    int // extended (RFC 6891, 6.1.3)
	Source   Source
}

// Answered returns what a line of a Watch says.
func (s *Server) Answered(l *tail.Line) Answered {
	a := Answered{
		At: s.clock.epoch.Add(l.At), Took: l.Took, Client: l.Client, TCP: l.TCP, Flags: l.Flags,
		EDNS: l.EDNS, DO: l.DO, Rcode: int(l.Rcode), Source: Source(l.Source),
	}
	if q := l.Question(); len(q) > 4 {
		n := len(q) - 4
		a.Question = dns.Question{Name: wire.NameText(q[:n]), Qtype: binary.BigEndian.Uint16(q[n:]), Qclass: binary.BigEndian.Uint16(q[n+2:])}
	}
	return a
}

// noteTail tells those who look of a response.
func (w *worker) noteTail(q *query, from Source, rcode int) {
	if w.isProbe(q) {
		return
	}
	l := tail.Line{
		At: w.now, Took: w.now - q.since, TCP: q.via == viaTCP, Flags: q.Flags, EDNS: q.EDNS.Present, DO: q.EDNS.DO,
		Rcode: uint16(rcode), Source: uint8(from.CountedAs(counts.ClassOf(rcode))),
	}
	if q.via != viaExchange {
		l.Client = q.addr
	}
	l.SetQuestion(q.Question)
	w.tail.Note(&l)
}

// WatchedSets returns the sets of all names that are watched or overridden, by name and
// type.
func (s *Server) WatchedSets() []watch.Set { return s.watches.Sets() }

// Held returns what clients whom no access list turns away are given at this moment of a
// name and type, without upstream being asked: what is pinned, cached, or served here. It
// is nil where upstream would be asked for it, or for the end of its chain. TTLs are what
// is left of them here, not those of --watch-ttl. It is counted and logged nowhere.
func (s *Server) Held(name string, rtype uint16) *dns.Msg {
	ask := new(dns.Msg).SetQuestion(dns.Fqdn(name), rtype)
	ask.RecursionDesired = false
	msg, err := ask.Pack()
	if err != nil {
		return nil
	}
	x := s.exchanges.Get().(*exchange)
	defer s.exchanges.Put(x)
	x.begin()
	return x.held(msg, &x.q)
}

// Look has upstream asked for a name and type that are watched or overridden, as if a client
// had: soon Held has what it says.
func (s *Server) Look(name string, rtype uint16) {
	wireName := wire.PackName(name)
	if wireName == "" {
		return
	}
	var list waiterList
	s.askWatched([]watch.Question{{Name: wireName, Type: rtype, For: wireName}}, &list)
	s.queue.submit(&list)
}

// held walks to the end of what is asked for in msg.
func (w *worker) held(msg []byte, q *query) *dns.Msg {
	q.Parse(msg)
	q.may, q.zone, q.walk = allRights, nil, nil
	q.setKey(w.cache)
	k := newWalk(q, w)
	if w.advance(k); k.rejected || k.endless || len(k.parts) == 0 {
		return nil
	}
	m := new(dns.Msg)
	for i := range k.parts {
		said := w.unpack(k, &k.parts[i])
		m.Answer = append(m.Answer, said.Answer...)
		m.Rcode, m.Ns = said.Rcode, said.Ns
	}
	return m
}

// Access returns whether an access list allows an address, as the interfaces are
// when it is asked. It may be asked by several goroutines; it is not for queries.
func (s *Server) Access(list acl.List) func(netip.Addr) bool {
	var mu sync.Mutex
	var of *state
	var set *acl.Set
	return func(a netip.Addr) bool {
		mu.Lock()
		defer mu.Unlock()
		if st := s.state.Load(); st != of {
			set, of = list.Recompile(st.env, set), st
		}
		return set.Match(a)
	}
}
