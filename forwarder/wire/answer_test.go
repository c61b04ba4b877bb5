package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// responses are what upstream says, by what is special about each.
func responses(t testing.TB) map[string][]byte {
	soa := "example. 300 IN SOA ns.example. root.example. 1 2 3 4 60"
	return map[string][]byte{
		"one address":    packed(t, "WWW.Example.", dns.TypeA, "WWW.Example. 60 IN A 192.0.2.1"),
		"four addresses": packed(t, "www.example.", dns.TypeA, "www.example. 60 IN A 192.0.2.1", "www.example. 59 IN A 192.0.2.2", "www.example. 61 IN A 192.0.2.3", "www.example. 60 IN A 192.0.2.4"),
		"chain": packed(t, "www.example.", dns.TypeA, "www.example. 5 IN CNAME a.cdn.test.", "a.cdn.test. 10 IN CNAME b.cdn.test.",
			"b.cdn.test. 20 IN A 192.0.2.1", "b.cdn.test. 20 IN A 192.0.2.2"),
		"no data":  packed(t, "www.example.", dns.TypeAAAA, "--", soa),
		"nothing":  packed(t, "www.example.", dns.TypeAAAA),
		"the root": packed(t, ".", dns.TypeSOA, ". 3600 IN SOA a.root. b.root. 1 2 3 4 5"),
		"glue":     packed(t, "example.", dns.TypeMX, "example. 60 IN MX 1 mail.example.", "--", "example. 60 IN NS ns.example.", "--", "mail.example. 7 IN A 192.0.2.1", "ns.example. 8 IN A 192.0.2.2"),
		"three sets": packed(t, "example.", dns.TypeANY, "example. 60 IN A 192.0.2.1", "example. 50 IN A 192.0.2.2", "example. 40 IN TXT a", "example. 30 IN TXT b",
			"--", "example. 40 IN A 192.0.2.3", "--", "example. 1 IN A 192.0.2.4", "example. 2 IN A 192.0.2.5"),
		"set that comes twice": packed(t, "example.", dns.TypeANY, "example. 60 IN A 192.0.2.1", "example. 10 IN TXT a", "example. 50 IN A 192.0.2.2"),
		"set in two cases":     packed(t, "example.", dns.TypeA, "example. 60 IN A 192.0.2.1", "EXAMPLE. 50 IN A 192.0.2.2"),
		"signatures": packed(t, "example.", dns.TypeA, "example. 60 IN A 192.0.2.1", "example. 60 IN A 192.0.2.2",
			"example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. c2lnbmF0dXJl"),
		"all types": packed(t, "www.example.", dns.TypeANY, zoneRecords...),
		"with OPT":  sampleResponse(3),
		"greatest TTLs": response(asked, record(pointer(HeaderLen), TypeA, 1<<32-1, 1, 2, 3, 4), record(pointer(HeaderLen), TypeA, 1<<31, 1, 2, 3, 5),
			record(pointer(HeaderLen), TypeA, 1<<31-1, 1, 2, 3, 6)),
		"NXDOMAIN": message(QR|RA|NXDomain, [4]uint16{1, 0, 1}, asked, record(pointer(14), TypeSOA, 9, make([]byte, 22)...)),
	}
}

// Every reply that is made from a kept answer has its records.
func TestReplies(t *testing.T) {
	for name, msg := range responses(t) {
		for _, p := range []TTLPolicy{longest, {Max: 45}, {Min: 45, Max: 55}, {}} {
			t.Run(fmt.Sprint(name, p), func(t *testing.T) {
				if !checkReplies(t, msg, p) {
					t.Error("not keepable, want it to be")
				}
			})
		}
	}
}

