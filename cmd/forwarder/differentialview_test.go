package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// viewConf is the differential configuration in a view, which does not match
// clients in 127.0.7.0/24.
const viewConf = `
acl goodclients { !127.0.9.0/24; 10.0.0.0/8; localhost; localnets; };
controls { };
options {
    directory "{dir}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} { {address}; };
    listen-on-v6 { none; };
    version "not currently available";
    allow-query { any; };
    recursion no;
    dnssec-validation no;
    cookie-algorithm siphash24;
    cookie-secret "4a7d3c1f5b2e6a9088c1d2e3f4a5b6c7";
    forward only;
    forwarders { 127.0.0.1 port 1; };
};
view "inside" IN {
    match-clients { !127.0.7.0/24; any; };
    match-destinations { any; };
    recursion yes;
    allow-query { goodclients; };
    forwarders { {upstream}; };
    zone "us-east-1.compute.internal" IN { type forward; forward only; forwarders { {upstream}; }; };
    zone "awslab.mycompany.corp." IN { type forward; forward only; forwarders { {upstream}; }; };
};
`

var unmatched = netip.MustParseAddr("127.0.7.1")

// TestDifferentialView sends BIND and the forwarder the same queries, with a
// view that not all clients match.
func TestDifferentialView(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	resolver, upstream := startResolver(t)
	setTTLs(t, resolver)
	conf := strings.ReplaceAll(viewConf, "{upstream}", fmt.Sprintf("%s port %d", upstream.Addr(), upstream.Port()))
	both := servers{named: freeAddr(t), ours: freeAddr(t)}
	startNamed(t, program, conf, both.named)
	startForwarder(t, lab.BuildForwarder(t), conf, both.ours)
	strangers := slices.Concat(every(3, typeProbes()), every(3, ednsProbes()), every(20, flagProbes()), every(5, classProbes()), every(5, unaskedProbes()))
	both.run(t, append(somePhases(),
		phase{name: "unmatched client", probes: from(unmatched, strangers)},
		phase{name: "unmatched client, CHAOS", probes: chaosFrom(unmatched)},
	), deviations)
}

// chaosFrom asks who the server is from one address, no more often than BIND
// answers.
func chaosFrom(source netip.Addr) []probe {
	some := chaosProbes()[:3]
	for i := range some {
		some[i].source = source
	}
	return some
}
