package forwarder

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/hot"
	"vpcdns/forwarder/latency"
	"vpcdns/forwarder/querylog"
	"vpcdns/forwarder/wire"
)

// insight is what is known of who asks for what, lately. It is bounded, and no reload
// changes it.
type insight struct {
	names     *hot.Table // and types, as labels
	busy      *hot.Table // clients, as refused
	refused   *hot.Table
	clients   hot.Distinct
	latencies *latency.Counts // by source, as Source.CountedAs has it
}

// maxHotLabel is the longest label of a name: it and its type.
const maxHotLabel = 255 + 2

const (
	// mostCounted are the names, and clients, that are counted at a time. Each that has
	// more than a thousandth of all is among them.
	mostCounted = 1000

	// insightHalfLife makes the hottest names those of about the last two minutes.
	insightHalfLife = time.Minute

	// sampledUDP of the replies of a window are looked at by a reader of datagrams, or
	// who replies later; sampledTCP by each connection, of which there are many.
	sampledUDP, sampledTCP = 100, 10
)

func (i *insight) init() {
	const client = 16 // octets
	i.names = hot.New(mostCounted, maxHotLabel, insightHalfLife)
	i.busy = hot.New(mostCounted, client, insightHalfLife)
	i.refused = hot.New(mostCounted, client, 0)
	i.clients.Init()
	i.latencies = latency.New(int(NumSources))
}

// tick is told the time once a second.
func (i *insight) tick(now time.Duration) {
	i.clients.Tick(now)
	i.latencies.Tick(now)
}

// glance is how a worker looks at some of its replies.
type glance struct {
	replies hot.Sampler
	refused hot.Sampler // replies that are refusals: few among many are not lost
	late    bool        // replies are to who has waited: the latency of each is noted
	set     *hot.Set    // of clients, of this batch
	leaving departures
}

// lookAt notes a reply that is looked at.
func (w *worker) lookAt(q *query, from Source, rcode int) {
	switch {
	case from == SourceRefused:
		w.glance.refused.Begin(w.now)
		if w.glance.refused.Picks() {
			w.noteRefused(q, w.glance.refused.Weight())
		}
	case !w.glance.late:
		weight := w.glance.replies.Weight()
		w.noteLatency(q, from.CountedAs(counts.ClassOf(rcode)), weight)
		w.noteAsked(q, weight)
	default:
		w.noteLatency(q, from.CountedAs(counts.ClassOf(rcode)), 1)
		if w.glance.replies.Picks() {
			w.noteAsked(q, w.glance.replies.Weight())
		}
	}
}

// isOurOwn reports whether a query is none of a client, but of this forwarder or its peer.
func (w *worker) isOurOwn(q *query) bool {
	return q.via == viaExchange || w.isProbe(q) || w.isPeer(q)
}

func (w *worker) noteRefused(q *query, weight uint32) {
	w.noteLatency(q, SourceRefused, weight)
	w.noteClient(w.insight.refused, q, weight)
}

// noteAsked counts weight queries for a name and type, and of a client.
func (w *worker) noteAsked(q *query, weight uint32) {
	if w.isOurOwn(q) {
		return
	}
	w.noteClient(w.insight.busy, q, weight)
	if q.Question == nil || q.Class != wire.ClassIN {
		return
	}
	var buf [maxHotLabel]byte
	label := binary.BigEndian.AppendUint16(wire.AppendLower(buf[:0], q.Name()), q.Type)
	w.insight.names.Add(w.cache.Hash(label), label, weight, w.now)
}

func (w *worker) noteClient(t *hot.Table, q *query, weight uint32) {
	addr := q.addr.Addr().As16()
	t.Add(w.cache.Hash(addr[:]), addr[:], weight, w.now)
}

// noteClientOf counts who asks among those that are served, whose rights are known.
func (w *worker) noteClientOf(q *query) {
	switch {
	case w.isOurOwn(q):
		w.last = netip.Addr{} // the next one there may be a client
	case w.rights.cache && !w.rights.blackholed:
		addr := q.addr.Addr().As16()
		w.glance.set.Add(w.cache.Hash(addr[:]))
	}
}

// HotName is a name that is asked for often.
type HotName struct {
	Name      string // presentation format, lower case
	Type      string
	PerSecond float64 // queries, at least: the mean of about the last two minutes
	Share     float64 // of all queries that were not refused, at least: 0 to 1
}

