package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
)

// upstreams tells which server is silent or fails, and since when.
func TestUpstreamsCommand(t *testing.T) {
	second, secondText := moreResolver(t)
	port := secondText[len("127.0.0.1#"):]
	c := startCommanded(t, `};
		zone "other.test" { type forward; forward only; forwarders { 127.0.0.1 port `+port+`; }; };
		zone "more.test" { type forward; forward only; forwarders { 127.0.0.1 port `+port+`; };`)
	first, other := regexp.QuoteMeta(host.Address(c.server.Stats().Upstream.Servers[0].Addr)), regexp.QuoteMeta(secondText)
	wantMatch(t, c.run("upstreams"), `\A`+first+`: up for \d\.\d s, RTT unknown, retry after \d+ ms, it never answered$`, `^  zones: \. awslab\.mycompany\.corp$`,
		`^  queries sent 0, answered 0, timed out 0; pending 0, waiting for it 0$`, `^  on this host: no packet budget$`,
		`^`+other+`: up for`, `^  zones: other\.test more\.test$`)
	c.ask("www.awslab.mycompany.corp.", dns.TypeA)
	wantMatch(t, c.run("upstreams"), `\A`+first+`: up for \d+\.\d s, RTT [\d.]+ ms, retry after \d+ ms, it answered \d\.\d s ago$`, `queries sent 1, answered 1, timed out 0; pending 0`)

	second.SetFaults("other.test.", vpcresolver.Faults{Drop: 1})
	go c.server.Exchange(t.Context(), new(dns.Msg).SetQuestion("silent.other.test.", dns.TypeA))
	down := regexp.MustCompile(`(?m)^` + other + `: down for \d\.\d s, .*\n.*\n  queries sent \d+, answered 0, timed out [1-9]\d*; pending [1-9]\d*, waiting for it 1$`)
	for end := time.Now().Add(20 * time.Second); !down.MatchString(c.run("upstreams")); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the server that is silent is not down:\n%s", c.run("upstreams"))
		}
	}
	second.SetFaults("other.test.", vpcresolver.Faults{Rcode: dns.RcodeServerFailure})
	c.run("flush")
	for _, name := range strings.Split("abcdefgh", "") {
		c.ask(name+".other.test.", dns.TypeA)
	}
	wantMatch(t, c.run("upstreams"), `^`+other+`: failing for \d\.\d s, RTT .*ms, .* it answered 0\.\d s ago$`)
}

func TestBudgetLine(t *testing.T) {
	u := forwarder.BudgetState{PPS: 900, Tokens: 90, Sent: 7, Waiting: 3, Refused: 2}
	for want, got := range map[string]string{
		"packet budget of all interfaces: 900 packets/s, 90 of them may leave now; sent 7, requests that wait 3, refused 2":                          budgetLine(u, forwarder.ThrottleStats{}),
		"packet budget of eth1: none; sent 0, requests that wait 0, refused 0; throttled (4 times halved), as the instance's allowance was exceeded": budgetLine(forwarder.BudgetState{Interface: "eth1"}, forwarder.ThrottleStats{Active: true, Halvings: 4}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
