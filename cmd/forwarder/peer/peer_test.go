package peer

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/watch"
)

var testAddr = netip.MustParseAddrPort("10.79.2.10:53")

// message has an rcode, records of the answer section, and "soa" for that of a denial;
// "" is none: nothing is known.
func message(t *testing.T, text string) *dns.Msg {
	t.Helper()
	if text == "" {
		return nil
	}
	m := new(dns.Msg)
	for line := range strings.SplitSeq(text, "; ") {
		switch rcode, isRcode := dns.StringToRcode[line]; {
		case isRcode:
			m.Rcode = rcode
		case line == "soa":
			m.Ns = append(m.Ns, record(t, "corp.test. 60 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 30"))
		case line == "referral":
			m.Ns = append(m.Ns, record(t, ". 60 IN NS a.root-servers.net."))
		case line == "tc":
			m.Truncated = true
		case strings.HasPrefix(line, "ede "):
			var code uint16
			fmt.Sscan(line[4:], &code)
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: code})
		default:
			m.Answer = append(m.Answer, record(t, line))
		}
	}
	return m
}

func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

func TestRead(t *testing.T) {
	for text, want := range map[string]answer{
		"":                               {},
		"app.corp.test. 7 IN A 10.0.0.1": {kind: data, data: []string{"10.0.0.1"}, end: "10.0.0.1", ttl: 7},
		"a. 9 IN CNAME B.; b. 3 IN A 2.2.2.2; b. 3 IN A 1.1.1.1; b. 3 IN A 2.2.2.2": {kind: data, data: []string{"1.1.1.1", "2.2.2.2", "b."}, end: "1.1.1.1\n2.2.2.2", ttl: 3},
		"a. 9 IN CNAME b.":                     {}, // the rest of the chain is not cached
		"a. 9 IN CNAME b.; soa":                {kind: none, ttl: 30},
		"soa":                                  {kind: none, ttl: 30},
		"NXDOMAIN":                             {kind: none},
		"NXDOMAIN; soa":                        {kind: none, ttl: 30},
		"referral":                             {}, // BIND's for what it has not cached
		"NOERROR":                              {},
		"tc; app.corp.test. 7 IN A 1.1.1.1":    {kind: cut, why: "no whole answer, as TCP does not pass"},
		"ede 4; app.corp.test. 7 IN A 1.1.1.1": {kind: data, data: []string{"1.1.1.1"}, end: "1.1.1.1", ttl: 7, overridden: true},
		"ede 4":                                {},
		"REFUSED; ede 20":                      {},
		"REFUSED; ede 18":                      {kind: failed, why: "REFUSED"},
		"REFUSED":                              {kind: failed, why: "REFUSED"},
		"SERVFAIL":                             {kind: failed, why: "SERVFAIL"},
		"app.corp.test. 7 IN TXT x":            {},
	} {
		if got := read(message(t, text), dns.TypeA); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("read(%q) = %+v, want %+v", text, got, want)
		}
	}
}

// Whatever a peer puts into a datagram, what is kept of it is small, and still compared
// to the last octet.
func TestLargeAnswers(t *testing.T) {
	long := strings.Repeat(strings.Repeat("\\000", 63)+".", 3)
	var large []string
	for i := range 70 {
		large = append(large, fmt.Sprintf("a. 0 IN CNAME x%02d.%s", i, long), fmt.Sprintf("a. 0 IN MX %d x.%s", i, long))
	}
	got := read(message(t, strings.Join(large, "; ")), dns.TypeMX)
	if size := len(strings.Join(got.data, "")) + len(got.end); got.kind != data || len(got.data) != maxData+1 || got.data[maxData] != "and 132 more" || size > 3000 {
		t.Errorf("kept %d octets: %.300q", size, got.data)
	}
	other := read(message(t, strings.Join(large, "; ")+"; a. 0 IN MX 70 x."), dns.TypeMX)
	if !got.differs(&other) {
		t.Error("another record makes no difference")
	}
}

