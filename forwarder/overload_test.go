package forwarder

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
)

const (
	vpcPPS    = 1024 // packets a second that a VPC resolver takes of one interface
	budgetPPS = 900  // the default of --upstream-pps
)

// limited is a VPC resolver: what exceeds its limit in any second is lost.
// Names below random. do not exist, all others have an address of TTL 10.
type limited struct {
	packets []time.Time
	lost    int
	asked   map[string][]time.Time
}

func (l *limited) answer(q *asking) []byte {
	now := time.Now()
	l.packets = append(l.packets, now)
	if n := len(l.packets); n > vpcPPS && now.Sub(l.packets[n-1-vpcPPS]) < time.Second {
		l.lost++
		return nil
	}
	return replyTo(q.msg, func(_, m *dns.Msg) {
		name := m.Question[0].Name
		l.asked[name] = append(l.asked[name], now)
		if zone := "random."; strings.HasSuffix(name, zone) {
			m.Rcode = dns.RcodeNameError
			m.Ns = []dns.RR{&dns.SOA{Hdr: header(zone, dns.TypeSOA, 10), Ns: zone, Mbox: zone, Minttl: 60}}
		} else {
			m.Answer = []dns.RR{address(name, 10, "10.0.0.1")}
		}
	})
}

// peak is the most packets in any window of a second.
func (l *limited) peak() (most int) {
	from := 0
	for i, at := range l.packets {
		for at.Sub(l.packets[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// soonest is the shortest time between two questions for one name.
func (l *limited) soonest() time.Duration {
	least := time.Hour
	for _, times := range l.asked {
		for i := range times[1:] {
			least = min(least, times[i+1].Sub(times[i]))
		}
	}
	return least
}

// load is that of many clients, and what became of their queries.
type load struct {
	n       *fakeNet
	id      uint16
	waiting map[uint16]loadQuery
	done    []loadQuery // but for those for random names
}

// loadQuery is one that was asked, and how it ended.
type loadQuery struct {
	name  string
	at    time.Time
	took  time.Duration
	rcode int
}

// ask sends a query for a name of two labels.
func (c *load) ask(first, second string) {
	c.id++
	msg := make([]byte, 12, 64)
	msg[0], msg[1], msg[2], msg[5] = byte(c.id>>8), byte(c.id), 1, 1
	for _, label := range []string{first, second} {
		msg = append(append(msg, byte(len(label))), label...)
	}
	c.n.ask(netip.AddrPortFrom(testClient.Addr(), 1024+c.id%50_000), testServer, false, append(msg, 0, 0, 1, 0, 1))
	c.waiting[c.id] = loadQuery{name: first + "." + second + ".", at: time.Now()}
}

// collect takes the replies.
func (c *load) collect() {
	for _, g := range c.n.got() {
		id := uint16(g.msg[0])<<8 | uint16(g.msg[1])
		q, ok := c.waiting[id]
		if !ok {
			continue // from a flood: its number was taken by a later one
		}
		delete(c.waiting, id)
		q.took, q.rcode = time.Since(q.at), int(g.msg[3]&15)
		if !strings.HasSuffix(q.name, ".random.") {
			c.done = append(c.done, q)
		}
	}
}

// run calls each once a millisecond, and takes the replies as they come.
func (c *load) run(d time.Duration, each func(ms int)) {
	for ms := range int(d / time.Millisecond) {
		each(ms)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		c.collect()
	}
}

// overload runs f with a server that keeps to the default budget, before a
// resolver that is limited.
func overload(t *testing.T, cfg *config.Config, f func(*replay, *load, *limited)) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet("10.79.1.10/24")
		l := &limited{asked: make(map[string][]time.Time)}
		n.auto = l.answer
		r := newReplayWith(t, cfg, n, Options{Workers: 1, UpstreamPPS: budgetPPS})
		f(r, &load{n: n, waiting: make(map[uint16]loadQuery)}, l)
		r.stop()
		if l.lost > 0 {
			t.Errorf("%d packets exceeded the resolver's limit, want none", l.lost)
		}
	})
}

// TestThrottledUpstream: 3000 queries a second over 5000 names of TTL 10, from a
// cold start, with a resolver that takes 1024 packets a second.
func TestThrottledUpstream(t *testing.T) {
	tests := []struct {
		name     string
		prefetch time.Duration
		packets  int           // at most
		apart    time.Duration // questions for one name, at least
	}{
		{name: "no prefetch", packets: 13_200, apart: 9900 * time.Millisecond},
		{name: "prefetch", prefetch: 2 * time.Second, packets: 13_200, apart: 7900 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Cache.PrefetchTrigger = test.prefetch
			overload(t, cfg, func(r *replay, c *load, l *limited) {
				const names, rate, seconds = 5000, 3000, 25
				rnd := rand.New(rand.NewPCG(1, 2))
				began := time.Now()
				c.run(seconds*time.Second, func(int) {
					for range rate / 1000 {
						c.ask(fmt.Sprint("n", rnd.IntN(names)), "example")
					}
				})
				t.Logf("%d packets, %d in the busiest second", len(l.packets), l.peak())
				if n := len(l.packets); n > test.packets {
					t.Errorf("%d packets in %d s, want %d at most", n, seconds, test.packets)
				}
				if d := l.soonest(); d < test.apart {
					t.Errorf("a name was asked for again after %v, want %v", d, test.apart)
				}
				c.run(config.MaxClientWait, func(int) {})
				c.check(t, began)
			})
		})
	}
}

