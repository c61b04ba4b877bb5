package watch

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// holds returns what the ledger says of data: how many clients, and until when on
// the line of time; none: -1.
func (l *line) holds(data ...string) (clients int, until time.Duration, more bool) {
	l.Helper()
	s, err := l.Status(l.name, true, l.moment())
	if err != nil {
		l.Fatal(err)
	}
	for _, h := range s.Ledger {
		if slices.Equal(h.Data, data) {
			if len(h.Names) != h.Clients {
				l.Errorf("%d clients, listed %v", h.Clients, h.Names)
			}
			return h.Clients, h.Until.Sub(day), h.More
		}
	}
	return -1, -1, false
}

func TestLedger(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1\n t=20 upstream 10.0.0.1")
	l.given("192.0.2.1", 0)
	l.given("192.0.2.2", 5)
	l.given("192.0.2.2", 0) // holds the longer one
	l.play("t=22 upstream 10.0.0.2")
	if n, until, _ := l.holds("10.0.0.1"); n != 1 || until != 26*time.Second {
		t.Errorf("%d clients hold the old address until %v, want 1 until 26s", n, until)
	}
	l.given("192.0.2.1", 0)
	if n, until, _ := l.holds("10.0.0.2"); n != 1 || until != 23*time.Second {
		t.Errorf("%d clients hold the new address until %v, want 1 until 23s", n, until)
	}
	l.pass(26 * time.Second)
	if n, until, _ := l.holds("10.0.0.1"); n != 0 || until != 26*time.Second {
		t.Errorf("%d clients hold the old address until %v, want none", n, until)
	}
}

// An answer may be on its way out as the name changes.
func TestLedgerInHand(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1\n t=60 upstream 10.0.0.2")
	if _, until, _ := l.holds("10.0.0.1"); until != 61*time.Second+inHand {
		t.Errorf("held until %v", until)
	}
}

// Before the watch nobody was noted: the old TTL counts from there.
func TestLedgerBegins(t *testing.T) {
	l := play(t, "t=3 upstream 10.0.0.1 ttl=4\n t=5 upstream 10.0.0.1 ttl=30\n t=6 upstream 10.0.0.2")
	if n, until, _ := l.holds("10.0.0.1"); n != 0 || until != 31*time.Second {
		t.Errorf("%d clients hold it until %v, want 31s", n, until)
	}
}

// An override of a name that nobody watched: who has what was there before is not
// known, until when is.
func TestLedgerOfOverride(t *testing.T) {
	for _, tt := range []struct{ upstream, data string }{{"10.0.0.1", "10.0.0.1"}, {"10.0.0.2", ""}} {
		l := play(t, "t=0 override 10.0.0.2\n t=1 upstream "+tt.upstream+" ttl=30")
		l.given("192.0.2.1", 0)
		if n, until, more := l.holds(strings.Fields(tt.data)...); n != 0 || until != 31*time.Second || !more {
			t.Errorf("upstream has %s: %d clients hold %q until %v (more: %v)", tt.upstream, n, tt.data, until, more)
		}
		if n, until, _ := l.holds("10.0.0.2"); n != 1 || until != 2*time.Second {
			t.Errorf("%d clients hold the override until %v", n, until)
		}
	}
}

// What an override gave, upstream says later: whoever has it from the override has it
// still.
func TestLedgerAfterOverride(t *testing.T) {
	l := play(t, "t=0 override 10.0.0.2")
	l.given("192.0.2.1", 60)
	l.play("t=1 delete\n t=2 upstream 10.0.0.2")
	if n, until, _ := l.holds("10.0.0.2"); n != 1 || until != 61*time.Second {
		t.Errorf("%d clients hold it until %v, want 1 until 61s", n, until)
	}
}

// There and back: both are one holding.
func TestLedgerBack(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1")
	l.given("192.0.2.1", 60)
	l.play("t=1 override 10.0.0.2 set=1")
	l.given("192.0.2.2", 5)
	l.play("t=2 override 10.0.0.1 set=2")
	l.given("192.0.2.3", 0)
	if n, until, _ := l.holds("10.0.0.1"); n != 2 || until != 61*time.Second {
		t.Errorf("%d clients hold it until %v, want 2 until 61s", n, until)
	}
	if n, _, _ := l.holds("10.0.0.2"); n != 1 {
		t.Errorf("%d clients hold what was in between", n)
	}
}