// A difference is told once TTLs explain it no longer, and a lost packet ends nothing.
func TestDifference(t *testing.T) {
	const (
		old0, old9 = "app. 0 IN A 1.1.1.1", "app. 9 IN A 1.1.1.1"
		new0, new3 = "app. 0 IN A 2.2.2.2", "app. 3 IN A 2.2.2.2"
		third      = "app. 0 IN A 3.3.3.3"
	)
	type look struct {
		after        int // s
		ours, theirs string
		want         State
	}
	for name, looks := range map[string][]look{
		"both watch":             {{0, old9, old0, Agrees}, {1, new3, old0, Agrees}, {2, new3, old0, Agrees}, {4, new3, old0, Disagrees}, {5, new3, new0, Agrees}},
		"a denial":               {{0, old9, "NXDOMAIN", Agrees}, {3, old9, "NXDOMAIN", Disagrees}, {4, "soa", "NXDOMAIN", Agrees}},
		"its TTL":                {{0, new3, old9, Agrees}, {9, new3, old9, Agrees}, {11, new3, old9, Disagrees}},
		"our TTL":                {{0, old9, new3, Agrees}, {9, old9, new3, Agrees}, {11, old9, new3, Disagrees}},
		"another pair meanwhile": {{0, new3, old0, Agrees}, {2, third, old0, Agrees}, {3, third, old0, Disagrees}},
		"not known":              {{0, new3, "", Agrees}, {9, "", old0, Agrees}, {20, new3, "REFUSED; ede 20", Agrees}},
		"not known in between":   {{0, new3, old0, Agrees}, {2, new3, "", Agrees}, {30, new3, old0, Disagrees}, {31, new3, "", Agrees}, {32, new3, old0, Disagrees}},
		"not whole in between":   {{0, new3, old0, Agrees}, {4, new3, old0, Disagrees}, {5, new3, "tc; " + old0, Disagrees}, {40, new3, "tc; " + old0, Agrees}},
		"others afterwards":      {{0, new3, old0, Agrees}, {2, new3, "", Agrees}, {30, third, new0, Agrees}, {33, third, new0, Disagrees}},
		"agreed in between":      {{0, new3, old0, Agrees}, {1, old9, old0, Agrees}, {30, new3, old0, Agrees}, {33, new3, old0, Disagrees}},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Unix(1e9, 0)
			p := newPeer(testAddr, begun)
			p.follow([]watch.Set{{Name: "app", Type: dns.TypeA}})
			for _, l := range looks {
				k := key{"app", dns.TypeA}
				held := func(string, uint16) *dns.Msg { return message(t, l.ours) }
				m := message(t, l.theirs)
				p.take([]reply{{k, read(m, k.rtype), time.Millisecond}}, nil, held, begun.Add(time.Duration(l.after)*time.Second))
				if p.state != l.want {
					t.Errorf("after %d s with %q here and %q there: %s, want %s", l.after, l.ours, l.theirs, p.state, l.want)
				}
			}
		})
	}
}

// That one alone has an override is seen though the other has the name not cached: here,
// as upstream says what it would give, and there, once upstream was asked.
func TestOverriddenHere(t *testing.T) {
	const ours = "app. 0 IN A 9.9.9.9"
	for name, test := range map[string]struct {
		overridden bool
		upstream   []string
		theirs     string
		want       string // text of the difference
	}{
		"not cached there":      {true, []string{"1.1.1.1"}, "REFUSED; ede 20", "app A is not overridden there (upstream says 1.1.1.1), 9.9.9.9 here"},
		"a BIND":                {true, []string{"1.1.1.1"}, "referral", "app A is not overridden there (upstream says 1.1.1.1), 9.9.9.9 here"},
		"upstream not known":    {true, nil, "REFUSED; ede 20", "app A is not overridden there (upstream says nothing), 9.9.9.9 here"},
		"a part of a chain":     {true, []string{"1.1.1.1"}, "app. 9 IN CNAME b.", "app A is not overridden there (upstream says 1.1.1.1), 9.9.9.9 here"},
		"cached there":          {true, []string{"1.1.1.1"}, "app. 0 IN A 2.2.2.2", "app A is 2.2.2.2 there, 9.9.9.9 here"},
		"overridden there too":  {true, []string{"1.1.1.1"}, "ede 4; app. 0 IN A 9.9.9.9", ""},
		"not whole":             {true, []string{"1.1.1.1"}, "tc", ""},
		"refused":               {true, []string{"1.1.1.1"}, "REFUSED", ""},
		"upstream agrees":       {false, nil, "REFUSED; ede 20", ""},
		"upstream has no other": {true, []string{"9.9.9.9"}, "REFUSED; ede 20", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(testAddr, time.Time{})
			p.follow([]watch.Set{{Name: "app", Type: dns.TypeA, Overridden: test.overridden, Upstream: test.upstream}})
			held := func(string, uint16) *dns.Msg { return message(t, ours) }
			for i := range 4 {
				p.take([]reply{{key{"app", dns.TypeA}, read(message(t, test.theirs), dns.TypeA), 0}}, nil, held, time.Unix(int64(i), 0))
			}
			got := ""
			for _, s := range p.disagreements() {
				got += s.text()
			}
			if got != test.want {
				t.Errorf("it says %q, want %q", got, test.want)
			}
		})
	}
}

