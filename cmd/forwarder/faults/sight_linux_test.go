package faults

import (
	"net/netip"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// turn is a change of a name, as it was commanded.
type turn struct {
	name    string
	at      time.Time
	until   time.Time // of the next change of the name, or the end
	settled time.Time // when nobody has a reason any more to give another address
	to      netip.Addr
}

// sight is what was seen of a turn at one place.
type sight struct {
	newAt     time.Time // of the first answer with the new address; zero: never
	first     float64   // the seconds until then
	other     int       // answers that were asked for after that and had another
	late      int       // of these, asked for after the turn was settled
	lastOther float64   // seconds from newAt to the last of them
	failed    int       // answers without any address
}

// see finds the turn in the answers of one place.
func (u turn) see(answers lab.Answers) sight {
	got := sight{first: never}
	for _, a := range answers {
		switch {
		case a.Name != u.name || a.Sent.Before(u.at) || !a.Sent.Before(u.until):
		case !a.OK():
			got.failed++
		case a.Address == u.to:
			got.new(u, a)
		default:
			got.old(u, a)
		}
	}
	return got
}

func (g *sight) new(u turn, a lab.Answer) {
	if g.newAt.IsZero() || a.At().Before(g.newAt) {
		g.newAt = a.At()
		g.first = g.newAt.Sub(u.at).Seconds()
	}
}

func (g *sight) old(u turn, a lab.Answer) {
	if g.newAt.IsZero() || !a.Sent.After(g.newAt) {
		return
	}
	g.other++
	g.lastOther = a.At().Sub(g.newAt).Seconds()
	if a.Sent.After(u.settled) {
		g.late++
	}
}

func TestSee(t *testing.T) {
	begun := time.Now()
	u := turn{name: "n.", at: begun, until: begun.Add(time.Minute), settled: begun.Add(5 * time.Second), to: newAddress}
	answer := func(name string, at time.Duration, address netip.Addr) lab.Answer {
		return lab.Answer{Name: name, Sent: begun.Add(at), Took: time.Second, Address: address}
	}
	for _, test := range []struct {
		name    string
		answers lab.Answers
		want    sight
	}{
		{"nothing", nil, sight{first: never}},
		{"never new", lab.Answers{answer("n.", 0, oldAddress)}, sight{first: never}},
		{"another name", lab.Answers{answer("o.", 0, newAddress)}, sight{first: never}},
		{"too early", lab.Answers{answer("n.", -1, newAddress)}, sight{first: never}},
		{"the next turn's", lab.Answers{answer("n.", time.Minute, newAddress)}, sight{first: never}},
		{"failed", lab.Answers{answer("n.", 0, netip.Addr{})}, sight{first: never, failed: 1}},
		{"new", lab.Answers{answer("n.", 0, oldAddress), answer("n.", time.Second, newAddress)}, sight{first: 2}},
		{"asked before the first new answer", lab.Answers{answer("n.", 0, newAddress), answer("n.", 500*time.Millisecond, oldAddress)}, sight{first: 1}},
		{"came back", lab.Answers{answer("n.", 0, newAddress), answer("n.", 3*time.Second, oldAddress)}, sight{first: 1, other: 1, lastOther: 3}},
		{"came back late", lab.Answers{answer("n.", 0, newAddress), answer("n.", 6*time.Second, oldAddress)}, sight{first: 1, other: 1, lastOther: 6, late: 1}},
	} {
		got := u.see(test.answers)
		if got.newAt = (time.Time{}); got != test.want {
			t.Errorf("%s: see() = %+v, want %+v", test.name, got, test.want)
		}
	}
}
