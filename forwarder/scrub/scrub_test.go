package scrub

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// FuzzBailiwick ties the two rules of what belongs to an answer: of what is kept as
// it is, nothing would be taken away.
func FuzzBailiwick(f *testing.F) {
	for _, msg := range seeds(f) {
		f.Add(msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		var kept, picked wire.Message
		u := new(dns.Msg)
		if !kept.Parse(slices.Clone(msg)) || u.Unpack(msg) != nil || kept.Rcode() > wire.YXDomain {
			t.Skip("not delivered by upstream, or not for the test to read")
		}
		c := kept.Chain(nil)
		class := Classify(&kept, c)
		if class == Referral || !isFit(&kept, c, class, false) {
			t.Skip("scrubbed")
		}
		picked.Parse(slices.Clone(msg))
		again, d, err := pickFrom(&picked, Rules{})
		if err != nil || again != class || d.Hops != c.Hops || d.Data != c.Data || picked.Rcode() != kept.Rcode() {
			t.Fatalf("kept as class %d, %+v, rcode %d; picked as %d, %+v, rcode %d, %v", class, c, kept.Rcode(), again, d, picked.Rcode(), err)
		}
		if before, after := written(t, &kept), written(t, &picked); !slices.Equal(before, after) {
			t.Errorf("of\n%s\nis left\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
		}
	})
}

// written lists the records of m as it is kept.
func written(t *testing.T, m *wire.Message) []string {
	t.Helper()
	if !m.Keepable() {
		t.Error("not keepable, want it to be")
	}
	a, _ := m.AppendAnswer(nil, wire.TTLPolicy{Max: 1<<31 - 1})
	q := wire.Query{Question: m.Question}
	return recordsOf(unpacked(t, wire.AppendReply(nil, &q, wire.QR, wire.Answer(a), wire.Aging{}, new(wire.Order))))
}

// recordsOf lists the records but the OPT, sorted, each once.
func recordsOf(m *dns.Msg) []string {
	list := []string{}
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if rr.Header().Rrtype != dns.TypeOPT {
			rr.Header().Ttl = 0 // of records that are equal the lesser one stays
			list = append(list, strings.ToLower(rr.String()))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// seeds are answers of all classes, and the malformed ones of testdata.
func seeds(tb testing.TB) (list [][]byte) {
	tb.Helper()
	for _, records := range [][]string{
		{"www.example. 60 IN A 10.0.0.1", "www.example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. AAAA"},
		{"www.example. 60 IN CNAME a.example.", "a.example. 60 IN A 10.0.0.1"},
		{"example. 60 IN DNAME test.", "example. 60 IN RRSIG DNAME 8 1 60 20300101000000 20200101000000 1 example. AAAA", "www.example. 60 IN CNAME www.test.", "www.test. 60 IN A 10.0.0.1"},
		{". 60 IN DNAME test.", "www.example. 60 IN CNAME www.example.test.", "www.example.test. 60 IN A 10.0.0.1"},
		{"authority example. 60 IN SOA . . 1 2 3 4 60", "authority example. 60 IN RRSIG SOA 8 1 60 20300101000000 20200101000000 1 example. AAAA", "authority a.example. 60 IN NSEC z.example. A RRSIG NSEC"},
		{"example. 60 IN RRSIG MX 8 1 60 20300101000000 20200101000000 1 example. AAAA", "www.example. 60 IN A 10.0.0.1"},
		{"authority example. 60 IN RRSIG NS 8 1 60 20300101000000 20200101000000 1 example. AAAA"},
		{"authority example. 60 IN NS ns.example.", "additional ns.example. 60 IN A 10.0.0.53"},
	} {
		list = append(list, answerOf(tb, dns.TypeA, records))
	}
	files, err := filepath.Glob("../../testdata/wire/*.bin")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files in testdata/wire: %v", err)
	}
	for _, path := range files {
		msg, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, msg)
	}
	return list
}

// answerOf packs an answer about www.example.; a record is of the answer section
// unless another one stands before it.
func answerOf(tb testing.TB, qtype uint16, records []string) []byte {
	tb.Helper()
	m := new(dns.Msg).SetQuestion("www.example.", qtype)
	m.Response = true
	for _, text := range records {
		section := &m.Answer
		if rest, ok := strings.CutPrefix(text, "authority "); ok {
			section, text = &m.Ns, rest
		} else if rest, ok := strings.CutPrefix(text, "additional "); ok {
			section, text = &m.Extra, rest
		}
		rr, err := dns.NewRR(text)
		if err != nil {
			tb.Fatal(err)
		}
		*section = append(*section, rr)
	}
	msg, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return msg
}

func TestClassify(t *testing.T) {
	for _, test := range []struct {
		name    string
		rcode   uint16
		records []string
		want    Class
	}{
		{name: "data", records: []string{"www.example. 60 IN A 10.0.0.1"}, want: Positive},
		{name: "a chain and data", records: []string{"www.example. 60 IN CNAME a.example.", "a.example. 60 IN A 10.0.0.1"}, want: Positive},
		{name: "NXDOMAIN", rcode: wire.NXDomain, want: Negative},
		{name: "NXDOMAIN with data", rcode: wire.NXDomain, records: []string{"www.example. 60 IN A 10.0.0.1"}, want: Negative},
		{name: "NODATA", records: []string{"authority example. 60 IN SOA . . 1 2 3 4 60"}, want: Negative},
		{name: "nothing at all", want: Negative},
		{name: "another type", records: []string{"www.example. 60 IN MX 1 mail.example."}, want: Negative},
		{name: "a chain without its end", records: []string{"www.example. 60 IN CNAME a.example."}, want: Partial},
		{name: "a chain to NODATA", records: []string{"www.example. 60 IN CNAME a.example.", "authority example. 60 IN SOA . . 1 2 3 4 60"}, want: Negative},
		{name: "referral", records: []string{"authority example. 60 IN NS ns.example."}, want: Referral},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := answerOf(t, dns.TypeA, test.records)
			msg[3] |= byte(test.rcode)
			var m wire.Message
			if !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			if got := Classify(&m, m.Chain(nil)); got != test.want {
				t.Errorf("Classify = %d, want %d", got, test.want)
			}
		})
	}
}

