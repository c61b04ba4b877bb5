package forwarder

import (
	"crypto/rand"
	"net/netip"
	"sync/atomic"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/health"
	"vpcdns/forwarder/recent"
	"vpcdns/forwarder/selfcheck"
	"vpcdns/forwarder/tail"
	"vpcdns/forwarder/tap"
	"vpcdns/forwarder/watch"
)

// engine is what a query may touch of a server.
type engine struct {
	state  atomic.Pointer[state]
	clock  clock
	cache  *cache.Cache
	logs   loggers
	events Observer

	watches  *watch.Table // names whose failover counts
	watchTTL uint32       // that these are given out with at most, s
	peers    []netip.Addr // Options.Peers
	pins     pinAnswers
	watcher  watcher

	inflight inflight // what is being asked
	queue    queue    // what is to be asked
	waiters  waiters  // who waits for either

	prefetches       recent.Questions // what was asked before its time, or past it
	unanswered       recent.Questions // what upstream failed to refresh, for stale-refresh-time
	servfails        recent.Failures
	regulars         recent.Clients
	repeats          repeats // answers without TTL
	zeroTTL          counter // of these
	flushes          flushes
	udp, tcp         *counts.Replies
	inProcess        *counts.Replies
	damage           *health.Damage // what went wrong lately
	insight          insight
	sawSigned        atomic.Bool // an answer had signatures: only then two entries are beside each other
	sawCD            atomic.Bool // upstream was asked with CD: only then a question has two answers
	queryLog         atomic.Bool
	logSample        uint32       // of how many queries one is logged
	queriesSampled   atomic.Bool  // that has been said in the query log
	responsesSampled atomic.Bool  // and in that of responses
	serveStale       atomic.Int32 // ServeStale
	tail             tail.Tail    // for who looks at queries
	tap              *tap.Tap
	clientCounts     counts.Clients
	workers          atomic.Uint32 // that there have been
	observing        atomic.Uint32 // observers
	draining         atomic.Bool   // shutting down: nothing new is asked upstream
	probe            []byte        // the question of Server.Check
	cookieSecret     [16]byte      // where the configuration has none
}

func newEngine(maxCache int64, o *Options, asleep func() time.Duration) *engine {
	e := &engine{
		clock:     newClock(asleep),
		cache:     cache.New(maxCache),
		logs:      newLoggers(o.Log),
		events:    o.Observer,
		watches:   watch.New(watch.Options{TTL: o.WatchTTL, Label: o.ProbeLabel}),
		watchTTL:  o.WatchTTL,
		logSample: uint32(o.QueryLogSample),
		peers:     o.Peers,
		udp:       new(counts.Replies),
		tcp:       new(counts.Replies),
		inProcess: new(counts.Replies),
		probe:     selfcheck.NewQuestion(),
		damage:    health.NewDamage(counts.MaxZones),
	}
	e.tap = tap.New(e.clock.now, e.logs.dnstap)
	e.inflight.init(e.cache, &e.waiters)
	e.queue.init(&e.waiters)
	e.waiters.init()
	e.insight.init()
	e.watcher.init()
	rand.Read(e.cookieSecret[:])
	return e
}

// install makes st the state for all that comes.
func (e *engine) install(st *state) {
	old := e.state.Swap(st)
	if old != nil {
		e.restartCounts(old, st)
	}
	e.switchLogs(old, st)
	e.cache.SetMaxBytes(st.cfg.Cache.MaxSize)
	e.reviewTimeouts()
}

// switchLogs has queries and responses logged as the configuration says where that is
// new: what was said since (rndc querylog) outlives a reload that says nothing else, as
// with named.
func (e *engine) switchLogs(old, st *state) {
	if old == nil || old.cfg.QueryLog != st.cfg.QueryLog {
		e.setQueryLog(st.cfg.QueryLog)
	}
	if old == nil || old.cfg.ResponseLog != st.cfg.ResponseLog {
		e.setResponseLog(st.cfg.ResponseLog)
	}
}

// restartCounts begins the counts of zones anew whose numbers were another's, and
// drops that one's answers, which carry the number. That happens to who has had
// more than counts.MaxZones zones.
func (e *engine) restartCounts(old, st *state) {
	var reused [counts.MaxZones]bool
	for i, was := range old.zones.names {
		if reused[i] = was != "" && was != st.zones.names[i]; reused[i] {
			for _, c := range []*counts.Replies{e.udp, e.tcp, e.inProcess} {
				c.Restart(i)
			}
		}
	}
	if reused != [counts.MaxZones]bool{} {
		e.cache.DeleteFunc(func(entry cache.Entry) bool {
			zone, _ := splitValue(entry.Value())
			return reused[zone%counts.MaxZones]
		})
	}
}

// clock is the time since the server was made. It knows nothing of the wall
// clock's jumps, and counts the time that the machine was suspended.
type clock struct {
	epoch       time.Time
	asleep      func() time.Duration // since the machine was started
	sleptBefore time.Duration        // of that, before epoch
	slept       atomic.Int64         // of that, since: nanoseconds
}

func newClock(asleep func() time.Duration) clock {
	return clock{epoch: time.Now(), asleep: asleep, sleptBefore: asleep()}
}

func (c *clock) now() time.Duration { return time.Since(c.epoch) + time.Duration(c.slept.Load()) }

// at is the time t, which was read from Go's clock, on this one.
func (c *clock) at(t time.Time) time.Duration {
	return t.Sub(c.epoch) + time.Duration(c.slept.Load())
}

// exact is now with what addSleep has not noticed yet.
func (c *clock) exact() time.Duration {
	slept := c.asleep() - c.sleptBefore - time.Duration(c.slept.Load())
	return c.now() + max(0, slept)
}

// unix is the time as cookies have it. It follows the wall clock only at the
// server's start: a clock that is set does not spoil cookies.
func (c *clock) unix(now time.Duration) uint32 {
	return uint32((time.Duration(c.epoch.UnixNano()) + now) / time.Second)
}

// asleepTolerance is the longest difference between two clocks that is no
// suspension: they are not read at the same instant.
const asleepTolerance = 100 * time.Millisecond

// addSleep puts the clock forward by the time that the machine was suspended
// since the last call, which Go's clock leaves out, as TTLs would be stretched by
// it. It returns that time, or 0.
func (c *clock) addSleep() time.Duration {
	slept := c.asleep() - c.sleptBefore
	more := slept - time.Duration(c.slept.Load())
	if more <= asleepTolerance {
		return 0
	}
	c.slept.Store(int64(slept))
	return more
}

// elapsed is what an answer's age takes off its TTLs, in seconds, so that no
// reply outlives what upstream had left: the age rounded up, but for 100 ms
// that a reply may take on its way.
func elapsed(age time.Duration) uint32 {
	const grace = 100 * time.Millisecond
	if age <= grace {
		return 0
	}
	return uint32((age - grace + time.Second - 1) / time.Second)
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }
