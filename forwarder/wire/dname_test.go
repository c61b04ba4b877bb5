package wire

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestRename(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 49)+".", 4) // 200 octets
	tests := []struct {
		name, dname, want string // "": too long
	}{
		{"www.example.", "example. 60 IN DNAME test.", "www.test."},
		{"a.b.example.", "example. 60 IN DNAME test.", "a.b.test."},
		{"A.b.Example.", "eXample. 60 IN DNAME tEst.", "A.b.tEst."},
		{"www.example.", "example. 60 IN DNAME .", "www."},
		{"www.example.", ". 60 IN DNAME test.", "www.example.test."},
		{"www.example.", "example. 60 IN DNAME www.example.", "www.www.example."},
		{long + strings.Repeat("y", 43) + ".example.", "example. 60 IN DNAME test.fits.", long + strings.Repeat("y", 43) + ".test.fits."},
		{long + strings.Repeat("y", 43) + ".example.", "example. 60 IN DNAME toolong.test.", ""},
	}
	for _, tt := range tests {
		var m Message
		if !m.Parse(packed(t, tt.name, dns.TypeA, tt.dname)) {
			t.Fatalf("%s: Parse = false", tt.dname)
		}
		before := len(m.Msg)
		cname, ok := m.Rename(&m.RRs[0], HeaderLen)
		if !ok {
			if tt.want != "" || len(m.Msg) != before {
				t.Errorf("%s of %s: Rename = false, %d octets more, want %s", tt.dname, tt.name, len(m.Msg)-before, tt.want)
			}
			continue
		}
		target, _, err := dns.UnpackDomainName(m.Msg, cname.RData)
		owner, _, _ := dns.UnpackDomainName(m.Msg, cname.Start)
		if target != tt.want || owner != tt.name || cname.TTL != 60 || cname.Type != TypeCNAME || cname.Class != ClassIN || cname.End != len(m.Msg) {
			t.Errorf("%s of %s: Rename = %+v, %s to %s (%v), want %s", tt.dname, tt.name, cname, owner, target, err, tt.want)
		}
		if !m.Renames(&m.RRs[0], HeaderLen, cname.RData) {
			t.Errorf("%s of %s: Renames(%s) = false, want true", tt.dname, tt.name, target)
		}
		if !m.Pack(&m, append(m.RRs, cname), [3]int{2}) || m.RRs[1].TTL != 60 {
			t.Errorf("%s of %s: Pack = false, want true with a TTL of 60 s", tt.dname, tt.name)
		}
	}
}

func TestRenames(t *testing.T) {
	for target, want := range map[string]bool{
		"a.b.test.": true, "A.B.TEST.": true, "b.test.": false, "x.b.test.": false, "a.x.test.": false, "a.b.example.": false,
		"a.b.c.test.": false, "test.": false, ".": false, "a.b.": false, "a.b.test.test.": false,
	} {
		var m Message
		if !m.Parse(packed(t, "a.b.example.", dns.TypeA, "example. 60 IN DNAME test.", "a.b.example. 60 IN CNAME "+target)) {
			t.Fatal("Parse = false")
		}
		if got := m.Renames(&m.RRs[0], HeaderLen, m.RRs[1].RData); got != want {
			t.Errorf("Renames(%s) = %v, want %v", target, got, want)
		}
	}
}
