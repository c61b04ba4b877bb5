package wire

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestDistinct(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  int // records that differ
	}{
		{"one", []string{"a. 60 IN A 10.0.0.1"}, 1},
		{"two", []string{"a. 60 IN A 10.0.0.1", "a. 60 IN A 10.0.0.2"}, 2},
		{"the same", []string{"a. 60 IN A 10.0.0.1", "a. 60 IN A 10.0.0.1"}, 1},
		{"the same, not side by side", []string{"a. 60 IN A 10.0.0.1", "a. 60 IN A 10.0.0.2", "A. 60 IN A 10.0.0.1"}, 2},
		{"two owners", []string{"a. 60 IN A 10.0.0.1", "b. 60 IN A 10.0.0.1"}, 2},
		{"two types", []string{"a. 60 IN NS ns.a.", "a. 60 IN PTR ns.a."}, 2},
		{"texts in two cases", []string{"a. 60 IN TXT a", "a. 60 IN TXT A"}, 2},
		{"names in two cases", []string{"a. 60 IN MX 1 mail.a.", "a. 60 IN MX 1 MAIL.a."}, 1},
		{"two preferences", []string{"a. 60 IN MX 1 mail.a.", "a. 60 IN MX 2 mail.a."}, 2},
		{"two tails", []string{"a. 60 IN SOA ns. root. 1 2 3 4 5"}, 1},
		{"two next names", []string{"a. 60 IN NSEC b. A", "a. 60 IN NSEC b. A MX"}, 2},
		{"two rules", []string{`a. 60 IN NAPTR 1 1 "s" "ab" "" b.`, `a. 60 IN NAPTR 1 1 "s" "a" "" b.`}, 2},
		{"many", many(300, "a. 60 IN PTR host%d.test."), 300},
		{"many, each twice", slices.Concat(many(300, "a. 60 IN PTR host%d.test."), many(300, "a. 60 IN PTR HOST%d.test.")), 300},
		{"seventeen and the first", append(many(17, "a. 60 IN PTR host%d.test."), "a. 60 IN PTR host1.test."), 17},
	}
	for _, tt := range tests {
		var m Message
		if !m.Parse(packed(t, "a.", dns.TypeANY, tt.lines...)) {
			t.Fatalf("%s: Parse = false", tt.name)
		}
		if got, want := m.Distinct(), tt.want == len(tt.lines); got != want {
			t.Errorf("%s: Distinct = %v, want %v", tt.name, got, want)
		}
		if got := len(m.Dedup(m.RRs)); got != tt.want {
			t.Errorf("%s: Dedup leaves %d records, want %d", tt.name, got, tt.want)
		}
	}
}

// Of records that are the same the first stays, with the least TTL; a record of
// another section is another record.
func TestDedup(t *testing.T) {
	var m Message
	m.Parse(packed(t, "a.", dns.TypeA, "a. 60 IN A 10.0.0.1", "a. 50 IN A 10.0.0.2", "a. 40 IN A 10.0.0.1", "--", "a. 60 IN A 10.0.0.2"))
	var got []string
	for _, rr := range m.Dedup(slices.Clone(m.Section(0))) {
		got = append(got, fmt.Sprint(m.Msg[rr.End-1], " for ", rr.TTL))
	}
	if want := []string{"1 for 40", "2 for 50"}; !slices.Equal(got, want) {
		t.Errorf("Dedup leaves %q, want %q", got, want)
	}
	m.Parse(packed(t, "a.", dns.TypeA, "a. 60 IN A 10.0.0.1", "--", "a. 60 IN A 10.0.0.1"))
	if !m.Distinct() {
		t.Error("the same in two sections: Distinct = false, want true")
	}
}
