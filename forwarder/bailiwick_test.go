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
		{name: "plain", qtype: dns.TypeA, said: []string{own}, want: []string{own}},
		{name: "another name's address", qtype: dns.TypeA, said: []string{own, "bank.test. 60 IN A 10.6.6.6"}, want: []string{own}},
		{name: "additional address that nobody asked for", qtype: dns.TypeA, said: []string{own, "additional bank.test. 60 IN A 10.6.6.6"}, want: []string{own}},
		{name: "authority over another zone", qtype: dns.TypeA, said: []string{own, "authority test. 60 IN NS ns.example.", "additional ns.example. 60 IN A 10.6.6.6"}, want: []string{own}},
		{name: "authority over the zone", qtype: dns.TypeA, said: []string{own, "authority example. 60 IN NS ns.example.", "authority example. 60 IN TXT x"}, want: []string{own}},
		{name: "another class", qtype: dns.TypeA, said: []string{own, "www.example. 60 CH A 10.6.6.6"}, want: []string{"SERVFAIL"}},
		{name: "nothing but another class", qtype: dns.TypeA, said: []string{"www.example. 60 CH A 10.6.6.6"}, want: []string{"SERVFAIL"}},
		{name: "target's address", qtype: dns.TypeMX,
			said: []string{"www.example. 60 IN MX 1 mail.example.", "additional mail.example. 60 IN A 10.0.0.9", "additional bank.test. 60 IN A 10.6.6.6"},
			want: []string{"www.example. 60 IN MX 1 mail.example.", "mail.example. 60 IN A 10.0.0.9"}},
		{name: "service without target", qtype: dns.TypeSRV,
			said: []string{"www.example. 60 IN SRV 0 0 0 .", "additional . 60 IN A 10.6.6.6"}, want: []string{"www.example. 60 IN SRV 0 0 0 ."}},
		{name: "service at its owner", qtype: dns.TypeHTTPS,
			said: []string{"www.example. 60 IN HTTPS 1 . alpn=h2", "additional " + own}, want: []string{`www.example. 60 IN HTTPS 1 . alpn="h2"`, own}},
		{name: "negative", qtype: dns.TypeA, said: []string{"authority example. 60 IN SOA . . 1 2 3 4 60"}, want: []string{"example. 60 IN SOA . . 1 2 3 4 60"}},
		{name: "negative of another zone", qtype: dns.TypeA, said: []string{"authority bank.test. 60 IN SOA . . 1 2 3 4 60"}},
		{name: "two aliases", qtype: dns.TypeA,
			said: []string{"www.example. 60 IN CNAME a.example.", "www.example. 60 IN CNAME b.example.", "a.example. 60 IN A 10.0.0.1", "b.example. 60 IN A 10.0.0.2"},
			want: []string{"SERVFAIL"}},
		{name: "DNAME", qtype: dns.TypeA,
			said: []string{"example. 60 IN DNAME test.", "www.example. 60 IN CNAME www.test.", "www.test. 60 IN A 10.0.0.1", "bank.test. 60 IN A 10.6.6.6"},
			want: []string{"example. 60 IN DNAME test.", "www.example. 60 IN CNAME www.test.", "www.test. 60 IN A 10.0.0.1"}},
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
