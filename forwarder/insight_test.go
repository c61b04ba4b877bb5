package forwarder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/wire"
)

// from is a client's address over UDP.
func from(addr string) client {
	return client{addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 5000), local: testServer}
}

// askMany serves queries of one client, a batch of one each.
func (a *asker) askMany(n int, name string, rtype uint16, c client) {
	msg := queryFor(1, name, rtype)
	for range n {
		a.ask(msg, c)
		a.end()
	}
}

// Names and clients are there in the order of their queries, hits and misses alike,
// whatever the letter case; with DO or without is the same name.
func TestHotNames(t *testing.T) {
	s := unserved(t)
	a := s.newAsker()
	a.glance.replies.Most = 1 << 20 // nothing is left to chance
	a.askMany(50, "www.example.", dns.TypeA, from("10.0.0.1"))
	a.askMany(20, "WWW.Example.", dns.TypeA, from("10.0.0.2"))
	a.q.client = from("10.0.0.2")
	signed := new(dns.Msg).SetQuestion("www.example.", dns.TypeA).SetEdns0(1232, true)
	msg, err := signed.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		a.ask(msg, from("10.0.0.2"))
		a.end()
	}
	a.askMany(5, "version.bind.", dns.TypeTXT, from("10.0.0.3")) // not of class IN: waits
	names := s.HotNames(5)
	if len(names) != 1 || names[0].Name != "www.example." || names[0].Type != "A" || names[0].Share != 1 || names[0].PerSecond < 70 {
		t.Errorf("HotNames() = %+v, want www.example A with 80 queries in a second", names)
	}
	var busy []string
	for _, c := range s.BusyClients(5) {
		busy = append(busy, c.Client.String())
		if c.Count == 0 || time.Since(c.Last).Abs() > time.Minute {
			t.Errorf("BusyClients() has %+v", c)
		}
	}
	if want := []string{"10.0.0.1", "10.0.0.2"}; !slices.Equal(busy, want) {
		t.Errorf("BusyClients() = %v, want %v", busy, want)
	}
	if n := s.DistinctClients(); n != 3 {
		t.Errorf("DistinctClients() = %d, want 3", n)
	}
}

