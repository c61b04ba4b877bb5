package forwarder

import (
	"net/netip"
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	var r recent
	if r.has(0, 0, time.Hour) {
		t.Error("has(0) = true with nothing noted")
	}
	tests := []struct {
		hash uint64
		now  time.Duration
		want bool
	}{
		{7, 0, true},
		{7, time.Second - 1, false},
		{7, time.Second, true},
		{7, time.Second + 1, false},
		{7 + 4096, time.Second + 1, true}, // takes the place of 7
		{7, time.Second + 1, true},
		{8, time.Second + 1, true},
		{8, time.Second + 1, false},
	}
	for _, test := range tests {
		if got := r.first(test.hash, test.now, time.Second); got != test.want {
			t.Errorf("first(%d, %v) = %v, want %v", test.hash, test.now, got, test.want)
		}
	}
}

func TestServfails(t *testing.T) {
	const ttl = 10 * time.Second
	var s servfails
	check := func(what string, hash uint64, now time.Duration, want bool) {
		t.Helper()
		if got := s.recent(hash, now, ttl); got != want {
			t.Errorf("%s: recent(%d, %v) = %v, want %v", what, hash, now, got, want)
		}
	}
	s.note(1, 0)
	check("after a failure", 1, ttl-1, true)
	check("after its time", 1, ttl, false)
	check("another", 2, 0, false)
	s.note(2, 0)
	s.answered()
	check("answers do not change single failures", 1, ttl-1, true)
	for range outageRun {
		s.note(3, 0)
	}
	check("in an outage", 3, ttl/2-1, true)
	check("in an outage, later", 3, ttl/2, false)
	s.answered()
	check("after an outage", 3, 0, false)
	check("after an outage", 1, 0, false)
}

// A client is a regular that was answered in three seconds; one that came lately is
// not driven out.
func TestRegulars(t *testing.T) {
	var r regulars
	steps := []struct {
		name   string
		client uint64
		at     time.Duration
		want   bool // after it
	}{
		{name: "once", client: 7, at: 0},
		{name: "again in that second", client: 7, at: time.Second - 1},
		{name: "in another second", client: 7, at: time.Second},
		{name: "in a third", client: 7, at: 9 * time.Second, want: true},
		{name: "another in its place", client: 7 + 4096, at: 10 * time.Second},
		{name: "it is one still", client: 7, at: 10 * time.Second, want: true},
		{name: "another after a while", client: 7 + 4096, at: 90 * time.Second},
		{name: "which has to earn it", client: 7 + 4096, at: 91 * time.Second},
		{name: "and does", client: 7 + 4096, at: 92 * time.Second, want: true},
		{name: "while it is there", client: 7, at: 93 * time.Second},
	}
	for _, step := range steps {
		r.note(step.client, step.at)
		if got := r.has(step.client); got != step.want {
			t.Errorf("%s: has(%d) = %v, want %v", step.name, step.client, got, step.want)
		}
	}
	for i := range 1000 {
		r.note(1, time.Duration(i)*time.Second)
	}
	if !r.has(1) {
		t.Error("a client of many seconds is no regular")
	}
}

// Who is known has a turn of his own; others share some.
func TestTurnOf(t *testing.T) {
	a := unserved(t).newAsker()
	a.begin()
	turn := func(c client) uint64 {
		turn, _ := a.turnOf(&query{client: c})
		return turn
	}
	over := testAsker(true)
	if turn(over) <= sharedTurns {
		t.Error("a client over TCP shares a turn")
	}
	seen := make(map[uint64]bool)
	for i := range 1000 {
		c := client{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 53)}
		n := turn(c)
		if n == 0 || n > sharedTurns {
			t.Fatalf("turn of an unknown client = %d, want 1 to %d", n, sharedTurns)
		}
		seen[n] = true
	}
	if len(seen) < sharedTurns/2 {
		t.Errorf("1000 unknown clients share %d turns, want about %d", len(seen), sharedTurns)
	}
	c := testAsker(false)
	_, from := a.turnOf(&query{client: c})
	for i := range 3 {
		a.regulars.note(from, time.Duration(i)*time.Second)
	}
	if turn(c) <= sharedTurns || turn(c) != turn(over) {
		t.Errorf("turn of a regular = %d, want its own, whatever it comes over", turn(c))
	}
}
