package forwarder

import (
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/scrub"

	"github.com/miekg/dns"
)

// What a client gets of an answer that says more than it was asked.
func TestBailiwick(t *testing.T) {
	s := unserved(t)
	const own = "www.example. 60 IN A 10.0.0.1"
	tests := []struct {
		name  string
		qtype uint16
		said  []string
		want  []string
	}{
		{"plain", dns.TypeA, []string{own}, []string{own}},
		{"another name's address", dns.TypeA, []string{own, "bank.test. 60 IN A 10.6.6.6"}, []string{own}},
		{"additional address that nobody asked for", dns.TypeA, []string{own, "additional bank.test. 60 IN A 10.6.6.6"}, []string{own}},
		{"authority over another zone", dns.TypeA, []string{own, "authority test. 60 IN NS ns.example.", "additional ns.example. 60 IN A 10.6.6.6"}, []string{own}},
		{"authority over the zone", dns.TypeA, []string{own, "authority example. 60 IN NS ns.example.", "authority example. 60 IN TXT x"}, []string{own}},
		{"another class", dns.TypeA, []string{own, "www.example. 60 CH A 10.6.6.6"}, []string{own}},
		{"nothing but another class", dns.TypeA, []string{"www.example. 60 CH A 10.6.6.6"}, []string{"SERVFAIL"}},
		{"target's address", dns.TypeMX,
			[]string{"www.example. 60 IN MX 1 mail.example.", "additional mail.example. 60 IN A 10.0.0.9", "additional bank.test. 60 IN A 10.6.6.6"},
			[]string{"www.example. 60 IN MX 1 mail.example.", "mail.example. 60 IN A 10.0.0.9"}},
		{"service without target", dns.TypeSRV,
			[]string{"www.example. 60 IN SRV 0 0 0 .", "additional . 60 IN A 10.6.6.6"}, []string{"www.example. 60 IN SRV 0 0 0 ."}},
		{"service at its owner", dns.TypeHTTPS,
			[]string{"www.example. 60 IN HTTPS 1 . alpn=h2", "additional " + own}, []string{`www.example. 60 IN HTTPS 1 . alpn="h2"`, own}},
		{"negative", dns.TypeA, []string{"authority example. 60 IN SOA . . 1 2 3 4 60"}, []string{"example. 60 IN SOA . . 1 2 3 4 60"}},
		{"negative of another zone", dns.TypeA, []string{"authority bank.test. 60 IN SOA . . 1 2 3 4 60"}, nil},
		{"two aliases", dns.TypeA,
			[]string{"www.example. 60 IN CNAME a.example.", "www.example. 60 IN CNAME b.example.", "a.example. 60 IN A 10.0.0.1", "b.example. 60 IN A 10.0.0.2"},
			[]string{"www.example. 60 IN CNAME a.example.", "www.example. 60 IN CNAME b.example.", "a.example. 60 IN A 10.0.0.1"}},
		{"DNAME", dns.TypeA,
			[]string{"example. 60 IN DNAME test.", "www.example. 60 IN CNAME www.test.", "www.test. 60 IN A 10.0.0.1", "bank.test. 60 IN A 10.6.6.6"},
			[]string{"example. 60 IN DNAME test.", "www.example. 60 IN CNAME www.test.", "www.test. 60 IN A 10.0.0.1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			query := queryFor(1, "www.example.", tt.qtype)[2:]
			first, _ := s.learn(t, query, packed(saying(t, query, tt.said)))
			got := linesOf(unpacked(t, first))
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("reply =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// saying is an answer to query with these records, as in replay scripts.
func saying(t *testing.T, query []byte, records []string) *dns.Msg {
	t.Helper()
	s, err := parseSections(records)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetReply(unpacked(t, query))
	m.Answer, m.Ns, m.Extra = s.answer, s.authority, s.additional
	return m
}

// linesOf is the response code, unless it is NOERROR, and the records, sorted:
// those of a set come in any order.
func linesOf(m *dns.Msg) (lines []string) {
	if m.Rcode != dns.RcodeSuccess {
		lines = append(lines, dns.RcodeToString[m.Rcode])
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	slices.Sort(lines)
	return lines
}

// Upstream that denies a name and gives its address all the same is believed
// for as long as a denial without SOA.
func TestDeniedWithRecords(t *testing.T) {
	s := unserved(t)
	query := queryFor(1, "www.example.", dns.TypeA)[2:]
	m := saying(t, query, []string{"www.example. 86400 IN A 10.0.0.1"})
	m.Rcode = dns.RcodeNameError
	s.learn(t, query, packed(m))
	key := append([]byte("\x03www\x07example\x00"), 0, 1, 0, 1, 0)
	if e, ok := s.cache.Get(s.cache.Hash(key), key); !ok || e.TTL() != scrub.BareNegativeTTL {
		t.Errorf("kept = %v, TTL %d, want true, %d", ok, e.TTL(), scrub.BareNegativeTTL)
	}
}

// stranger returns a record that does not belong to the question: in the
// answer section, its owner is not of the chain; in the authority section, it
// is no part of a denial; in the additional one, no answer has its name.
func stranger(m *dns.Msg) dns.RR {
	if len(m.Question) != 1 {
		return nil
	}
	chain := chainOf(m)
	within := func(zone string) bool {
		return slices.ContainsFunc(chain, func(name string) bool { return dns.IsSubDomain(zone, name) })
	}
	for _, rr := range m.Answer {
		owner := dns.CanonicalName(rr.Header().Name)
		_, isDNAME := rr.(*dns.DNAME)
		_, isSig := rr.(*dns.RRSIG)
		if !slices.Contains(chain, owner) && !((isDNAME || isSig) && within(owner)) {
			return rr
		}
	}
	for _, rr := range m.Ns {
		switch rr.Header().Rrtype {
		case dns.TypeSOA:
			if !within(dns.CanonicalName(rr.Header().Name)) {
				return rr
			}
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		default:
			return rr
		}
	}
	for _, rr := range m.Extra {
		mentioned := func(by dns.RR) bool { return mentions(by, rr.Header().Name) }
		if rr.Header().Rrtype != dns.TypeOPT && !slices.ContainsFunc(m.Answer, mentioned) {
			return rr
		}
	}
	return nil
}

// chainOf returns the names that the answer section leads to.
func chainOf(m *dns.Msg) []string {
	chain := []string{dns.CanonicalName(m.Question[0].Name)}
	for i := 0; i < len(chain); i++ {
		for _, rr := range m.Answer {
			c, ok := rr.(*dns.CNAME)
			if !ok || dns.CanonicalName(c.Hdr.Name) != chain[i] {
				continue
			}
			if target := dns.CanonicalName(c.Target); !slices.Contains(chain, target) {
				chain = append(chain, target)
			}
		}
	}
	return chain
}

// mentions reports whether rr's data has the name.
func mentions(rr dns.RR, name string) bool {
	for i := 1; i <= dns.NumField(rr); i++ {
		if dns.CanonicalName(dns.Field(rr, i)) == dns.CanonicalName(name) {
			return true
		}
	}
	return false
}
