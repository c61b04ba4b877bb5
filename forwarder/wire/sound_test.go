package wire

import (
	"testing"

	"github.com/miekg/dns"
)

// What BIND takes for malformed is: of some records a name can have one only, hashed
// names are in base 32, and nothing is of another class.
func TestSound(t *testing.T) {
	const nsec3 = " 60 IN NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"
	soa := func(serial string) string { return "example. 60 IN SOA ns. root. " + serial + " 2 3 4 5" }
	tests := []struct {
		name  string
		lines []string
		want  bool
	}{
		{"CNAME twice", []string{"a. 60 IN CNAME b.", "A. 50 IN CNAME B."}, true},
		{"two CNAMEs", []string{"a. 60 IN CNAME b.", "a. 60 IN CNAME c."}, false},
		{"two CNAMEs of two names", []string{"a. 60 IN CNAME b.", "b. 60 IN CNAME c."}, true},
		{"two CNAMEs in two sections", []string{"a. 60 IN CNAME b.", "--", "a. 60 IN CNAME c."}, true},
		{"two CNAMEs in the additional section", []string{"--", "--", "x. 60 IN CNAME b.", "x. 60 IN CNAME c."}, false},
		{"two DNAMEs", []string{"a. 60 IN DNAME b.", "x.a. 60 IN CNAME x.b.", "a. 60 IN DNAME c."}, false},
		{"SOA twice", []string{"--", soa("1"), soa("1")}, true},
		{"two SOAs", []string{"--", soa("1"), soa("2")}, false},
		{"two NSECs", []string{"--", "a. 60 IN NSEC b. A", "a. 60 IN NSEC c. A"}, true},
		{"hashed name", []string{"--", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example." + nsec3}, true},
		{"hashed name in capitals", []string{"--", "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM.example." + nsec3}, true},
		{"short hash", []string{"--", "0p9mhave.example." + nsec3}, true},
		{"no hash", []string{"--", "." + nsec3}, true},
		{"not a hash", []string{"--", "www.example." + nsec3}, false},
		{"not a hash, additional", []string{"--", "--", "www.example." + nsec3}, false},
		{"not a hash, answer", []string{"0p9mhavez.example." + nsec3}, false},
		{"bits beyond the hash", []string{"--", "0v.example." + nsec3}, false},
		{"no bits beyond the hash", []string{"--", "0g.example." + nsec3}, true},
		{"half an octet", []string{"--", "000.example." + nsec3}, false},
		{"another class", []string{"a. 60 CH A 10.0.0.1"}, false},
		{"another class, additional", []string{"--", "--", "a. 60 CH TXT a"}, false},
		{"more CNAMEs than anybody follows", many(mostSingletons, "n%d. 60 IN CNAME x."), true},
		{"one more", many(mostSingletons+1, "n%d. 60 IN CNAME x."), false},
	}
	for _, tt := range tests {
		msg := packed(t, "a.", dns.TypeA, tt.lines...)
		AddOPT(msg, 0) // whose class is a size
		var m Message
		if got := m.Parse(AppendOPT(msg, 1232, 0, false)); got != tt.want {
			t.Errorf("%s: Parse = %v, want %v", tt.name, got, tt.want)
		}
	}
}