// check checks what became of all queries: those of the first 5 s, the others,
// and those for names whose answer had been there once.
func (c *load) check(t *testing.T, began time.Time) {
	t.Helper()
	known := make(map[string]time.Time)
	var early, earlyGood, late, lateGood int
	var slowest time.Duration
	for _, q := range c.done {
		good, ended := q.rcode == dns.RcodeSuccess, q.at.Add(q.took)
		if since, ok := known[q.name]; ok && q.at.After(since) {
			slowest = max(slowest, q.took)
		}
		if _, ok := known[q.name]; good && !ok {
			known[q.name] = ended
		}
		if q.at.Sub(began) < 5*time.Second {
			early++
			earlyGood += one(good)
		} else {
			late++
			lateGood += one(good)
		}
	}
	t.Logf("%d of %d answered in the first 5 s, %d of %d later, slowest known name %v", earlyGood, early, lateGood, late, slowest)
	if earlyGood*100 < early*97 || lateGood != late || len(c.waiting) > 0 {
		t.Errorf("%d of %d answered in the first 5 s, %d of %d later, %d without reply, want 97 %%, all, none",
			earlyGood, early, lateGood, late, len(c.waiting))
	}
	if slowest > 100*time.Millisecond {
		t.Errorf("a name that was known took %v, want 100ms at most: cold names must not hold it up", slowest)
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// TestFlood: random names that do not exist must not keep clients from 200 names
// of TTL 10 that are in use, nor grow what the server holds.
func TestFlood(t *testing.T) {
	tests := []struct {
		name string
		rate int // random names a second
		d    time.Duration
		warm bool // the names in use are known before
	}{
		{name: "5 k/s", rate: 5_000, d: 12 * time.Second, warm: true},
		{name: "50 k/s", rate: 50_000, d: 2 * time.Second, warm: true},
		{name: "5 k/s at a cold start", rate: 5_000, d: 12 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Cache.MaxSize = 2 << 20
			overload(t, cfg, func(r *replay, c *load, l *limited) {
				if test.warm {
					c.run(10*time.Second, func(ms int) { c.askHot(ms, 10*time.Second) }) // to expire at different times
				}
				flood(t, r, c, test.rate, test.d)
			})
		})
	}
}

// hotNames is how many names are in use.
const hotNames = 200

// askHot asks for all names in use within each period, one after the other.
func (c *load) askHot(ms int, period time.Duration) {
	if every := int(period/time.Millisecond) / hotNames; ms%every == 0 {
		c.ask(fmt.Sprint("hot", ms/every%hotNames), "example")
	}
}

func flood(t *testing.T, r *replay, c *load, rate int, d time.Duration) {
	before := heapOctets()
	rnd := rand.New(rand.NewPCG(3, 4))
	var most Stats
	c.run(d, func(ms int) {
		c.askHot(ms, time.Second)
		for range rate / 1000 {
			c.ask(fmt.Sprintf("%x", rnd.Uint64()), "random")
		}
		if ms%100 == 0 {
			st := r.s.Stats()
			most.Pending = max(most.Pending, st.Pending)
			most.Upstream.Pending = max(most.Upstream.Pending, st.Upstream.Pending)
			most.Cache.Bytes = max(most.Cache.Bytes, st.Cache.Bytes)
		}
	})
	grown := heapOctets() - before
	c.run(config.MaxClientWait, func(int) {})
	asked, good := 0, 0
	for _, q := range c.done {
		if strings.HasPrefix(q.name, "hot") {
			asked++
			good += one(q.rcode == dns.RcodeSuccess)
		}
	}
	t.Logf("%d of %d hot, pending %d, %d, cache %d, heap +%d kB", good, asked, most.Pending, most.Upstream.Pending, most.Cache.Bytes, grown>>10)
	if good*1000 < asked*999 {
		t.Errorf("%d of %d queries for names in use were answered, want 99.9 %%", good, asked)
	}
	limit := r.s.state.Load().cfg.Limits.RecursiveClients + 2*askBatch // those on their way there and back
	if most.Pending > limit || most.Upstream.Pending > limit {
		t.Errorf("%d questions, %d requests were pending, want %d at most", most.Pending, most.Upstream.Pending, limit)
	}
	if size := r.s.state.Load().cfg.Cache.MaxSize; most.Cache.Bytes > size {
		t.Errorf("the cache took %d bytes, want %d at most", most.Cache.Bytes, size)
	}
	if grown > 60<<20 {
		t.Errorf("the heap grew by %d bytes, want 60 MB at most", grown)
	}
	if n := r.s.waiters.n.Load(); n != 0 {
		t.Errorf("%d queries wait for a reply in the end, want 0", n)
	}
}
