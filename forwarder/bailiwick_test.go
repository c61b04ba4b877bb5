package forwarder

import (
	"slices"
	"strings"
	"testing"

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
			query := queryFor(1, "www.example.", tt.qtype)
			first, _ := s.learn(t, query, packed(saying(t, query, tt.said)))
			got := linesOf(unpacked(t, first))
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("reply =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
