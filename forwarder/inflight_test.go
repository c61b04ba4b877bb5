package forwarder

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// staleConfig lets clients wait 1.8 s for upstream before they get a stale answer.
func staleConfig() *config.Config {
	cfg := testConfig()
	c := &cfg.Cache
	c.StaleEnable, c.StaleAnswer, c.StaleClientTimeout = true, true, 1800*time.Millisecond
	return cfg
}

// inflightTest is a table of questions without a server that asks them.
type inflightTest struct {
	*Server
	t    *testing.T
	last uint16 // ID
}

func newInflightTest(t *testing.T, cfg *config.Config) *inflightTest {
	t.Helper()
	return &inflightTest{Server: newUnserved(t, cfg, 1, newFakeNet("10.79.1.10/24").network()), t: t}
}

// join joins a new query for a name to the table, at a time.
func (it *inflightTest) join(name string, now time.Duration) (*waiter, joining) {
	it.t.Helper()
	it.last++
	w := it.newAsker().waits(it.t, queryFor(it.last, name, dns.TypeA))
	return w, it.inflight.join(w, it.key(name), it.state.Load(), now)
}

func (it *inflightTest) key(name string) []byte {
	return append([]byte(wire.PackName(name)), 0, 1, 0, 1, 0)
}

// keep puts an answer to a question for a name into the cache, for so many seconds,
// and as many more as a stale one.
func (it *inflightTest) keep(name string, ttl, stale uint32) {
	key := it.key(name)
	it.cache.Put(it.cache.Hash(key), key, append(origin{zone: 1}.append(nil), servfail...), cache.Times{Stored: it.clock.now(), TTL: ttl, Stale: stale})
}

// want checks a decision.
func (it *inflightTest) want(when string, got joining, want decision) {
	it.t.Helper()
	if got.decision != want || (got.fetch != nil) != (want == started) || (got.entry != "") != (want == fresh) || (got.instead.plain != "") != (want == stale) {
		it.t.Errorf("%s: join = decision %d, fetch %v, entry of %d octets, want decision %d",
			when, got.decision, got.fetch != nil, len(got.entry), want)
	}
}

// idsOf lists the IDs of waiters in their order.
func idsOf(w *waiter) (ids []uint16) {
	for ; w != nil; w = w.next {
		ids = append(ids, w.q.ID)
	}
	return ids
}

func TestJoin(t *testing.T) {
	it := newInflightTest(t, testConfig())
	_, first := it.join("a.example.", 0)
	it.want("the first", first, started)
	_, j := it.join("A.example.", 0)
	it.want("the same question", j, joined)
	_, j = it.join("b.example.", 0)
	it.want("another question", j, started)
	_, j = it.join("a.example.", 0)
	it.want("the same again", j, joined)

	kept := 0
	w := it.inflight.finish(first.fetch, func() { kept++; it.keep("a.example.", 60, 0) })
	if got := idsOf(w); kept != 1 || !slices.Equal(got, []uint16{1, 2, 4}) {
		t.Errorf("finish kept %d times for queries %v, want once, [1 2 4]", kept, got)
	}
	if n := it.inflight.len(); n != 1 {
		t.Errorf("%d questions are asked after the end of one of two, want 1", n)
	}
	late := it.newAsker().waits(t, queryFor(9, "c.example.", dns.TypeA))
	late.hash = it.cache.Hash(it.key("a.example.")) // it missed the cache before the answer came
	it.want("behind the answer", it.inflight.join(late, it.key("a.example."), late.st, 0), fresh)
	late.refresh = true
	it.want("a refresh of what is fresh", it.inflight.join(late, it.key("a.example."), late.st, 0), started)
}

func TestJoinFull(t *testing.T) {
	tests := []struct {
		name   string
		limits config.Limits
		drop   bool
	}{
		{name: "fetches-per-zone fails", limits: config.Limits{FetchesPerZone: config.Quota{Max: 2}}},
		{name: "fetches-per-zone drops", limits: config.Limits{FetchesPerZone: config.Quota{Max: 2, Drop: true}}, drop: true},
		{name: "fetches-per-server", limits: config.Limits{FetchesPerServer: config.Quota{Max: 2, Drop: true}}, drop: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Limits.FetchesPerZone, cfg.Limits.FetchesPerServer = test.limits.FetchesPerZone, test.limits.FetchesPerServer
			it := newInflightTest(t, cfg)
			_, a := it.join("a.example.", 0)
			_, b := it.join("b.example.", 0)
			it.want("the first", a, started)
			it.want("the second", b, started)
			_, c := it.join("c.example.", 0)
			if it.want("the third", c, full); c.drop != test.drop {
				t.Errorf("drop = %v, want %v", c.drop, test.drop)
			}
			_, c = it.join("a.example.", 0)
			it.want("one that joins", c, joined)
			it.inflight.finish(b.fetch, func() {})
			_, c = it.join("c.example.", 0)
			it.want("after the end of one", c, started)
		})
	}
}