// Who is refused is counted apart, and is neither busy nor makes a name hot. All of it
// outlives a reload.
func TestRefusedClients(t *testing.T) {
	cfg := testConfig()
	only := acl.List{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
	cfg.AllowQuery, cfg.AllowCache, cfg.AllowRecurse = only, only, only
	s := newUnserved(t, cfg, 1, newFakeNet("10.79.1.10/24").network())
	fill(t, s)
	a := s.newAsker()
	a.askMany(30, "www.example.", dns.TypeA, from("192.0.2.1"))
	a.askMany(3, "elsewhere.example.", dns.TypeA, from("2001:db8::1"))
	a.askMany(2, "www.example.", dns.TypeA, from("10.0.0.1"))
	check := func(when string) {
		t.Helper()
		refused := s.RefusedClients(10)
		if len(refused) != 2 || refused[0].Client != netip.MustParseAddr("192.0.2.1") || refused[0].Count != 30 ||
			refused[1].Client != netip.MustParseAddr("2001:db8::1") || refused[1].Count != 3 {
			t.Errorf("%s RefusedClients() = %+v, want 30 and 3 queries", when, refused)
		}
		if names := s.HotNames(10); len(names) != 1 || names[0].Name != "www.example." {
			t.Errorf("%s HotNames() = %+v, want www.example alone", when, names)
		}
		if busy := s.BusyClients(10); len(busy) != 1 || busy[0].Client != netip.MustParseAddr("10.0.0.1") {
			t.Errorf("%s BusyClients() = %+v, want 10.0.0.1 alone", when, busy)
		}
		if n := s.DistinctClients(); n != 1 {
			t.Errorf("%s DistinctClients() = %d, want 1", when, n)
		}
	}
	check("before a reload")
	if err := s.Reload(testConfig()); err != nil {
		t.Fatal(err)
	}
	check("after a reload")
}

// What the process asks itself is no client's.
func TestOwnQuestionsAreNotCounted(t *testing.T) {
	s, _ := serveLoopback(t)
	fill(t, s)
	for range 5 {
		if _, err := s.Exchange(t.Context(), new(dns.Msg).SetQuestion("www.example.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Exchange(t.Context(), new(dns.Msg).SetQuestion("miss.example.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(withTimeout(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n, c := s.HotNames(9), s.BusyClients(9); len(n)+len(c) > 0 || s.DistinctClients() > 0 {
		t.Errorf("HotNames() = %+v, BusyClients() = %+v, DistinctClients() = %d, want none", n, c, s.DistinctClients())
	}
	for source, l := range s.Latencies() {
		if l.Samples > 0 {
			t.Errorf("the latency of %d replies by %v is noted, want none", l.Samples, Source(source))
		}
	}
}

// What the other forwarder of a pair asks is no client's either; what it is asked to
// resolve is.
func TestPeersQuestionsAreNotCounted(t *testing.T) {
	n := newFakeNet("10.79.1.10/24")
	s, err := newServer(testConfig(), Options{Workers: 1, Peers: []netip.Addr{netip.MustParseAddr("10.0.0.9")}}, n.network())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.state.Load().upstream.Close(); s.listeners.CloseAll() })
	fill(t, s)
	a := s.newAsker()
	compares := queryFor(1, "www.example.", dns.TypeA)
	compares[2] &^= byte(wire.RD >> 8)
	a.ask(compares, from("10.0.0.9"))
	a.end()
	if names, n := s.HotNames(1), s.DistinctClients(); len(names) > 0 || n > 0 {
		t.Errorf("HotNames() = %+v, DistinctClients() = %d after a peer's question, want none", names, n)
	}
	a.askMany(1, "www.example.", dns.TypeA, from("10.0.0.9"))
	if names, n := s.HotNames(1), s.DistinctClients(); len(names) != 1 || n != 1 {
		t.Errorf("HotNames() = %+v, DistinctClients() = %d after it was a client, want one", names, n)
	}
}

// A flood of random names and of random clients drives out neither the hot name nor the
// busy client.
func TestHotNamesInFlood(t *testing.T) {
	s := unserved(t)
	a := s.newAsker()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 200_000 {
		c := client{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}), 5000), local: testServer}
		if i%20 == 0 {
			c = from("10.0.0.1")
		}
		msg := queryFor(1, "www.example.", dns.TypeA)
		if i%10 != 0 {
			msg = queryFor(1, fmt.Sprintf("%x.example.", r.Uint64()), dns.TypeMAILB) // answered here, with NOTIMP
		}
		a.ask(msg, c)
		a.end()
	}
	names, busy := s.HotNames(1), s.BusyClients(1)
	if len(names) != 1 || names[0].Name != "www.example." || math.Abs(names[0].Share-0.1) > 0.05 {
		t.Errorf("HotNames() = %+v, want www.example with a tenth", names)
	}
	if len(busy) != 1 || busy[0].Client != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("BusyClients() = %+v, want 10.0.0.1", busy)
	}
	if n := s.DistinctClients(); n < 150_000 || n > 220_000 {
		t.Errorf("DistinctClients() = %d, want about 190000", n)
	}
}

// Hostile names come out in presentation format, escaped, whole.
func TestHotNameIsEscaped(t *testing.T) {
	s := unserved(t)
	a := s.newAsker()
	label := "\x15<script>\x00\n\"';</b>.."
	msg := slices.Concat([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}, []byte(label), []byte{0, byte(dns.TypeMAILB >> 8), byte(dns.TypeMAILB & 0xff), 0, 1})
	msg[wire.HeaderLen] = byte(len(label) - 1)
	if _, what := a.ask(msg, from("10.0.0.1")); what != replied {
		t.Fatalf("serve = %v, want replied", what)
	}
	a.end()
	want := `<script>\000\010\"\'\;</b>\.\..`
	if names := s.HotNames(1); len(names) != 1 || names[0].Name != want || names[0].Type != "MAILB" {
		t.Errorf("HotNames() = %+v, want %s", names, want)
	}
}

// Who answers and who looks do so at once.
func TestInsightRace(t *testing.T) {
	s, _ := serveLoopback(t)
	fill(t, s)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			p := newPinger(t, s.Addrs()[0])
			for j := range p.msgs {
				p.msgs[j] = queryFor(uint16(j), []string{"www.example.", "miss.example."}[(i+j)%2], dns.TypeA)
			}
			for range 50 {
				p.ping(t)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for looking := true; looking; {
		select {
		case <-done:
			looking = false
		default:
		}
		s.HotNames(10)
		s.BusyClients(10)
		s.Latencies()
		s.Stats()
		s.DistinctClients()
	}
	if names := s.HotNames(10); len(names) != 2 {
		t.Errorf("HotNames() = %+v, want both names", names)
	}
}