func TestNegativeTTL(t *testing.T) {
	for _, test := range []struct {
		name    string
		records []string
		bounds  wire.TTLPolicy
		want    uint32
	}{
		{name: "TTL", records: []string{"authority example. 30 IN SOA . . 1 2 3 4 60"}, bounds: wire.TTLPolicy{Max: 100}, want: 30},
		{name: "MINIMUM", records: []string{"authority example. 60 IN SOA . . 1 2 3 4 30"}, bounds: wire.TTLPolicy{Max: 100}, want: 30},
		{name: "at most", records: []string{"authority example. 60 IN SOA . . 1 2 3 4 60"}, bounds: wire.TTLPolicy{Max: 10}, want: 10},
		{name: "at least", records: []string{"authority example. 1 IN SOA . . 1 2 3 4 1"}, bounds: wire.TTLPolicy{Min: 5, Max: 10}, want: 5},
		{name: "of a proof", records: []string{"authority example. 60 IN SOA . . 1 2 3 4 60", "authority a.example. 20 IN NSEC b.example. A"}, bounds: wire.TTLPolicy{Max: 100}, want: 20},
		{name: "no SOA", bounds: wire.TTLPolicy{Max: 100}, want: BareNegativeTTL},
		{name: "no SOA, at most", bounds: wire.TTLPolicy{Max: 2}, want: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m wire.Message
			if msg := answerOf(t, dns.TypeA, test.records); !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			if got := NegativeTTL(&m, test.bounds); got != test.want {
				t.Errorf("NegativeTTL = %d, want %d", got, test.want)
			}
			for _, rr := range m.RRs {
				if rr.TTL != test.want {
					t.Errorf("a record has TTL %d, want %d", rr.TTL, test.want)
				}
			}
		})
	}
}