func TestKeepable(t *testing.T) {
	q := questionOf("www.example", TypeA)
	first := HeaderLen + len(q)
	a := func(owner []byte) []byte { return record(owner, TypeA, 60, 192, 0, 2, 1) }
	q12 := pointer(HeaderLen)
	ns := nameOf("ns.test")
	tests := []struct {
		name string
		msg  []byte
		want bool
	}{
		{"set", response(q, a(q12), a(q12)), true},
		{"pointer into a record that stands alone", response(q, a(ns), record(pointer(first), TypeNS, 60, 0)), true},
		{"pointer into a set", response(q, record(q12, TypeNS, 60, ns...), record(q12, TypeNS, 60, ns...), a(pointer(first+12))), true},
		{"pointer into a set's second record", response(q, record(q12, TypeNS, 60, ns...), record(q12, TypeNS, 60, ns...), a(pointer(first+12+len(ns)+12))), true},
		{"pointer from a set into itself", response(q, record(q12, TypeNS, 60, ns...), record(q12, TypeNS, 60, pointer(first+12)...)), true},
		{"pointer to a pointer in a set", response(q, a(q12), a(q12), record(pointer(first), TypeNS, 60, 0)), true},
		{"pointer through a name into a set", response(q, a(ns), a(ns), record(append([]byte{1, 'x'}, pointer(first)...), TypeNS, 60, 0)), true},
		{"pointer to a suffix", response(q, a(pointer(HeaderLen+4))), true},
		{"pointer to a pointer", response(q, record(q12, TypeNS, 60, ns...), record(pointer(first), TypeA, 60, 1, 2, 3, 4)), true},
		{"pointer into a label", response(questionOf("\x01a.example", TypeA), a(pointer(HeaderLen+1))), false},
		{"pointer to the question's type", response(q, a(pointer(first-4))), false},
		{"pointer to a TTL", response(q, record(q12, TypeTSIG-1, 1<<24|'a'<<16), a(pointer(first+6))), false},
		{"pointer into opaque data", response(q, record(q12, 16, 60, ns...), a(pointer(first+12))), false},
		{"OPT last", message(QR, [4]uint16{1, 1, 0, 1}, q, a(q12), opt(0)), true},
		{"OPT before another", message(QR, [4]uint16{1, 1, 0, 2}, q, a(q12), opt(0), a(q12)), false},
		{"OPT alone", message(QR, oneExtra, q, opt(0)), true},
		{"pointer to a name beyond reach", far(q, a), true},
	}
	for _, tt := range tests {
		var m Message
		if !m.Parse(tt.msg) {
			t.Errorf("%s: Parse(%x) = false", tt.name, tt.msg)
		} else if got := m.Keepable(); got != tt.want {
			t.Errorf("%s: Keepable = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// far is a response with a set beyond the reach of pointers, on the same
// offsets but for a multiple of that reach as one that is pointed at.
func far(q []byte, a func([]byte) []byte) []byte {
	first := HeaderLen + len(q)
	alone := a(nameOf("ns.test"))
	filler := record(root, 16, 60, make([]byte, reach-len(alone)-11)...)
	return response(q, alone, filler, a(pointer(first)), a(pointer(first)))
}

func TestReplyBeyondReach(t *testing.T) {
	msg := far(questionOf("www.example", TypeA), func(o []byte) []byte { return record(o, TypeA, 60, 1, 2, 3, 4) })
	for range 3 {
		msg = append(msg, record(nameOf("far.test"), TypeNS, 9, nameOf("ns.far.test")...)...)
		msg[7]++
	}
	var m Message
	if !m.Parse(msg) || !m.Keepable() {
		t.Fatal("not keepable, want it to be")
	}
	m.RRs[1].TTL = 60
	sameRecords(t, &m)
	a, _ := m.AppendAnswer(nil, longest)
	reply := AppendReply(nil, &Query{Question: m.Question}, QR, Answer(a), Aging{Sub: 1}, &Order{Mode: OrderRandom})
	for i, off := 0, HeaderLen+len(m.Question); i < len(m.RRs); i++ {
		rr, end, err := dns.UnpackRR(reply, off)
		if i != 1 && (err != nil || rr.Header().Ttl != m.RRs[i].TTL-1) {
			t.Errorf("record %d = %v, %v, want TTL %d", i, rr, err, m.RRs[i].TTL-1)
		}
		if off = end; i == 1 {
			off = m.RRs[2].Start
		}
	}
}

// A message may have more sets than a table of groups holds: those beyond it
// keep their order. A set may have more records than are shuffled.
func TestManySets(t *testing.T) {
	var many, large [][]byte
	for i := range 300 {
		owner := append([]byte{2, byte('0' + i/100), byte('0' + i%100)}, pointer(HeaderLen)...)
		many = append(many, record(owner, TypeA, 60, 10, 0, 0, 1), record(owner, TypeA, 60, 10, 0, 0, 2))
		large = append(large, record(pointer(HeaderLen), TypeA, 60, 10, 1, byte(i>>8), byte(i)))
	}
	a, _ := keep(t, response(asked, many...), longest)
	if a.groups() != maxGroups || a.records() != 600 {
		t.Errorf("groups, records = %d, %d, want %d, 600", a.groups(), a.records(), maxGroups)
	}
	checkReplies(t, response(asked, many...), longest)
	checkReplies(t, response(asked, large...), longest)

	a, _ = keep(t, response(asked, large...), longest)
	order := Order{Mode: OrderRandom}
	firsts := make(map[string]bool)
	for range 50 {
		m := unpack(t, AppendReply(nil, &Query{Question: asked}, QR, a, Aging{}, &order))
		firsts[m.Answer[0].String()] = true
	}
	if len(firsts) < 25 {
		t.Errorf("%d different records came first in 50 replies, want most of 50", len(firsts))
	}
}

// An answer of 65535 octets keeps all its offsets.
func TestLargestAnswer(t *testing.T) {
	var answers [][]byte
	n := HeaderLen + len(asked)
	for i := 0; n+16 <= maxMessage; i++ {
		answers = append(answers, record(pointer(HeaderLen), TypeA, uint32(i), 10, 1, byte(i>>8), byte(i)))
		n += 16
	}
	msg := response(asked, answers...)
	a, ttl := keep(t, msg, longest)
	if a.records() != len(answers) || ttl != 0 {
		t.Fatalf("records, ttl = %d, %d, want %d, 0", a.records(), ttl, len(answers))
	}
	got := unpack(t, AppendReply(nil, &Query{Question: asked}, QR, a, Aging{}, &Order{Mode: OrderCyclic}))
	want := unpack(t, msg)
	leveled(want.Answer, longest)
	if d := diff(got.Answer, want.Answer, false, true); d != "" {
		t.Error(d)
	}
}

// arrangements counts the orders in which replies give three records.
func arrangements(t *testing.T, order *Order, n int) map[string]int {
	a, _ := keep(t, sampleResponse(3), longest)
	seen := make(map[string]int)
	q := &Query{Question: questionOf(sample, TypeA)}
	for range n {
		reply := AppendReply(nil, q, QR, a, Aging{}, order)
		var last []byte
		for i := range 3 {
			last = append(last, '0'+reply[len(reply)-1-16*(2-i)])
		}
		seen[string(last)]++
	}
	return seen
}

func TestOrderRandom(t *testing.T) {
	seen := arrangements(t, &Order{Mode: OrderRandom, State: 1}, 6000)
	for _, order := range []string{"012", "021", "102", "120", "201", "210"} {
		if n := seen[order]; n < 850 || n > 1150 {
			t.Errorf("order %s came %d times of 6000, want about 1000", order, n)
		}
	}
}

func TestOrderCyclic(t *testing.T) {
	order := &Order{Mode: OrderCyclic}
	want := []string{"120", "201", "012", "120"}
	for i, w := range want {
		if seen := arrangements(t, order, 1); seen[w] != 1 {
			t.Errorf("reply %d has order %v, want %s", i, seen, w)
		}
	}
}

func TestOrderNone(t *testing.T) {
	if seen := arrangements(t, &Order{}, 10); seen["012"] != 10 {
		t.Errorf("orders = %v, want 012 only", seen)
	}
}

// Each number is drawn about as often as any other, for all sizes of sets.
func TestOrderBelow(t *testing.T) {
	for n := 1; n <= maxShuffle; n++ {
		o := Order{Mode: OrderRandom, State: uint64(n)}
		seen := make([]int, n)
		for range 1000 * n {
			seen[o.below(n)]++
		}
		if lo, hi := slices.Min(seen), slices.Max(seen); lo < 850 || hi > 1150 {
			t.Errorf("below(%d) gives numbers %d to %d times in %d, want about 1000", n, lo, hi, 1000*n)
		}
	}
}

func TestAging(t *testing.T) {
	tests := []struct {
		g         Aging
		ttl, want uint32
	}{
		{Aging{}, 60, 60},
		{Aging{Sub: 59}, 60, 1},
		{Aging{Sub: 60}, 60, 0},
		{Aging{Sub: 61}, 60, 0},
		{Aging{Sub: 1<<32 - 1}, 1<<32 - 1, 0},
		{Aging{Sub: 1}, 1<<32 - 1, 1<<32 - 2},
		{Aging{Bound: Exactly, Fixed: 30, Sub: 5}, 60, 30},
		{Aging{Bound: Exactly, Fixed: 30}, 1, 30},
		{Aging{Bound: Exactly, Fixed: 30}.AtMost(5), 1, 5},
		{Aging{Bound: Exactly, Fixed: 30}.AtMost(50), 60, 30},
		{Aging{Sub: 5}.AtMost(30), 60, 30},
		{Aging{Sub: 5}.AtMost(30), 20, 15},
		{Aging{Sub: 5}.AtMost(30).AtMost(2), 20, 2},
		{Aging{Sub: 5}.AtMost(0), 20, 0},
		{Aging{Fixed: 30}, 60, 60},
	}
	for _, tt := range tests {
		if got := tt.g.Of(tt.ttl); got != tt.want {
			t.Errorf("%+v.of(%d) = %d, want %d", tt.g, tt.ttl, got, tt.want)
		}
	}
}

// A TTL with the top bit set is 0 (RFC 2181, 8); an OPT's is no TTL.
func TestTopBitTTL(t *testing.T) {
	for _, tt := range []struct{ ttl, want uint32 }{{1<<31 - 1, 1<<31 - 1}, {1 << 31, 0}, {1<<31 + 5, 0}, {1<<32 - 1, 0}} {
		var m Message
		msg := response(asked, record(pointer(HeaderLen), TypeA, tt.ttl, 1, 2, 3, 4))
		AddOPT(msg, 0)
		if !m.Parse(AppendOPT(msg, 1232, 0xff0, true)) {
			t.Fatal("Parse = false")
		}
		if _, ttl := m.AppendAnswer(nil, longest); ttl != tt.want {
			t.Errorf("TTL %#x is kept as %#x, want %#x", tt.ttl, ttl, tt.want)
		}
		if !m.EDNS.DO || m.Rcode() != 0xff0 {
			t.Errorf("OPT = %+v, want DO and rcode 0xff0", m.EDNS)
		}
	}
}

// What a caller writes into RRs is kept, as of a negative answer's SOA.
func TestAppendAnswerChangedTTL(t *testing.T) {
	var m Message
	msg := packed(t, "www.example.", dns.TypeA, "--", "example. 300 IN SOA ns.example. root.example. 1 2 3 4 60")
	if !m.Parse(msg) {
		t.Fatal("Parse = false")
	}
	m.RRs[0].TTL = 60
	a, ttl := m.AppendAnswer(nil, longest)
	got := unpack(t, AppendReply(nil, &Query{Question: m.Question}, QR, Answer(a), Aging{}, &Order{})).Ns[0].Header().Ttl
	if ttl != 60 || got != 60 {
		t.Errorf("TTLs = %d, %d, want 60", ttl, got)
	}
}

// A reply may carry its OPT behind the records of any answer, whole or cut.
func TestReplyWithOPT(t *testing.T) {
	for name, msg := range responses(t) {
		a, _ := keep(t, msg, longest)
		var m Message
		m.Parse(msg)
		q := &Query{Question: m.Question}
		for _, cut := range []bool{false, true} {
			dst := AppendReply([]byte("batch"), q, QR, a, Aging{}, &Order{Mode: OrderRandom})
			if cut {
				dst = Cut(dst, len("batch"), q, a, Aging{}, 512, true)
			}
			AddOPT(dst, len("batch"))
			got := unpack(t, AppendOPT(dst, 1232, 0, true)[len("batch"):])
			if o := got.IsEdns0(); o == nil || o.UDPSize() != 1232 || len(got.Extra) != 1+min(a.Count(2), len(got.Extra)-1) {
				t.Errorf("%s: reply = %v, want OPT at its end", name, got)
			}
		}
	}
}

func TestOwnersStops(t *testing.T) {
	a, _ := keep(t, responses(t)["chain"], longest)
	for want := 1; want <= 6; want++ {
		got := 0
		a.Owners(string(questionOf("www.example", TypeA)), func([]byte) bool { got++; return got < want })
		if got != want {
			t.Errorf("Owners called f %d times, want %d", got, want)
		}
	}
}

// An answer that is open or marked is otherwise as any.
func TestOpenAndMarked(t *testing.T) {
	for name, msg := range responses(t) {
		a, _ := keep(t, msg, longest)
		for i := range 4 {
			changed := []byte(a)
			if i&1 != 0 {
				SetOpen(changed)
			}
			if i&2 != 0 {
				SetMarked(changed)
			}
			got := Answer(changed)
			if got.Open() != (i&1 != 0) || got.Marked() != (i&2 != 0) || got.Plain() != (i == 0) {
				t.Errorf("%s: case %d: Open %v, Marked %v, Plain %v", name, i, got.Open(), got.Marked(), got.Plain())
			}
			q := &Query{Question: questionOf("www.example", TypeA)}
			random := func() *Order { return &Order{Mode: OrderRandom, State: 5} }
			if got, want := AppendReply(nil, q, QR, got, Aging{}, random()), AppendReply(nil, q, QR, a, Aging{}, random()); !bytes.Equal(got, want) {
				t.Errorf("%s: case %d: reply %x, want %x", name, i, got, want)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		records []string
		want    string
		ttl     uint32
	}{
		{[]string{"www.example. 20 IN A 192.0.2.1", "www.example. 10 IN A 192.0.2.2"}, "[192.0.2.1 192.0.2.2]", 10}, // a set has one TTL
		{[]string{"www.example. 20 IN CNAME web.example.", "web.example. 10 IN AAAA 2001:db8::1"}, "[2001:db8::1]", 20},
		{[]string{"www.example. 20 IN TXT a", "--", "--", "www.example. 30 IN A 192.0.2.1"}, "[]", 20},
		{nil, "[]", 0},
	}
	for _, tt := range tests {
		a, _ := keep(t, packed(t, "www.example.", dns.TypeANY, tt.records...), longest)
		if got := a.Addresses([]netip.Addr{}); fmt.Sprint(got) != tt.want || a.LongestTTL() != tt.ttl {
			t.Errorf("%v: Addresses = %v, LongestTTL = %d, want %v, %d", tt.records, got, a.LongestTTL(), tt.want, tt.ttl)
		}
	}
}

func TestSets(t *testing.T) {
	msg := responses(t)["three sets"]
	if got, want := setsOf(t, msg), [][2]int{{0, 2}, {2, 2}, {5, 2}}; !slices.Equal(got, want) {
		t.Errorf("sets = %v, want %v: none reaches over a section's end", got, want)
	}
	const (
		a    = "example. 60 IN RRSIG A 8 1 60 20300101000000 20200101000000 1 example. c2ln"
		mx   = "example. 60 IN RRSIG MX 8 1 60 20300101000000 20200101000000 1 example. c2ln"
		more = "example. 60 IN RRSIG MX 8 1 60 20300101000000 20200101000000 2 example. c2ln"
	)
	msg = packed(t, "example.", dns.TypeRRSIG, a, mx, more)
	if got, want := setsOf(t, msg), [][2]int{{1, 2}}; !slices.Equal(got, want) {
		t.Errorf("sets of signatures = %v, want %v: by the type that they cover", got, want)
	}
}

func setsOf(t *testing.T, msg []byte) (sets [][2]int) {
	t.Helper()
	var m Message
	if !m.Parse(msg) {
		t.Fatalf("Parse(%x) = false", msg)
	}
	for first, n := range m.sets() {
		sets = append(sets, [2]int{first, n})
	}
	return sets
}
