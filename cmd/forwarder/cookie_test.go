package main

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// TestCookiesOfOneServerAreGoodAtTheOther needs both to make cookies by RFC 9018
// from the same secret, as the members of a pair may have it.
func TestCookiesOfOneServerAreGoodAtTheOther(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	_, upstream := startResolver(t)
	conf := differentialText(upstream, "require-server-cookie yes;")
	named, ours := freeAddr(t), freeAddr(t)
	startNamed(t, program, conf, named)
	startForwarder(t, lab.BuildForwarder(t), conf, ours)
	for _, test := range []struct {
		name     string
		from, to netip.AddrPort
	}{
		{"BIND's at the forwarder", named, ours},
		{"the forwarder's at BIND", ours, named},
	} {
		t.Run(test.name, func(t *testing.T) {
			const client = "0102030405060708"
			rcode, cookie := askWithCookie(t, test.from, client)
			if rcode != dns.RcodeBadCookie || len(cookie) != 48 {
				t.Fatalf("with a client cookie alone: %s and cookie %s, want BADCOOKIE and 24 octets", dns.RcodeToString[rcode], cookie)
			}
			if rcode, _ := askWithCookie(t, test.to, cookie); rcode != dns.RcodeSuccess {
				t.Errorf("with the other's cookie: %s, want NOERROR", dns.RcodeToString[rcode])
			}
			forged := cookie[:47] + map[bool]string{true: "1", false: "0"}[cookie[47] == '0']
			if rcode, _ := askWithCookie(t, test.to, forged); rcode != dns.RcodeBadCookie {
				t.Errorf("with a forged cookie: %s, want BADCOOKIE", dns.RcodeToString[rcode])
			}
		})
	}
}

// askWithCookie returns the rcode and the cookie of the reply, in hexadecimal.
func askWithCookie(t *testing.T, server netip.AddrPort, cookie string) (rcode int, replied string) {
	t.Helper()
	q := new(dns.Msg).SetQuestion("stable.awslab.mycompany.corp.", dns.TypeA).SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie}}
	reply, _, err := new(dns.Client).Exchange(q, server.String())
	if err != nil {
		t.Fatal(err)
	}
	if opt := reply.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				replied = c.Cookie
			}
		}
	}
	return reply.Rcode, replied
}
