package lab

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// What deploy/corporate.md says is what each server takes to reach the pair, and a
// line that it has against validation or rebinding is needed.
func TestDownstream(t *testing.T) {
	network := NewNetwork(t)
	network.StartResolver(t)
	program := BuildForwarder(t)
	setup := Setup{Address: ForwarderA, Upstreams: []string{Resolver}, Options: "max-ncache-ttl 10;"}
	network.ForwarderA.Serve(t, Forwarder(t, program), setup)
	setup.Address = ForwarderB
	network.ForwarderB.Serve(t, Forwarder(t, program), setup)
	asked := 0
	answers := func(t *testing.T, s Server, snippets map[string]string) bool {
		const address = "10.20.0.11"
		p := network.Corporate.Serve(t, s, Setup{Address: address, Snippets: snippets})
		defer p.End(t)
		asked++
		name := fmt.Sprintf("%d.cold.awslab.mycompany.corp.", asked) // which no cache has
		for range 2 {
			reply, err := network.Corporate.Ask(t, "udp", address, new(dns.Msg).SetQuestion(name, dns.TypeA))
			if err != nil || len(reply.Answer) != 1 || !strings.HasSuffix(reply.Answer[0].String(), "\t10.79.6.11") {
				t.Logf("%v, %v", reply, err)
				return false
			}
		}
		reply, err := network.Corporate.Ask(t, "udp", address, new(dns.Msg).SetQuestion("nobody.awslab.mycompany.corp.", dns.TypeA))
		if err != nil || reply.Rcode != dns.RcodeNameError || len(reply.Ns) != 1 || reply.Ns[0].Header().Ttl > 10 {
			t.Errorf("it says of a name that is not there: %v, %v; want NXDOMAIN and a SOA with a TTL of 10 at most", reply, err)
		}
		return true
	}
	for _, s := range Downstream {
		t.Run(s.Name, func(t *testing.T) {
			if !answers(t, s, Snippets(t)) {
				t.Error("it gives no address as deploy/corporate.md says")
			}
			if !answers(t, s, PlainSnippets(t)) {
				t.Error("it gives no address as it comes")
			}
			if line := needed[s.Name]; line != nil && answers(t, s, without(Snippets(t), line)) {
				t.Errorf("it gives an address without %v", line)
			}
		})
	}
}

// needed is what a server gives no address of the two zones without.
var needed = map[string]*regexp.Regexp{
	"named":         regexp.MustCompile(`validate-except .*`),
	"unbound":       regexp.MustCompile(`domain-insecure: .*`),
	"dnsmasq":       regexp.MustCompile(`rebind-domain-ok=.*`),
	"pdns_recursor": regexp.MustCompile(`-recurse`), // RD is set by that
}

func without(snippets map[string]string, what *regexp.Regexp) map[string]string {
	snippets = maps.Clone(snippets)
	for name, text := range snippets {
		snippets[name] = what.ReplaceAllString(text, "")
	}
	return snippets
}
