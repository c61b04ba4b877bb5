package forwarder

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// holds checks what is held of a question, by its answer's lines.
func (s *theatre) holds(name string, rtype uint16, want ...string) {
	s.t.Helper()
	got := []string{"nothing"}
	if m := s.s.Held(name, rtype); m != nil {
		got = linesOf(m)
		slices.Sort(got)
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		s.t.Errorf("at %v, Held(%s, %s) = %q, want %q", time.Since(s.began), name, dns.Type(rtype), got, want)
	}
}

// What is held is what a client gets without recursion, and asking for it leaves no trace.
func TestHeld(t *testing.T) {
	const alias = "www.corp.test. 60 IN CNAME app.corp.test."
	perform(t, watchedConfig(), Options{Watch: []string{"app.corp.test"}}, func(t *testing.T, s *theatre) {
		s.has("www.corp.test. A", alias, oldA)
		s.holds("app.corp.test", dns.TypeA, "nothing")
		s.wants("app.corp.test. A -rd", "REFUSED", "EDE 20")
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME app.corp.test.", "app.corp.test. 0 IN A 10.0.0.1")
		s.wants("none.corp.test. A", "NXDOMAIN", "corp.test. 60 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 60")
		s.wants("app.corp.test. A -rd", "app.corp.test. 0 IN A 10.0.0.1")
		before := fmt.Sprint(s.s.Stats().Queries)
		s.count("")
		s.holds("app.corp.test", dns.TypeA, oldA)
		s.holds("WWW.corp.test", dns.TypeA, alias, oldA)
		s.holds("none.corp.test", dns.TypeA, "NXDOMAIN", "corp.test. 60 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 60")
		s.at(9 * time.Second)
		s.holds("app.corp.test", dns.TypeA, "app.corp.test. 1 IN A 10.0.0.1")
		s.at(11 * time.Second)
		s.holds("app.corp.test", dns.TypeA, "nothing")
		s.holds("www.corp.test", dns.TypeA, "nothing") // the end of its chain is not
		s.count("probe")                               // which comes by itself
		if n := s.count(""); n > 0 {
			t.Errorf("upstream was asked %d times, want none", n)
		}
		s.override("app.corp.test", "A", "10.0.0.9")
		s.holds("www.corp.test", dns.TypeA, "www.corp.test. 49 IN CNAME app.corp.test.", "app.corp.test. 0 IN A 10.0.0.9")
		s.holds("no..name", dns.TypeA, "nothing")
		if after := fmt.Sprint(s.s.Stats().Queries); after != before {
			t.Errorf("counted is %s, before %s", after, before)
		}
	})
}

// Who looks has upstream asked, once, and what it says is held; nobody is asked for what
// is no name.
func TestLook(t *testing.T) {
	perform(t, watchedConfig(), Options{Watch: []string{"app.corp.test"}}, func(t *testing.T, s *theatre) {
		s.count("")
		for _, name := range []string{"no..name", "", strings.Repeat("x.", 200)} {
			s.s.Look(name, dns.TypeA)
		}
		s.s.Look("App.corp.test", dns.TypeAAAA) // the trial of a probe asks for A by itself
		s.at(500 * time.Millisecond)
		if n := s.count("app.corp.test. AAAA"); n != 1 || s.s.Held("app.corp.test", dns.TypeAAAA) == nil {
			t.Errorf("upstream was asked %d times, and %v is held, want once, and the denial", n, s.s.Held("app.corp.test", dns.TypeAAAA))
		}
	})
}

// What a guard puts in the place of earlier data is given without recursion too, and held.
func TestHeldByGuard(t *testing.T) {
	perform(t, watchedConfig(), Options{Watch: []string{"app.corp.test"}}, func(t *testing.T, s *theatre) {
		s.asks("app.corp.test.", "A")
		s.at(11 * time.Second)
		s.has("app.corp.test. A", newA)
		s.asks("app.corp.test.", "A")
		s.at(25 * time.Second) // past its TTL
		s.holds("app.corp.test", dns.TypeA, "app.corp.test. 0 IN A 10.0.0.2")
		s.wants("app.corp.test. A -rd", "app.corp.test. 0 IN A 10.0.0.2", "EDE 0")
	})
}

// A peer that compares holds nothing for anybody: its questions are in no ledger. Who else
// wants no recursion is.
func TestPeerInNoLedger(t *testing.T) {
	peer := netip.MustParseAddr("10.1.2.3") // which s.asks asks from
	for _, test := range []struct {
		peers []netip.Addr
		words string
		want  int
	}{
		{[]netip.Addr{peer}, "-rd", 0},
		{[]netip.Addr{peer}, "cd", 1},
		{nil, "-rd", 1},
	} {
		perform(t, watchedConfig(), Options{Watch: []string{"app.corp.test"}, Peers: test.peers}, func(t *testing.T, s *theatre) {
			if _, err := s.s.Exchange(t.Context(), new(dns.Msg).SetQuestion("app.corp.test.", dns.TypeA)); err != nil {
				t.Fatal(err)
			}
			s.wants("app.corp.test. A "+test.words, "app.corp.test. 0 IN A 10.0.0.1")
			st, err := s.s.WatchStatus("app.corp.test", false)
			if err != nil || len(st.Ledger) != 1 || st.Ledger[0].Clients != test.want {
				t.Errorf("with peers %v, %s: the ledger has %+v, want %d clients (%v)", test.peers, test.words, st.Ledger, test.want, err)
			}
		})
	}
}