// HotNames returns the n names and types that clients have asked for most in about the
// last two minutes, those first; 1000 at most, and none that is silent for some minutes.
//
// They are estimates from a fair sample: up to 1000 replies a second of each socket all
// are looked at (100 of each TCP connection), of more one in so many, at random, which
// stands for the others. What is refused does not count, nor do forwarder's own
// questions and those of its peers. A name with more than a thousandth of all queries
// is there, whatever else is asked; no estimate is above the truth but by chance.
func (s *Server) HotNames(n int) []HotName {
	var list []HotName
	for _, i := range s.insight.names.Top(n, s.clock.now()) {
		end := len(i.Label) - 2
		list = append(list, HotName{
			Name: wire.NameText(i.Label[:end]), Type: querylog.TypeName(binary.BigEndian.Uint16(i.Label[end:])),
			PerSecond: i.Rate, Share: i.Share,
		})
	}
	return list
}

// ClientCount is a client with the number of its queries.
type ClientCount struct {
	Client netip.Addr
	Count  uint64 // at least
	Last   time.Time
}

// BusyClients returns the n clients that have asked most in about the last two minutes,
// those first, with their queries a minute. They are counted as HotNames counts names.
func (s *Server) BusyClients(n int) []ClientCount {
	return s.topClients(s.insight.busy, n, func(i *hot.Item) float64 { return i.Rate * 60 })
}

// RefusedClients returns the n clients that access lists have turned away most since the
// start, those first, with the number of their queries. All are counted up to 1000 a
// second of each socket, then a sample. Clients that are blackholed are not among them.
func (s *Server) RefusedClients(n int) []ClientCount {
	return s.topClients(s.insight.refused, n, (*hot.Item).AtLeast)
}

func (s *Server) topClients(t *hot.Table, n int, count func(*hot.Item) float64) []ClientCount {
	var list []ClientCount
	for _, i := range t.Top(n, s.clock.now()) {
		list = append(list, ClientCount{
			Client: netip.AddrFrom16([16]byte(i.Label)).Unmap(),
			Count:  uint64(math.Round(count(&i))),
			Last:   s.clock.epoch.Add(i.Last),
		})
	}
	return list
}

// DistinctClients returns how many addresses were served in the last minute: within two
// per cent up to a hundred thousand, and never more than hot.MaxDistinct.
func (s *Server) DistinctClients() int { return s.insight.clients.Len() }

// Latency is how long replies of one source took in the last minute, as
// latency.Histogram has it: in the same bucket as the truth.
type Latency struct {
	P50, P90, P99 time.Duration // 0 without samples
	Samples       uint64        // replies; those that were looked at stand for the others
}

// Latencies returns how long replies to clients took in the last minute, by source.
func (s *Server) Latencies() (list [NumSources]Latency) {
	for i, h := range s.insight.latencies.LastMinute() {
		if _, all := h.Within(); all > 0 {
			of := func(share float64) time.Duration { return latency.Quantile(share, h.Buckets[:], latency.Bounds[:]) }
			list[i] = Latency{of(0.5), of(0.9), of(0.99), all}
		}
	}
	return list
}

// departures are replies whose latency is known once they have left. There are few, as
// each connection has some.
type departures struct {
	list [16]departure
	n    int
}

type departure struct {
	since  time.Duration // when the query came
	weight uint32        // of how many replies this is one
	from   Source
}

// noteLatency remembers a reply to a client until it has left.
func (w *worker) noteLatency(q *query, from Source, weight uint32) {
	if w.isOurOwn(q) {
		return
	}
	d := &w.glance.leaving
	if d.n == len(d.list) {
		w.observeLatencies()
	}
	d.list[d.n] = departure{q.since, weight, from}
	d.n++
}

// left is told that the replies of a batch have left.
func (w *worker) left() {
	if w.glance.leaving.n > 0 {
		w.observeLatencies()
	}
}

func (w *worker) observeLatencies() {
	d, now := &w.glance.leaving, w.clock.now()
	for _, r := range d.list[:d.n] {
		w.insight.latencies.Observe(int(r.from), now-r.since, r.weight)
	}
	d.n = 0
}