// Who comes after others have a stale answer gets it too, while it is there.
func TestJoinStale(t *testing.T) {
	const timeout = 1800 * time.Millisecond
	it := newInflightTest(t, staleConfig())
	it.keep("a.example.", 0, 3600)
	began := it.clock.now()
	it.join("a.example.", began)
	it.join("a.example.", began+time.Second)
	st := it.state.Load()
	if at, ok := it.inflight.nextTimeout(st); !ok || at != began+timeout {
		t.Errorf("nextTimeout = %v, %v, want %v after %v", at, ok, timeout, began)
	}
	if w, _ := it.inflight.clientTimeouts(st, began+timeout-1); w != nil {
		t.Errorf("queries %v get a stale answer before the timeout", idsOf(w))
	}
	w, a := it.inflight.clientTimeouts(st, began+timeout)
	if got := idsOf(w); a.plain == "" || !slices.Equal(got, []uint16{1, 2}) {
		t.Errorf("queries %v get a stale answer of %d octets, want [1 2] and one", got, len(a.plain))
	}
	if w, _ := it.inflight.clientTimeouts(st, began+timeout); w != nil {
		t.Errorf("queries %v get a stale answer again", idsOf(w))
	}
	_, j := it.join("a.example.", began+timeout)
	it.want("after the timeout", j, stale)

	it.cache.Purge()
	_, j = it.join("a.example.", began+timeout)
	it.want("without stale answer", j, joined)
	it.keep("a.example.", 0, 3600)
	_, j = it.join("a.example.", began+timeout)
	it.want("when there is one again", j, stale)
	if got := idsOf(j.waiters); !slices.Equal(got, []uint16{4, 5}) {
		t.Errorf("queries %v get it, want [4 5]: who waited too", got)
	}
}

// A flush lets a fetch answer those who wait, but nobody else.
func TestForget(t *testing.T) {
	it := newInflightTest(t, testConfig())
	_, first := it.join("a.example.", 0)
	it.inflight.forget()
	_, second := it.join("a.example.", 0)
	it.want("after the flush", second, started)
	w := it.inflight.finish(first.fetch, func() { t.Error("an answer from before the flush is kept") })
	if got := idsOf(w); !slices.Equal(got, []uint16{1}) {
		t.Errorf("it answers queries %v, want [1]", got)
	}
	_, j := it.join("a.example.", 0)
	it.want("after the end of the first", j, joined)
	kept := false
	w = it.inflight.finish(second.fetch, func() { kept = true })
	if got := idsOf(w); !kept || !slices.Equal(got, []uint16{2, 3}) {
		t.Errorf("the second is kept: %v, and answers queries %v, want true, [2 3]", kept, got)
	}
}

// A fetch that has ended is not kept until its clients'
// time would have come.
func TestEndedIsNotAged(t *testing.T) {
	s := newUnserved(t, staleConfig(), 1, newFakeNet("10.79.1.10/24").network())
	mem := newMemConn(testServer)
	_, first := s.fetchOf(t, queryFor(1, "waits.example.", dns.TypeA), mem)
	for range 10 {
		query := queryFor(2, "ends.example.", dns.TypeA)
		r, f := s.fetchOf(t, query, mem)
		r.give(f, answerTo(query, 60, "10.0.0.1"))
		r.Flush()
		s.Flush()
	}
	if a := s.inflight.ages; a.oldest != first || a.youngest != first || a.due != first {
		t.Errorf("of %d fetches one that has ended is among those by age, want the one that is under way alone", s.inflight.len())
	}
}

// When very many wait, who joins a question takes the oldest one's place, which
// gets the stale answer if there is one; who asks another is not concerned. All
// are answered.
func TestWaitersBounded(t *testing.T) {
	for rcode, cfg := range map[int]*config.Config{wire.ServFail: testConfig(), wire.NoError: staleConfig()} {
		virtual(t, cfg, func(t *testing.T, r *replay) { r.testWaitersBounded(t, rcode) })
	}
}

func (r *replay) testWaitersBounded(t *testing.T, rcode int) {
	ask := func(port uint16, name string) {
		r.net.ask(netip.AddrPortFrom(testClient.Addr(), port), testServer, false, queryFor(port, name, dns.TypeA))
		synctest.Wait()
	}
	answer := func(n int) []reply {
		for range n {
			r.net.answer(t, 1, "10.0.0.1")
		}
		synctest.Wait()
		return r.net.got()
	}
	ask(1000, "hold.example.")
	answer(1)
	time.Sleep(2 * time.Second)
	ask(1001, "hold.example.")
	r.s.waiters.n.Add(maxWaiting)
	ask(1002, "hold.example.")
	ask(1003, "hold2.example.")
	r.s.waiters.n.Add(-maxWaiting)
	if got := r.net.got(); len(got) != 1 || got[0].peer.Port() != 1001 || wire.Rcode(got[0].msg) != rcode {
		t.Errorf("got %v, want rcode %d for the first client alone", got, rcode)
	}
	if got := answer(2); len(got) != 2 || wire.Rcode(got[0].msg)|wire.Rcode(got[1].msg) != wire.NoError {
		t.Errorf("got %v, want answers for the two others", got)
	}
}

// As many questions are asked at once as recursive-clients allows: each fetch fills one of
// the allocator's sizes.
func TestFetchSize(t *testing.T) {
	if size := reflect.TypeFor[fetch]().Size(); size > 512 {
		t.Errorf("a fetch has %d octets, want 512 at most: the next size is 576", size)
	}
}
