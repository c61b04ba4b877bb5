package page

import (
	"math"
	"sync"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/watch"
)

const (
	// every is how often is looked.
	every = time.Second

	// points is how many points the charts have.
	points = int(lately / every)

	// maxColumns bounds the charts: 96 columns of 900 points of 4 octets are 350 kB.
	maxColumns = 96

	// maxServers are the servers that have columns of their own.
	maxServers = 8
)

// sampler knows the last 15 minutes. Its methods may be called at any time.
type sampler struct {
	server *forwarder.Server

	mu      sync.Mutex
	at      int                // of the latest point
	times   [points]time.Time  // zero: none yet
	columns map[string]*column // by name
	last    counts             // as last read
	rtts    rtts
	strips  strips
	given   []watch.Given // room for what is looked at
}

// column is the points of one line; NaN is none.
type column struct {
	values [points]float32
	seen   time.Time // when there was a value
}

// counts are the counters of which the charts show the growth.
type counts struct {
	at                                time.Time
	total                             uint64
	sources                           [forwarder.NumSources]uint64
	rcodes                            map[string]uint64
	asked, answered, timeouts, failed uint64
}

func newSampler(s *forwarder.Server) *sampler {
	return &sampler{server: s, columns: make(map[string]*column), rtts: make(rtts), strips: strips{of: make(map[string][]*strip)}}
}

// begin notes what there was before the first look.
func (s *sampler) begin(now time.Time, st *forwarder.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times[s.at], s.last = now, countsOf(now, st)
	s.rtts.note(now, st.Upstream.Servers)
}

// sample looks at how the server is now. st are its counters.
func (s *sampler) sample(now time.Time, st *forwarder.Stats) {
	minute, budgets := s.server.Rate(60), s.server.LastBudgets()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = (s.at + 1) % points
	s.times[s.at] = now
	for _, c := range s.columns {
		c.values[s.at] = float32(math.NaN())
	}
	s.growth(now, st)
	if minute.Cacheable > 0 {
		s.set("hit_ratio", minute.HitRatio())
	}
	for source, q := range s.server.Latencies() {
		if q.Samples > 0 {
			s.set("latency_p50 "+forwarder.Source(source).String(), q.P50.Seconds())
			s.set("latency_p99 "+forwarder.Source(source).String(), q.P99.Seconds())
		}
	}
	s.set("pending", float64(st.Pending))
	s.set("cache_bytes", float64(st.Cache.Bytes))
	s.set("cache_entries", float64(st.Cache.Entries))
	for _, b := range budgets[:min(len(budgets), maxServers)] {
		s.set("budget "+b.Interface, float64(b.Sent))
		if b.PPS > 0 {
			s.set("limit "+b.Interface, float64(b.PPS))
		}
	}
	for i := range st.Upstream.Servers[:min(len(st.Upstream.Servers), maxServers)] {
		s.serverPoint(&st.Upstream.Servers[i])
	}
	s.rtts.note(now, st.Upstream.Servers)
	if q := s.rtts.all(); q.Samples > 0 {
		s.set("upstream_p50", q.P50)
		s.set("upstream_p99", q.P99)
	}
	s.forget(now)
	s.given = s.server.AppendGiven(s.given[:0])
	for i := range s.given {
		s.strips.note(now, &s.given[i])
	}
	clear(s.given) // data that is replaced is not kept
	s.strips.end(now)
}

func (s *sampler) serverPoint(u *upstream.ServerStats) {
	if u.SRTT > 0 {
		s.set("rtt "+host.Address(u.Addr), u.SRTT.Seconds())
	}
	up := 1.0
	if u.Down {
		up = 0
	}
	s.set("up "+host.Address(u.Addr), up)
}

// growth sets the columns of counters, by their growth a second.
func (s *sampler) growth(now time.Time, st *forwarder.Stats) {
	c, last := countsOf(now, st), s.last
	s.last = c
	span := now.Sub(last.at).Seconds()
	if span <= 0 {
		return
	}
	rate := func(name string, now, before uint64) { s.set(name, float64(now-min(now, before))/span) }
	rate("queries", c.total, last.total)
	for source := range forwarder.NumSources {
		rate("source "+source.String(), c.sources[source], last.sources[source])
	}
	for rcode, n := range c.rcodes {
		rate("rcode "+rcode, n, last.rcodes[rcode])
	}
	rate("upstream_queries", c.asked, last.asked)
	rate("upstream_answers", c.answered, last.answered)
	rate("upstream_timeouts", c.timeouts, last.timeouts)
	rate("upstream_failures", c.failed, last.failed)
}

func countsOf(now time.Time, st *forwarder.Stats) counts {
	c := counts{at: now, rcodes: st.Rcodes}
	for i := range st.Queries {
		c.sources[st.Queries[i].Source] += st.Queries[i].Count
		c.total += st.Queries[i].Count
	}
	for i := range st.Upstream.Servers {
		u := &st.Upstream.Servers[i]
		c.asked += u.Sent
		c.answered += u.Answered
		c.timeouts += u.TimedOut
		c.failed += u.Failed
	}
	return c
}

// set gives a column its value of now. mu is held.
func (s *sampler) set(name string, value float64) {
	c := s.columns[name]
	if c == nil {
		if len(s.columns) >= maxColumns {
			return
		}
		c = new(column)
		for i := range c.values {
			c.values[i] = float32(math.NaN())
		}
		s.columns[name] = c
	}
	c.values[s.at], c.seen = float32(value), s.times[s.at]
}

// forget drops the columns that have been without a value all the time.
func (s *sampler) forget(now time.Time) {
	for name, c := range s.columns {
		if now.Sub(c.seen) > lately {
			delete(s.columns, name)
		}
	}
}

// sampledAt is when was looked last.
func (s *sampler) sampledAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.times[s.at]
}

// onClock is a time that was read before as the clock is now: it may have been set since.
func onClock(t, now time.Time) time.Time { return ms(now.Add(-now.Sub(t))) }

// latest is the latest point.
func (s *sampler) latest() Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Point{Time: ms(s.times[s.at]), Columns: make(map[string]float64, len(s.columns))}
	for name, c := range s.columns {
		if v := float64(c.values[s.at]); !math.IsNaN(v) {
			p.Columns[name] = rounded(v)
		}
	}
	return p
}

// history is all of them. A clock that was set moves them all.
func (s *sampler) history() *History {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	h := &History{Version: Version, Now: ms(now), Times: []float64{}, Columns: make(map[string][]*float64, len(s.columns))}
	var order []int
	for i := range points {
		if at := (s.at + 1 + i) % points; !s.times[at].IsZero() {
			order = append(order, at)
			h.Times = append(h.Times, float64(now.Add(-now.Sub(s.times[at])).UnixMilli())/1000)
		}
	}
	for name, c := range s.columns {
		h.Columns[name] = c.inOrder(order)
	}
	return h
}

func (c *column) inOrder(order []int) []*float64 {
	list := make([]*float64, len(order))
	for i, at := range order {
		if v := float64(c.values[at]); !math.IsNaN(v) {
			v = rounded(v)
			list[i] = &v
		}
	}
	return list
}

// rounded has four digits, which is what a chart can show.
func rounded(v float64) float64 {
	if v == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-3)
	if unit >= 1 {
		return math.Round(v)
	}
	inverse := math.Round(1 / unit)
	return math.Round(v*inverse) / inverse
}