// What is overridden there is asked for here, if it is not known; and nothing else.
func TestOverriddenThere(t *testing.T) {
	app := key{"app", dns.TypeA}
	for _, test := range []struct {
		ours, theirs string
		want         int
	}{
		{"", "ede 4; app. 0 IN A 9.9.9.9", 1},
		{"app. 9 IN CNAME b.", "ede 4; app. 0 IN A 9.9.9.9", 1},
		{"app. 9 IN A 1.1.1.1", "ede 4; app. 0 IN A 9.9.9.9", 0},
		{"", "app. 9 IN A 9.9.9.9", 0},
		{"", "REFUSED; ede 20", 0},
	} {
		p := newPeer(testAddr, time.Time{})
		p.follow([]watch.Set{{Name: "app", Type: dns.TypeA}})
		held := func(string, uint16) *dns.Msg { return message(t, test.ours) }
		replies := []reply{{app, read(message(t, test.theirs), dns.TypeA), 0}, {key{"other", dns.TypeA}, answer{overridden: true}, 0}}
		if got := p.take(replies, nil, held, time.Time{}); len(got) != test.want || test.want > 0 && got[0] != app {
			t.Errorf("with %q here and %q there it looks for %v, want %d", test.ours, test.theirs, got, test.want)
		}
	}
}

// What changes by turns is no difference.
func TestVaries(t *testing.T) {
	p := newPeer(testAddr, time.Time{})
	p.follow([]watch.Set{{Name: "app", Type: dns.TypeA, Varies: true}})
	held := func(string, uint16) *dns.Msg { return message(t, "app. 0 IN A 1.1.1.1") }
	for i := range 10 {
		p.take([]reply{{key{"app", dns.TypeA}, read(message(t, "app. 0 IN A 2.2.2.2"), dns.TypeA), 0}}, nil, held, time.Unix(int64(i), 0))
	}
	if p.state != Agrees {
		t.Errorf("the peer %s, want %s", p.state, Agrees)
	}
}

// Two lost rounds are no trouble, three are; and it says of what kind.
func TestDown(t *testing.T) {
	held := func(string, uint16) *dns.Msg { return nil }
	good := []reply{{alive, answer{}, time.Millisecond}}
	bad := []reply{{alive, answer{kind: failed, why: "REFUSED"}, time.Millisecond}}
	p := newPeer(testAddr, time.Unix(0, 0))
	for i, step := range []struct {
		replies []reply
		want    string
	}{
		{nil, "waiting "}, {bad, "waiting "},
		{nil, "down does not answer"},
		{bad, "down answers with REFUSED: it is to let this forwarder ask (allow-query, allow-query-cache)"},
		{good, "agrees "}, {nil, "agrees "}, {nil, "agrees "}, {good, "agrees "}, {nil, "agrees "}, {nil, "agrees "},
		{nil, "down does not answer"},
	} {
		p.take(step.replies, nil, held, time.Unix(int64(i), 0))
		if got := fmt.Sprintf("%s %s", p.state, p.fault.text); got != step.want {
			t.Errorf("in round %d: %q, want %q", i, got, step.want)
		}
	}
	if want := time.Unix(7, 0); !p.since.Equal(want) {
		t.Errorf("it is down since %v, want its last answer, %v", p.since, want)
	}
}

// However many names there are, a round has a hundred questions, all come in turn, and
// what differs comes each time.
func TestTurns(t *testing.T) {
	p := newPeer(testAddr, time.Time{})
	var watched []watch.Set
	for i := range 1000 {
		watched = append(watched, watch.Set{Name: fmt.Sprintf("n%03d", i), Type: dns.TypeA})
	}
	p.follow(watched)
	for i := range 70 {
		p.order[i*10].differing = true
	}
	asked := make(map[key]int)
	for range 20 {
		list := p.next()
		if len(list) != maxAsked {
			t.Fatalf("a round has %d questions, want %d", len(list), maxAsked)
		}
		seen := make(map[key]bool)
		for _, k := range list {
			asked[k]++
			if seen[k] {
				t.Fatalf("%v is asked twice in a round", k)
			}
			seen[k] = true
		}
		p.follow(watched) // anew
	}
	for i, w := range watched {
		n := asked[key{w.Name, w.Type}]
		if n == 0 || i%10 == 0 && i < 500 && n < 20 {
			t.Errorf("%s is asked %d times in 20 rounds", w.Name, n)
		}
	}
}

// It is never asked twice in what is one round of the other.
func TestUntilHalf(t *testing.T) {
	for ms, want := range map[int64]time.Duration{0: 500, 499: 1, 500: 1000, 501: 999, 999: 501} {
		if got := untilHalf(time.UnixMilli(1e12 + ms)); got != want*time.Millisecond {
			t.Errorf("untilHalf(%d ms) = %v, want %d ms", ms, got, want)
		}
	}
}