// minimal-responses does not depend on what else has to go.
func TestScrubMinimal(t *testing.T) {
	msg := answerOf(t, dns.TypeA, []string{
		"www.example. 60 IN A 10.0.0.1", "authority example. 60 IN NS ns.example.", "additional ns.example. 60 IN A 10.0.0.53",
	})
	var m wire.Message
	if !m.Parse(msg) {
		t.Fatalf("Parse(%x) = false", msg)
	}
	before := len(msg)
	if _, _, err := Scrub(&m, Rules{Minimal: true}); err != nil {
		t.Fatal(err)
	}
	if m.Sections != [3]int{1, 0, 0} || len(m.Msg) >= before {
		t.Errorf("Scrub leaves %v records in %d octets of %d, want one", m.Sections, len(m.Msg), before)
	}
}

// Of names apart nothing stays beside the data of others, in whatever letters they are
// written; their own data does.
func TestScrubApart(t *testing.T) {
	apart := func(name []byte) bool { return wire.NameText(name) == "a.example." }
	const a, sigA, b = "a.example. 60 IN A 10.0.0.1", "a.example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. c2ln", "b.example. 60 IN A 10.0.0.2"
	tests := []struct {
		name          string
		qtype         uint16
		records, want []string
	}{
		{"MX", dns.TypeMX, []string{"www.example. 60 IN MX 1 A.example.", "www.example. 60 IN MX 2 b.example.", "additional A.example. 60 IN A 10.0.0.1", "additional " + sigA, "additional " + b},
			[]string{"www.example. 60 IN MX 1 A.example.", "www.example. 60 IN MX 2 b.example.", "additional " + b}},
		{"NS", dns.TypeNS, []string{"www.example. 60 IN NS a.example.", "additional " + a}, []string{"www.example. 60 IN NS a.example."}},
		{"SRV", dns.TypeSRV, []string{"www.example. 60 IN SRV 0 0 80 a.example.", "additional " + a, "additional a.example. 60 IN AAAA 2001:db8::1"}, []string{"www.example. 60 IN SRV 0 0 80 a.example."}},
		{"data", dns.TypeA, []string{"www.example. 60 IN CNAME a.example.", a}, []string{"www.example. 60 IN CNAME a.example.", a}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m wire.Message
			if msg := answerOf(t, tt.qtype, tt.records); !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			if _, _, err := Scrub(&m, Rules{Apart: apart}); err != nil {
				t.Fatal(err)
			}
			if got, want := written(t, &m), recordsOf(unpacked(t, answerOf(t, tt.qtype, tt.want))); !slices.Equal(got, want) {
				t.Errorf("of %q is left\n%q, want\n%q", tt.records, got, want)
			}
		})
	}
}

// TestScrubCompresses: what upstream wrote out, again and again, is made to fit
// into 512 octets; also behind a CNAME.
func TestScrubCompresses(t *testing.T) {
	const target = "frontdoor-production-1909587911.us-east-1.elb.amazonaws.example."
	for _, owner := range []string{"www.example.", target} {
		records := []string{"www.example. 60 IN CNAME " + target}
		if owner == "www.example." {
			records = nil
		}
		for i := range 20 {
			records = append(records, fmt.Sprintf("%s 60 IN A 10.0.0.%d", owner, i))
		}
		msg := answerOf(t, dns.TypeA, records)
		if owner == target { // the question's name is not written out again
			first := wire.HeaderLen + len(wire.PackName("www.example.")) + 4
			msg = slices.Concat(msg[:first], []byte{0xc0, wire.HeaderLen}, msg[first+len(wire.PackName("www.example.")):])
		}
		var m wire.Message
		const smallestUDP = 512
		if len(msg) <= smallestUDP || !m.Parse(msg) {
			t.Fatalf("a sound answer of more than 512 octets was wanted, not %d", len(msg))
		}
		if _, _, err := Scrub(&m, Rules{}); err != nil || len(m.Msg) > smallestUDP {
			t.Errorf("%s: %v, %d octets, want 512 at most", owner, err, len(m.Msg))
		}
	}
}
