package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// parentZone is a zone file of mycompany.corp.
const parentZone = "$TTL 60\n@ SOA ns admin 1 3600 600 86400 60\n@ NS ns\nns A 10.20.0.11\n"

// A server that has the zone above forwards what deploy/corporate.md says, with what
// that says about this: some do not without.
func TestDownstreamOfParent(t *testing.T) {
	network := newDownstreamNetwork(t)
	page := Snippets(t)
	plain, delegating := zoneFile(t, ""), zoneFile(t, page["bind-parent"])
	anchors := anchorsFile(t)
	for _, test := range []struct {
		server, snippet, more string
		want                  bool // an address
	}{
		{"named", "bind", fmt.Sprintf("zone \"mycompany.corp\" { type primary; file %q; };", plain), false},
		{"named", "bind", fmt.Sprintf("zone \"mycompany.corp\" { type primary; file %q; };", delegating), true},
		{"unbound", "unbound", "server:\n local-zone: mycompany.corp static\n", false},
		{"unbound", "unbound", "server:\n local-zone: mycompany.corp static\n" + page["unbound-parent"], true},
		{"unbound", "unbound", "auth-zone:\n name: mycompany.corp\n zonefile: " + plain + "\n", false},
		{"unbound", "unbound", "auth-zone:\n name: mycompany.corp\n for-downstream: no\n zonefile: " + plain + "\n", true},
		{"dnsmasq", "dnsmasq", "local=/mycompany.corp/\n", true},
		{"pdns_recursor", "powerdns", "auth-zones=mycompany.corp=" + plain + "\nlua-config-file=" + anchors + "\n", true},
	} {
		t.Run(test.server, func(t *testing.T) {
			network.holdDownstream(t, test.server, test.snippet, test.more, test.want)
		})
	}
}

// PowerDNS validates by itself for who asks with AD, and needs what the page says about it.
func TestDownstreamValidating(t *testing.T) {
	network := newDownstreamNetwork(t)
	anchors := "lua-config-file=" + anchorsFile(t) + "\n"
	for _, mode := range []string{"", "dnssec=validate\n"} {
		network.holdDownstream(t, "pdns_recursor", "powerdns", mode, false)
		network.holdDownstream(t, "pdns_recursor", "powerdns", mode+anchors, true)
	}
}

// anchorsFile is the file that lua-config-file names.
func anchorsFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "anchors.lua")
	if err := os.WriteFile(path, []byte(Snippets(t)["powerdns-lua"]), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// newDownstreamNetwork has one forwarder.
func newDownstreamNetwork(t *testing.T) *Network {
	t.Helper()
	network := NewNetwork(t)
	network.StartResolver(t)
	setup := Setup{Address: ForwarderA, Upstreams: []string{Resolver}}
	network.ForwarderA.Serve(t, Forwarder(t, BuildForwarder(t)), setup)
	return network
}

// holdDownstream holds whether the server has an address, when its snippet has more
// in it, against want. It is asked as dig does, with AD.
func (w *Network) holdDownstream(t *testing.T, server, snippet, more string, want bool) {
	t.Helper()
	snippets := Snippets(t)
	snippets[snippet] += more
	const address = "10.20.0.11"
	p := w.Corporate.Serve(t, downstream(t, server), Setup{Address: address, Snippets: snippets})
	defer p.End(t)
	question := new(dns.Msg).SetQuestion("myservice.awslab.mycompany.corp.", dns.TypeA)
	question.AuthenticatedData = true
	var reply *dns.Msg
	var err error
	for range 20 { // BIND that has just started may fail once
		reply, err = w.Corporate.Ask(t, "udp", address, question)
		if got := err == nil && len(reply.Answer) > 0; got == want {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Errorf("%s with\n%s\nanswers\n%v, %v", server, more, reply, err)
}

// zoneFile returns the path of a file with parentZone and more.
func zoneFile(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mycompany.corp.zone")
	if err := os.WriteFile(path, []byte(parentZone+more), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func downstream(t *testing.T, name string) Server {
	t.Helper()
	for _, s := range Downstream {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no server %s", name)
	return Server{}
}
