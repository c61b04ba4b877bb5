package scrub

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// underTest are the names that other servers have.
func underTest(name []byte) bool { return bytes.HasSuffix(name, []byte("\x04test\x00")) }

// A chain ends at the first CNAME whose target is elsewhere, whatever comes behind
// it and in which order, and whatever the rcode is about.
func TestScrubCuts(t *testing.T) {
	const (
		alias   = "www.example. 60 IN CNAME a.test."
		sig     = " 60 IN RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 example. AAAA"
		signed  = "www.example." + sig
		inside  = "www.example. 60 IN CNAME b.example."
		outside = "b.example. 60 IN CNAME a.test."
		address = "a.test. 60 IN A 10.0.0.1"
		soa     = "authority test. 60 IN SOA . . 1 2 3 4 60"
		ns      = "authority example. 60 IN NS ns.example."
		glue    = "additional ns.example. 60 IN A 10.0.0.53"
		dname   = "example. 60 IN DNAME test."
		made    = "www.example. 60 IN CNAME www.test."
	)
	for _, test := range []struct {
		name    string
		rcode   uint16
		records []string
		want    []string // of records, in any order
	}{
		{name: "the target's data", records: []string{alias, address, address}, want: []string{alias}},
		{name: "nothing behind", records: []string{alias}, want: []string{alias}},
		{name: "an alias inside first", records: []string{inside, outside, address}, want: []string{inside, outside}},
		{name: "NXDOMAIN", rcode: wire.NXDomain, records: []string{alias, soa}, want: []string{alias}},
		{name: "YXDOMAIN", rcode: wire.YXDomain, records: []string{alias}, want: []string{alias}},
		{name: "NODATA", records: []string{alias, soa, glue}, want: []string{alias}},
		{name: "a referral", records: []string{alias, ns, glue}, want: []string{alias}},
		{name: "a DNAME's alias", records: []string{dname, made, "www.test. 60 IN A 10.0.0.1"}, want: []string{dname, made}},
		{name: "a signed alias", records: []string{alias, signed, address, "a.test. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 test. AAAA"}, want: []string{alias, signed}},
		{name: "a signature before its alias", records: []string{signed, alias, address}, want: []string{alias, signed}},
		{name: "a signature behind all", records: []string{alias, address, signed}, want: []string{alias, signed}},
		{name: "the target first", records: []string{address, alias}, want: []string{alias}},
		{name: "the second alias first", rcode: wire.NXDomain, records: []string{outside, inside, soa}, want: []string{inside, outside}},
		{name: "there and back", records: []string{alias, "a.test. 60 IN CNAME b.example.", "b.example. 60 IN A 10.0.0.1"}, want: []string{alias}},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := answerOf(t, dns.TypeA, test.records)
			msg[3] |= byte(test.rcode)
			var m wire.Message
			if !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			class, c, err := Scrub(&m, Rules{Elsewhere: underTest})
			if class != Partial || !c.Cut || m.Rcode() != wire.NoError || err != nil {
				t.Fatalf("Scrub = %d, %+v, %v with rcode %d, want Partial, cut, no error, NOERROR", class, c, err, m.Rcode())
			}
			if got, want := written(t, &m), recordsOf(unpacked(t, answerOf(t, dns.TypeA, test.want))); !slices.Equal(got, want) {
				t.Errorf("of %q is left\n%q, want\n%q", test.records, got, want)
			}
		})
	}
}

// What stays of a chain is not cut: the question's own name is not asked about, and
// what is asked for ends it.
func TestScrubCutsNotTheQuestion(t *testing.T) {
	for _, test := range []struct {
		name    string
		qtype   uint16
		records []string
		asked   []string
	}{
		{"no alias", dns.TypeA, []string{"www.example. 60 IN A 10.0.0.1"}, nil},
		{"a denial", dns.TypeA, []string{"authority example. 60 IN SOA . . 1 2 3 4 60"}, nil},
		{"the alias itself", dns.TypeCNAME, []string{"www.example. 60 IN CNAME a.test."}, nil},
		{"a chain inside", dns.TypeA, []string{"www.example. 60 IN CNAME a.example.", "a.example. 60 IN A 10.0.0.1"}, []string{"a.example."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m wire.Message
			if msg := compressed(t, answerOf(t, test.qtype, test.records)); !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			var asked []string
			_, c, err := Scrub(&m, Rules{Elsewhere: func(name []byte) bool {
				asked = append(asked, wire.NameText(name))
				return strings.HasPrefix(asked[len(asked)-1], "www.")
			}})
			if err != nil || c.Cut || !slices.Equal(asked, test.asked) {
				t.Errorf("Scrub = %+v, %v, asked about %q, want %q, not cut", c, err, asked, test.asked)
			}
		})
	}
}

// An answer that needs no work costs no memory, a cut chain neither.
func TestScrubDoesNotAllocate(t *testing.T) {
	for name, records := range map[string][]string{
		"address": {"www.example. 60 IN A 10.0.0.1"},
		"chain":   {"www.example. 60 IN CNAME a.example.", "a.example. 60 IN A 10.0.0.1"},
		"cut":     {"www.example. 60 IN CNAME a.test.", "a.test. 60 IN A 10.0.0.1"},
	} {
		packed := compressed(t, answerOf(t, dns.TypeA, records))
		msg := make([]byte, len(packed))
		var m wire.Message
		if n := testing.AllocsPerRun(10, func() {
			copy(msg, packed)
			if !m.Parse(msg) {
				t.Fatal("Parse = false")
			}
			if _, _, err := Scrub(&m, Rules{Elsewhere: underTest}); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: Scrub allocates %v times, want 0", name, n)
		}
	}
}

// compressed is msg as upstream sends it.
func compressed(t *testing.T, msg []byte) []byte {
	t.Helper()
	u := unpacked(t, msg)
	u.Compress = true
	msg, err := u.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func unpacked(t *testing.T, msg []byte) *dns.Msg {
	t.Helper()
	u := new(dns.Msg)
	if err := u.Unpack(msg); err != nil {
		t.Fatal(err)
	}
	return u
}
