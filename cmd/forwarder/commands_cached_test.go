package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/host"
	"vpcdns/testdata"
)

// moreResolver starts another VPC resolver with these records.
func moreResolver(t *testing.T, records ...string) (*vpcresolver.Resolver, string) {
	t.Helper()
	r, err := vpcresolver.New(testdata.Zone, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Set(records...); err != nil {
		t.Fatal(err)
	}
	addr, err := r.Listen(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, fmt.Sprintf("%s#%d", addr.Addr(), addr.Port())
}

// cache tells of each answer from where it came, also of chains that more servers than
// one answer for, and of what was asked again.
func TestCacheCommand(t *testing.T) {
	second, secondText := moreResolver(t, "end.other.test. 300 IN A 10.2.2.2", "soon.other.test. 6 IN A 10.2.2.3")
	port := secondText[len("127.0.0.1#"):]
	c := startCommanded(t, `stale-cache-enable yes; stale-answer-enable yes; prefetch 5 6; };
		zone "other.test" { type forward; forward only; forwarders { 127.0.0.1 port `+port+`; }; };
		zone "more.test" { type forward; forward only; forwarders { 127.0.0.1 port `+port+`; };`)
	const alias, none = "alias.awslab.mycompany.corp.", "none.awslab.mycompany.corp."
	if err := c.resolver.Set(alias+" 200 IN CNAME end.other.test.", "short.awslab.mycompany.corp. 1 IN A 10.1.1.1"); err != nil {
		t.Fatal(err)
	}
	first := regexp.QuoteMeta(host.Address(c.server.Stats().Upstream.Servers[0].Addr))
	for range 3 {
		c.ask(alias, dns.TypeA)
	}
	for range 300 {
		c.ask("end.other.test.", dns.TypeA)
	}
	c.ask(none, dns.TypeA)
	c.ask("short.awslab.mycompany.corp.", dns.TypeA)
	c.ask("alias.awslab.mycompany.corp.", dns.TypeMX)

	wantMatch(t, c.run("cache END.other.test A"),
		`\Aalias\.awslab\.mycompany\.corp\. A: NOERROR, fresh for (200|19\d) s, asked .* ago of `+first+`, 2 hits, the chain goes on elsewhere$`,
		`^  alias\.awslab\.mycompany\.corp\.\t(200|199|198|197|196|195)\tIN\tCNAME\tend\.other\.test\.$`,
		`^end\.other\.test\. A: NOERROR, fresh for (300|2\d\d) s, asked .* s ago of `+regexp.QuoteMeta(secondText)+`, about [1-6]\d\d hits$`,
		`^  end\.other\.test\.\t(300|2\d\d)\tIN\tA\t10\.2\.2\.2\z`)
	wantMatch(t, c.run("cache "+none), `\Anone\.awslab\.mycompany\.corp\. any type: NXDOMAIN, fresh for .*, no hit$`, `^  .*\tSOA\t`)
	wantMatch(t, c.run("cache "+alias+" mx"), `\Aalias\.awslab\.mycompany\.corp\. MX: NO(DATA|ERROR), `)
	wantMatch(t, c.run("cache www.here.test"), `\Awww\.here\.test\. is answered from the zone here\.test\. here, not from the cache\z`)
	for line, want := range map[string]string{"cache": "unexpected end of input", "cache a..b": "empty label", "cache a nosuch": "unknown class/type: unknown type 'nosuch'",
		"cache nothing.test": "not found: no cached answer has nothing.test.", "cache a type65536": "unknown class/type: unknown type 'type65536'"} {
		if _, err := c.try(line); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	for text := ""; !regexp.MustCompile(`stale, and may be given for 86\d\d\d s`).MatchString(text); {
		text = c.run("cache short.awslab.mycompany.corp")
		time.Sleep(50 * time.Millisecond)
	}
	c.run("serve-stale off")
	wantMatch(t, c.run("cache short.awslab.mycompany.corp"), `A: NOERROR, stale, kept for 86\d\d\d s.*, and not given \(serve-stale\), asked`, `^  short\.awslab\.mycompany\.corp\.\t0\tIN\tA`)

	c.ask("soon.other.test.", dns.TypeA) // eligible for prefetch from its second second on
	for second.Queries("soon.other.test.") < 2 {
		c.ask("soon.other.test.", dns.TypeA)
		time.Sleep(50 * time.Millisecond)
	}
	wantMatch(t, c.run("cache soon.other.test"), `fresh for .* of `+regexp.QuoteMeta(secondText))
}

// Of large answers so many are shown as fit into a reply, and the rest is counted.
func TestCacheCommandOfLargeAnswers(t *testing.T) {
	c := startCommanded(t, "")
	const large = "large.awslab.mycompany.corp."
	if err := c.resolver.Set(large + " 300 IN TXT" + strings.Repeat(` "`+strings.Repeat("\x01", 250)+`"`, 230)); err != nil {
		t.Fatal(err)
	}
	const aliases = 10
	for i := range aliases {
		name := fmt.Sprintf("alias%d.awslab.mycompany.corp.", i)
		if err := c.resolver.Set(name + " 300 IN CNAME " + large); err != nil {
			t.Fatal(err)
		}
		c.ask(name, dns.TypeTXT)
	}
	text := c.run("cache large.awslab.mycompany.corp")
	shown, all := strings.Count(text, " TXT: NOERROR, "), aliases+1 // its own is among them
	if len(text) > 1<<20 || shown == 0 || shown == all {
		t.Errorf("%d octets about %d of %d answers, want some of them, in 1 MB at most", len(text), shown, all)
	}
	wantMatch(t, text, fmt.Sprintf(`^and %d more\z`, all-shown))
}