// A thousand clients are known by name, of all only the latest moment.
func TestLedgerBounds(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1")
	name := []byte("\x03www\x04corp\x07example\x00")
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}) }
	for i := range maxHolders + 500 {
		l.Given(name, dns.TypeA, at(i), 10, l.moment().Now)
	}
	l.Given(name, dns.TypeA, at(maxHolders+600), 100, l.moment().Now)
	if n, until, more := l.holds("10.0.0.1"); n != maxHolders || until != 101*time.Second || !more {
		t.Errorf("%d clients until %v, more %v", n, until, more)
	}
	l.pass(20 * time.Second) // those are over
	l.Given(name, dns.TypeA, at(maxHolders+601), 10, l.moment().Now)
	if n, _, _ := l.holds("10.0.0.1"); n != 1 {
		t.Errorf("%d clients, want the one that came last", n)
	}
	for i := range 100 { // of data in turns
		l.play("t=20 override 10.0.1." + duration1(i) + " set=20." + duration1(100+i))
		l.Given(name, dns.TypeA, at(i), 100, l.moment().Now)
	}
	s, _ := l.Status(l.name, false, l.moment())
	if len(s.Ledger) > maxHoldings+1 {
		t.Errorf("%d entries", len(s.Ledger))
	}
}

func duration1(i int) string {
	return strings.TrimPrefix(netip.AddrFrom4([4]byte{0, 0, 0, byte(i)}).String(), "0.0.0.")
}

// The moments outlive the process, which may have answered until it ended.
func TestLedgerRestart(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1")
	l.given("192.0.2.1", 60)
	l.play("t=15 upstream 10.0.0.2\n t=20 restart")
	if _, until, more := l.holds("10.0.0.1"); until != 61*time.Second || !more {
		t.Errorf("the old one is held until %v (more: %v), want 61s", until, more)
	}
	if _, until, _ := l.holds("10.0.0.2"); until != 21*time.Second {
		t.Errorf("the new one is held until %v, want 21s", until)
	}
	l.given("192.0.2.7", 0)
	if n, _, _ := l.holds("10.0.0.2"); n != 1 {
		t.Errorf("%d clients after the restart, want 1", n)
	}
}

// A client is listed only when asked for, and the status is JSON that can be read.
func TestStatusJSON(t *testing.T) {
	l := play(t, `
		t=0 upstream 10.0.0.1
		t=3 override 10.0.0.2 lease=a by=ops
		t=4 verify 10.0.0.2
		t=5 upstream 10.0.0.2`)
	l.given("192.0.2.1", 0)
	s, err := l.Status("WWW.corp.example.", false, l.moment())
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(s)
	if err != nil || strings.Contains(string(b), "192.0.2.1") {
		t.Errorf("Marshal = %s, %v", b, err)
	}
	var back Status
	if err := json.Unmarshal(b, &back); err != nil {
		t.Errorf("Unmarshal(%s) = %v", b, err)
	}
	again, _ := json.Marshal(back)
	if string(again) != string(b) {
		t.Errorf("read and written again:\n%s\n%s", b, again)
	}
	o := back.Overrides[0]
	if o.By != "ops" || o.Lease == nil || !o.Lease.Equal(day.Add(13*time.Second)) || back.Sets[0].Pinned != "override" || back.Sets[0].Upstream[0] != "10.0.0.2" {
		t.Errorf("status %s", b)
	}
	if s, _ := l.Status(l.name, true, l.moment()); len(s.Ledger) == 0 || len(s.Ledger[len(s.Ledger)-1].Names) != 1 {
		t.Errorf("asked for clients: %+v", s.Ledger)
	}
	if _, err := l.Status("no.corp.example", false, l.moment()); err == nil {
		t.Error("Status of a name that nobody watches")
	}
}
