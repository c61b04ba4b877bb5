package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// repacked is msg as Pack writes it.
func repacked(t testing.TB, msg []byte) *Message {
	t.Helper()
	m := new(Message)
	if !m.Parse(slices.Clone(msg)) || !m.Pack(m, m.RRs, m.Sections) {
		t.Fatalf("Parse or Pack of %x = false", msg)
	}
	return m
}

// plain is a response without compression.
func plain(t testing.TB, name string, rtype uint16, lines ...string) []byte {
	t.Helper()
	u := unpack(t, packed(t, name, rtype, lines...))
	u.Compress = false
	msg, err := u.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// isCompact is Compact, also for what has more names than that compares.
func isCompact(m *Message) bool { return m.Compact() || !m.overdone && len(m.written) > maxWritten }

// What is packed says the same, and is as long as with miekg/dns's compression at
// most, however it came.
func TestPack(t *testing.T) {
	lists := map[string][]string{"all types": zoneRecords}
	for _, line := range zoneRecords {
		lists[strings.Fields(line)[3]] = []string{line}
	}
	lists["sections"] = []string{"www.example. 60 IN MX 1 a.example.", "--", "example. 61 IN NS b.example.", "--", "b.example. 62 IN A 192.0.2.1"}
	for name, lines := range lists {
		for form, msg := range map[string][]byte{"compressed": packed(t, "www.example.", dns.TypeANY, lines...), "plain": plain(t, "www.example.", dns.TypeANY, lines...)} {
			m := repacked(t, msg)
			got, want := unpack(t, m.Msg), unpack(t, msg)
			for s, rrs := range [3][]dns.RR{got.Answer, got.Ns, got.Extra} {
				if d := diff(rrs, sections(want)[s], false, false); d != "" {
					t.Errorf("%s, %s: section %d: %s", name, form, s, d)
				}
			}
			if most := len(packed(t, "www.example.", dns.TypeANY, lines...)); len(m.Msg) > most || !isCompact(m) || !m.Keepable() {
				t.Errorf("%s, %s: %d octets, want %d at most, compact and keepable: %x", name, form, len(m.Msg), most, m.Msg)
			}
		}
	}
}

// Sizes are those of BIND's own replies.
func TestPackedSizes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rtype uint16
		lines []string
		want  int
	}{
		{"mx.types.example.", dns.TypeMX, many(20, "mx.types.example. 60 IN MX %d mail%[1]d.production.mailhosting.test."), 512},
		{"ptr.types.example.", dns.TypePTR, many(90, "ptr.types.example. 60 IN PTR host-%d.eu-west-1.compute.internal.test."), 2037},
		{"srv.types.example.", dns.TypeSRV, append(append(many(12, "srv.types.example. 60 IN SRV 1 1 53 host-%d.corp.test."), "--", "--"), many(12, "host-%d.corp.test. 60 IN A 10.0.0.%[1]d")...), 662},
		{"ns.types.example.", dns.TypeNS, append(append(many(6, "ns.types.example. 60 IN NS ns-%d.corp.test."), "--", "--"), many(6, "ns-%d.corp.test. 60 IN A 10.0.0.%[1]d")...), 253},
	} {
		if got := len(repacked(t, plain(t, tt.name, tt.rtype, tt.lines...)).Msg); got != tt.want {
			t.Errorf("%s has %d octets, want %d", tt.name, got, tt.want)
		}
	}
}

// Letters keep their case, as in BIND.
func TestPackKeepsCase(t *testing.T) {
	ns := func(owner, target string) []byte { return record(nameOf(owner), TypeNS, 60, nameOf(target)...) }
	m := repacked(t, response(questionOf("WWW.Example", TypeANY), ns("www.example", "a.eXample"), ns("WWW.Example", "a.Host.test"),
		ns("WWW.Example", "b.host.test"), ns("A.HOST.TEST", "b.HOST.test")))
	var got []string
	for _, rr := range unpack(t, m.Msg).Answer {
		got = append(got, rr.Header().Name+" "+rr.(*dns.NS).Ns)
	}
	want := []string{"www.example. a.eXample.", "WWW.Example. a.Host.test.", "WWW.Example. b.host.test.", "A.HOST.TEST. b.HOST.test."}
	if !slices.Equal(got, want) {
		t.Errorf("packed: %q, want %q", got, want)
	}
}

// Names that pointers cannot reach are written out.
func TestPackBeyondReach(t *testing.T) {
	for _, n := range []int{200, 234, 237, 240, 255} { // so that the names stand before, at and behind the limit
		lines := many(64, "big.example. 60 IN TXT %d "+strings.Repeat("x", n))
		lines = append(lines, many(40, "big.example. 60 IN NS ns%d.far.test.")...)
		lines = append(lines, many(40, "ns%d.far.test. 60 IN A 192.0.2.%[1]d")...)
		m := repacked(t, plain(t, "big.example.", dns.TypeANY, lines...))
		want := unpack(t, plain(t, "big.example.", dns.TypeANY, lines...))
		if d := diff(unpack(t, m.Msg).Answer, want.Answer, false, false); d != "" || pointsForward(m.Msg) {
			t.Errorf("%d: %s", n, d)
		}
	}
}

