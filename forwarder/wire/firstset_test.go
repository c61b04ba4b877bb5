package wire

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestAppendFirstSet(t *testing.T) {
	const (
		a1  = "example. 60 IN A 192.0.2.1"
		a2  = "example. 60 IN A 192.0.2.2"
		sig = "example. 60 IN RRSIG A 8 1 60 20300101000000 20200101000000 1 example. c2ln"
		txt = "example. 50 IN TXT x"
		ns1 = "example. 60 IN NS a.host.test."
		ns2 = "example. 60 IN NS b.host.test."
		mx  = "example. 60 IN MX 1 c.host.test."
	)
	tests := []struct {
		name  string
		lines []string
		plain int // records of the first set
		sigs  int
	}{
		{"one", []string{a1}, 1, 0},
		{"one and others", []string{a1, txt, mx}, 1, 0},
		{"a set", []string{a1, a2, txt}, 2, 0},
		{"a signed set", []string{a1, a2, sig, sig, txt}, 2, 2},
		{"signatures of another set", []string{txt, sig}, 1, 0},
		{"signatures alone", []string{sig, sig, txt}, 2, 0},
		{"names", []string{ns1, ns2, mx}, 2, 0},
		{"other sections", []string{a1, "--", a2, "--", a2}, 1, 0},
	}
	for _, tt := range tests {
		msg := packed(t, "example.", dns.TypeANY, tt.lines...)
		answer, _ := keep(t, msg, longest)
		for _, signed := range []bool{false, true} {
			for _, mode := range []OrderMode{OrderNone, OrderRandom, OrderCyclic} {
				q := &Query{ID: 7, Question: questionOf("example", dns.TypeANY)}
				order := Order{Mode: mode, State: 1}
				got := unpack(t, AppendFirstSet([]byte("batch"), q, QR|RA, answer, Aging{Sub: 1}, &order, signed)[len("batch"):])
				n := tt.plain
				if signed {
					n += tt.sigs
				}
				want := unpack(t, msg).Answer[:n]
				for _, rr := range want {
					rr.Header().Ttl--
				}
				if d := diff(got.Answer, want, false, mode != OrderNone); d != "" || len(got.Ns)+len(got.Extra) > 0 || got.Id != 7 || !got.RecursionAvailable {
					t.Errorf("%s, signed %v, mode %d: %v; %s", tt.name, signed, mode, got, d)
				}
			}
		}
	}
}

// A set of names may be in any order here too.
func TestAppendFirstSetReorders(t *testing.T) {
	answer, _ := keep(t, packed(t, "example.", dns.TypeANY, append(many(3, "example. 60 IN NS n%d.host.test."), "example. 60 IN TXT x")...), longest)
	var firsts []string
	order := Order{Mode: OrderCyclic}
	for range 3 {
		q := &Query{Question: questionOf("example", dns.TypeANY)}
		firsts = append(firsts, unpack(t, AppendFirstSet(nil, q, QR, answer, Aging{}, &order, false)).Answer[0].(*dns.NS).Ns)
	}
	if want := []string{"n2.host.test.", "n3.host.test.", "n1.host.test."}; !slices.Equal(firsts, want) {
		t.Errorf("first came %q, want %q", firsts, want)
	}
}
