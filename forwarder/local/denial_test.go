package local

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// signedAnswers are what a validator is given, by kinds of answers. The names of NSEC are those on
// whose place in the order the proof stands.
var signedAnswers = []struct {
	name    string
	qtype   uint16
	rcode   int
	matched []string // names that exist, and have no such type
	covered []string // names that do not exist
}{
	{"mail.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, nil},
	{"mail.kinds.test.", dns.TypeMX, dns.RcodeSuccess, []string{"mail.kinds.test."}, nil},
	{"kinds.test.", dns.TypeCDS, dns.RcodeSuccess, []string{"kinds.test."}, nil},
	{"nothing.kinds.test.", dns.TypeA, dns.RcodeNameError, nil, []string{"nothing.kinds.test.", "*.kinds.test."}},
	{"a.b.nothing.kinds.test.", dns.TypeA, dns.RcodeNameError, nil, []string{"nothing.kinds.test.", "*.kinds.test."}},
	{"x.www.kinds.test.", dns.TypeA, dns.RcodeNameError, nil, []string{"x.www.kinds.test.", "*.www.kinds.test."}},
	{"x.in.wild.kinds.test.", dns.TypeA, dns.RcodeNameError, nil, []string{"x.in.wild.kinds.test.", "*.in.wild.kinds.test."}},
	{"a.wild.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, []string{"a.wild.kinds.test."}},
	{"b.a.wild.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, []string{"a.wild.kinds.test."}},
	{"a.wild.kinds.test.", dns.TypeMX, dns.RcodeSuccess, []string{"*.wild.kinds.test."}, []string{"a.wild.kinds.test."}},
	{"x.wild-alias.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, []string{"x.wild-alias.kinds.test."}},
	{"x.wild-none.kinds.test.", dns.TypeA, dns.RcodeNameError, nil, []string{"x.wild-none.kinds.test.", "nothing.kinds.test.", "*.kinds.test."}},
	{"x.wild-other.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, []string{"x.wild-other.kinds.test."}},
	{"x.wild-sub.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, []string{"x.wild-sub.kinds.test."}},
	{"alias2.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, nil},
	{"dangling.kinds.test.", dns.TypeA, dns.RcodeNameError, nil, []string{"nothing.kinds.test.", "*.kinds.test."}},
	{"www.renamed.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, nil},
	{"secure.kinds.test.", dns.TypeDS, dns.RcodeSuccess, nil, nil},
	{"www.secure.kinds.test.", dns.TypeA, dns.RcodeSuccess, nil, nil},
}

// A signed zone proves what it says, with signatures that hold.
func TestSignedAnswers(t *testing.T) {
	for _, file := range []string{"kinds-nsec.zone", "kinds-nsec3.zone", "kinds-optout.zone"} {
		z := kinds(t, file)
		for _, test := range signedAnswers {
			t.Run(fmt.Sprint(file, " ", test.name, dns.Type(test.qtype)), func(t *testing.T) {
				m := new(dns.Msg)
				z.Answer(m, test.name, test.qtype, Beside{DO: true})
				if m.Rcode != test.rcode {
					t.Errorf("rcode %d, want %d", m.Rcode, test.rcode)
				}
				checkSignatures(t, z, m)
				for _, name := range test.matched {
					if !slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return matches(rr, name, test.qtype) }) {
						t.Errorf("nothing proves that %s has no %v:\n%v", name, dns.Type(test.qtype), m)
					}
				}
				for _, name := range test.covered {
					if !slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return covers(rr, name) }) {
						t.Errorf("nothing proves that there is no %s:\n%v", name, m)
					}
				}
			})
		}
	}
}

// What proves a link that leaves the zone is told apart from a referral.
func TestProofsOfLinks(t *testing.T) {
	z := kinds(t, "kinds-nsec.zone")
	for name, want := range map[string]int{"x.wild-other.kinds.test.": 2, "x.wild-sub.kinds.test.": 2, "to-sub.kinds.test.": 0, "to-other.kinds.test.": 0} {
		m := new(dns.Msg)
		rest := z.Answer(m, name, dns.TypeA, Beside{DO: true})
		proofs := slices.IndexFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
		if rest.Kind == Alias {
			proofs = len(m.Ns)
		}
		if rest.Proofs != want || proofs != want {
			t.Errorf("%s: %d proofs are told of, %d are there, want %d:\n%v", name, rest.Proofs, proofs, want, m)
		}
	}
}

// matches reports whether rr says that name exists without a type.
func matches(rr dns.RR, name string, qtype uint16) bool {
	switch rr := rr.(type) {
	case *dns.NSEC:
		return dns.CanonicalName(rr.Hdr.Name) == name && !slices.Contains(rr.TypeBitMap, qtype)
	case *dns.NSEC3:
		return rr.Match(name) && !slices.Contains(rr.TypeBitMap, qtype)
	}
	return false
}

// covers reports whether rr says that name does not exist.
func covers(rr dns.RR, name string) bool {
	switch rr := rr.(type) {
	case *dns.NSEC:
		from, to := rr.Hdr.Name, rr.NextDomain
		last := compareNames(to, from) <= 0
		return compareNames(from, name) < 0 && (compareNames(name, to) < 0 || last)
	case *dns.NSEC3:
		return rr.Cover(name)
	}
	return false
}

// compareNames compares names without escapes in canonical order (RFC 4034, 6.1).
func compareNames(a, b string) int {
	x, y := dns.SplitDomainName(dns.CanonicalName(a)), dns.SplitDomainName(dns.CanonicalName(b))
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

// checkSignatures checks that all sets of m are signed but for what cannot be: the CNAME of a
// DNAME, a delegation and its glue.
func checkSignatures(t *testing.T, z *Zone, m *dns.Msg) {
	t.Helper()
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			h := rr.Header()
			made := slices.ContainsFunc(section, func(rr dns.RR) bool {
				return rr.Header().Rrtype == dns.TypeDNAME && strings.HasSuffix(h.Name, "."+rr.Header().Name)
			})
			if h.Rrtype == dns.TypeRRSIG || h.Rrtype == dns.TypeCNAME && made || h.Rrtype == dns.TypeNS && h.Name != z.Apex {
				continue
			}
			checkSet(t, z, section, h)
		}
	}
}

// checkSet checks the signature of one set.
func checkSet(t *testing.T, z *Zone, section []dns.RR, h *dns.RR_Header) {
	t.Helper()
	var set []dns.RR
	var sigs []*dns.RRSIG
	for _, rr := range section {
		if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered == h.Rrtype && sig.Hdr.Name == h.Name {
			sigs = append(sigs, sig)
		} else if rr.Header().Rrtype == h.Rrtype && rr.Header().Name == h.Name {
			set = append(set, rr)
		}
	}
	for _, sig := range sigs {
		for _, key := range z.names[z.Apex].set(dns.TypeDNSKEY).records {
			if k := key.(*dns.DNSKEY); k.KeyTag() == sig.KeyTag && sig.Verify(k, set) == nil {
				return
			}
		}
	}
	t.Errorf("no good signature of %s %v", h.Name, dns.Type(h.Rrtype))
}

// The order of names is that of RFC 4034, 6.1, whose example this is.
func TestOrderKey(t *testing.T) {
	names := []string{
		"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.",
		`\001.z.example.`, "*.z.example.", `\200.z.example.`,
	}
	shuffled := slices.Clone(names)
	slices.Reverse(shuffled)
	slices.SortFunc(shuffled, func(a, b string) int { return strings.Compare(orderKey(a), orderKey(b)) })
	if !slices.Equal(shuffled, names) {
		t.Errorf("order is %q, want %q", shuffled, names)
	}
	if orderKey(`\000.a.`) >= orderKey(`\001.a.`) || orderKey("a.") >= orderKey(`\000.a.`) || orderKey(`\001.a.`) >= orderKey(`\002.a.`) {
		t.Error("small octets are out of order")
	}
}

// Without a chain, with a hash that costs too much, and without a key a zone is not signed.
func TestUnsigned(t *testing.T) {
	const soa = "$TTL 60\n@ SOA ns admin 1 2 3 4 5\n@ NS ns.else.\n"
	const key = "@ DNSKEY 256 3 8 AQ==\n"
	const nsec3 = "00000000000000000000000000000000 NSEC3 1 0 151 - 00000000000000000000000000000000 SOA\n"
	for name, test := range map[string]struct {
		text   string
		signed bool
	}{
		"no chain":            {soa + key, false},
		"no key":              {soa + "@ NSEC @ SOA\n", false},
		"chain and key":       {soa + key + "@ NSEC @ SOA\n", true},
		"too many iterations": {soa + key + "@ NSEC3PARAM 1 0 151 -\n" + nsec3, false},
		"no NSEC3":            {soa + key + "@ NSEC3PARAM 1 0 0 -\n", false},
	} {
		records, problems := loadText(t, "z.test.", test.text, DefaultChecks())
		z, err := NewZone("z.test.", records)
		if err != nil {
			t.Fatal(name, err, problems)
		}
		if got := z.denial != nil; got != test.signed {
			t.Errorf("%s: signed is %v, want %v", name, got, test.signed)
		}
	}
}