// What is longer than a message, once names that were compressed are written out,
// cannot be packed.
func TestPackTooLong(t *testing.T) {
	target := append([]byte{0, 0, 0, 0, 0, 0}, pointer(HeaderLen)...)
	q := append(longestName(0), 0, typeSRV, 0, ClassIN)
	var m Message
	if !m.Parse(response(q, slices.Repeat([][]byte{record(pointer(HeaderLen), typeSRV, 60, target...)}, 300)...)) {
		t.Fatal("Parse = false")
	}
	if m.Pack(&m, m.RRs, m.Sections) {
		t.Errorf("Pack = true, %d octets", len(m.Msg))
	}
	if !m.Pack(&m, m.RRs[:1], [3]int{1}) || len(m.Msg) < 2*maxName {
		t.Error("Pack of one record = false, want true")
	}
}

// Packing again what was packed gives the same.
func TestPackAgain(t *testing.T) {
	for name, msg := range responses(t) {
		m := repacked(t, msg)
		if m.opt >= 0 {
			continue
		}
		first := slices.Clone(m.Msg)
		if !m.Pack(m, m.RRs, m.Sections) || string(m.Msg) != string(first) {
			t.Errorf("%s: %x, and again %x", name, first, m.Msg)
		}
	}
}

func FuzzPack(f *testing.F) {
	for _, msg := range responses(f) {
		f.Add(msg)
	}
	for _, msg := range linkedAnswers(f) {
		f.Add(msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		var m, small Message
		if !m.Parse(msg) || m.opt >= 0 || !small.Pack(&m, m.RRs, m.Sections) {
			return
		}
		if !isCompact(&small) || !small.Keepable() || len(small.RRs) != len(m.RRs) {
			t.Fatalf("%x is packed as %x", msg, small.Msg)
		}
		for i := range m.RRs {
			a, b := m.appendCanonical(nil, &m.RRs[i]), small.appendCanonical(nil, &small.RRs[i])
			if string(a) != string(b) || m.RRs[i].TTL != small.RRs[i].TTL {
				t.Errorf("record %d is %x, was %x", i, b, a)
			}
		}
	})
}

func TestCompact(t *testing.T) {
	q := questionOf("www.example", TypeA)
	q12 := pointer(HeaderLen)
	first := HeaderLen + len(q) + 12 // the first record's data
	tests := []struct {
		name string
		msg  []byte
		want bool
	}{
		{"nothing", response(q), true},
		{"pointer to the question", response(q, record(q12, TypeA, 60, 1, 2, 3, 4)), true},
		{"question written again", response(q, record(nameOf("www.example"), TypeA, 60, 1, 2, 3, 4)), false},
		{"in another case", response(q, record(nameOf("www.EXAMPLE"), TypeA, 60, 1, 2, 3, 4)), true},
		{"its end written again", response(q, record(q12, TypeNS, 60, nameOf("ns.example")...)), false},
		{"half a pointer", response(q, record(q12, TypeNS, 60, append(nameOf("a.www")[:6], pointer(HeaderLen+4)...)...)), false},
		{"a name of its own", response(q, record(q12, TypeNS, 60, nameOf("ns.test")...)), true},
		{"that written again", response(q, record(q12, TypeNS, 60, nameOf("a.test")...), record(q12, TypeNS, 60, nameOf("b.test")...)), false},
		{"a pointer to that", response(q, record(q12, TypeNS, 60, nameOf("a.test")...), record(q12, TypeNS, 60, append([]byte{1, 'b'}, pointer(first+2)...)...)), true},
		{"the root", response(q, record(q12, TypeNS, 60, 0)), true},
		{"a name that must not be compressed", response(q, record(q12, typeSRV, 60, append(make([]byte, 6), nameOf("www.example")...)...)), true},
		{"that compressed", response(q, record(q12, typeSRV, 60, append(make([]byte, 6), q12...)...)), false},
		{"an owner that it could point to", response(q, record(q12, typeSRV, 60, append(make([]byte, 6), nameOf("a.test")...)...), record(nameOf("a.test"), TypeA, 60, 1, 2, 3, 4)), false},
	}
	for _, tt := range tests {
		var m Message
		if !m.Parse(tt.msg) {
			t.Fatalf("%s: Parse(%x) = false", tt.name, tt.msg)
		}
		if got := m.Compact(); got != tt.want {
			t.Errorf("%s: Compact = %v, want %v", tt.name, got, tt.want)
		}
	}
	var m Message
	m.Parse(packed(t, "example.", dns.TypeTXT, append([]string{"example. 60 IN TXT x", "--"}, many(maxWritten+2, "example. 60 IN NS n%d.test%[1]d.")...)...))
	if m.Compact() {
		t.Error("more names than are compared: Compact = true, want false")
	}
	if m.CutOff(m.Chain(nil)); !m.Compact() {
		t.Error("when they are cut off: Compact = false, want true")
	}
}
