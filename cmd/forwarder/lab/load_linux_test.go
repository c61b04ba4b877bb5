package lab

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	resolver := network.StartResolver(t)
	const silent, failing = "silent.cold.awslab.mycompany.corp.", "failing.cold.awslab.mycompany.corp."
	resolver.SetFaults(silent, vpcresolver.Faults{Drop: 1})
	resolver.SetFaults(failing, vpcresolver.Faults{Rcode: dns.RcodeServerFailure})
	resolver.Record()
	const nobody = ForwarderA // refuses packets
	answers := Load{
		From: network.Corporate, Servers: []string{nobody, Resolver}, Rate: 100, For: time.Second,
		Clients: 3, Timeout: 500 * time.Millisecond, Tries: 4,
		Name: func(i int) string {
			return []string{silent, failing, fmt.Sprintf("%d.hot.awslab.mycompany.corp.", i)}[i%3]
		},
	}.Run(context.Background(), t)
	if len(answers) != 100 {
		t.Fatalf("Run() = %d answers, want 100", len(answers))
	}
	for i, a := range answers {
		switch i % 3 {
		case 0:
			if a.Rcode != -1 || a.Tries != 4 || a.Took < 500*time.Millisecond {
				t.Errorf("a query without answer ends as %+v", a)
			}
		case 1:
			if a.Rcode != dns.RcodeServerFailure || a.OK() {
				t.Errorf("a query that fails ends as %+v", a)
			}
		case 2:
			if !a.OK() || a.TTL > 10*time.Second {
				t.Errorf("a good query ends as %+v", a)
			}
		}
	}
	if got := len(resolver.Recorded()); got < 100 {
		t.Errorf("%d queries arrived, want each, and some again", got)
	}
}
