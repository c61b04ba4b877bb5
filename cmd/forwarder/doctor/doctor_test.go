package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/config"
	"vpcdns/testdata"
)

const zone = "awslab.mycompany.corp."

var loopback = netip.MustParseAddr("127.0.0.1")

func startResolver(t *testing.T, f vpcresolver.Faults) netip.AddrPort {
	t.Helper()
	r, err := vpcresolver.New(testdata.Zone, false)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := r.Listen(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.SetFaults(".", f)
	return addr
}

// serveUDP calls f with each datagram that comes.
func serveUDP(t *testing.T, f func(c *net.UDPConn, packet []byte, from *net.UDPAddr)) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buf := make([]byte, dns.MaxMsgSize)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			f(c, buf[:n], from)
		}
	})
	t.Cleanup(func() { c.Close(); serving.Wait() })
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// forwards is a configuration that sends a zone to servers.
func forwards(zone string, servers ...netip.AddrPort) *config.Config {
	cfg := config.Default()
	cfg.Zones = []config.ForwardZone{{Name: zone, Forwarders: servers}}
	return cfg
}

func findings(t *testing.T, m *Machine, look func(context.Context, *Machine, *report)) []Finding {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	r := &report{check: t.Name()}
	look(ctx, m, r)
	return r.findings
}

// Each fault of a server is found, and told from the others.
func TestUpstreams(t *testing.T) {
	nowhere := serveUDP(t, func(*net.UDPConn, []byte, *net.UDPAddr) {})
	closed := netip.AddrPortFrom(netip.MustParseAddr("127.79.0.2"), 9)
	echo := serveUDP(t, func(c *net.UDPConn, packet []byte, from *net.UDPAddr) { c.WriteToUDP(packet, from) })
	tests := []struct {
		name                 string
		faults               vpcresolver.Faults
		server               netip.AddrPort // in place of the resolver
		zone                 string
		upstream, ofZone     State
		sees, seesOfZone     string
		remedy, remedyOfZone string
	}{
		{name: "healthy", sees: " ms, EDNS ", seesOfZone: "it answers"},
		{name: "silent", faults: vpcresolver.Faults{Drop: 1}, upstream: Problem, sees: "UDP: no answer, EDNS: no answer, TCP: no answer", remedy: "security groups", ofZone: Unseen, seesOfZone: "no answer"},
		{name: "silent over UDP, nothing over TCP", server: nowhere, upstream: Problem, sees: "UDP: no answer", ofZone: Unseen},
		{name: "nothing there", server: closed, upstream: Problem, sees: "nothing serves that port", remedy: "right address", ofZone: Unseen},
		{name: "sends questions back", server: echo, upstream: Problem, sees: "sends our own question back", remedy: "DNS server", ofZone: Unseen},
		{name: "no TCP", faults: vpcresolver.Faults{NoTCP: true}, upstream: Problem, sees: "TCP: no answer", remedy: "truncated cannot be had"},
		{name: "truncates all", faults: vpcresolver.Faults{Truncated: true}, upstream: Warning, sees: "it truncates (TC)"},
		{name: "no EDNS", faults: vpcresolver.Faults{NoEDNS: true}, upstream: Warning, sees: "it does not know EDNS"},
		{name: "ignores EDNS", faults: vpcresolver.Faults{NoOPT: true}, upstream: Warning, sees: "it does not know EDNS"},
		{name: "refuses", faults: vpcresolver.Faults{Rcode: dns.RcodeRefused}, ofZone: Problem, seesOfZone: "REFUSED", remedyOfZone: "inside its VPC"},
		{name: "fails", faults: vpcresolver.Faults{Rcode: dns.RcodeServerFailure}, ofZone: Problem, seesOfZone: "SERVFAIL"},
		{name: "refers", faults: vpcresolver.Faults{Referral: true, NoRA: true}, ofZone: Problem, seesOfZone: "refers to other servers"},
		{name: "is no resolver", faults: vpcresolver.Faults{NoRA: true}, ofZone: Warning, seesOfZone: "RA=0"},
		{name: "empty", faults: vpcresolver.Faults{Empty: true}, ofZone: Warning, seesOfZone: "no such zone"},
		{name: "has not this zone", zone: "nothing." + zone, ofZone: Problem, seesOfZone: "NXDOMAIN for the zone itself", remedyOfZone: "associate the private zone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !test.server.IsValid() {
				test.server = startResolver(t, test.faults)
			}
			if test.zone == "" {
				test.zone = zone
			}
			m := &Machine{Config: forwards(test.zone, test.server)}
			one(t, findings(t, m, checkUpstreams), test.upstream, test.sees, test.remedy)
			one(t, findings(t, m, checkZones), test.ofZone, test.seesOfZone, test.remedyOfZone)
		})
	}
}

// one wants a single finding.
func one(t *testing.T, list []Finding, state State, sees, remedy string) {
	t.Helper()
	if len(list) != 1 || list[0].State != state || !strings.Contains(list[0].Seen, sees) || !strings.Contains(list[0].Remedy, remedy) {
		t.Errorf("findings are %v, want %v, %q and the remedy %q", list, state, sees, remedy)
	}
	if len(list) == 1 && list[0].State > Unseen && list[0].Remedy == "" {
		t.Errorf("there is no remedy for %v", list[0])
	}
}

// A server that asks this host in turn is found, and so is one that is this host.
func TestLoop(t *testing.T) {
	free := netip.MustParseAddrPort("127.79.0.9:53953")
	circle := serveUDP(t, func(c *net.UDPConn, packet []byte, _ *net.UDPAddr) {
		c.WriteToUDPAddrPort(packet, free)
	})
	m := &Machine{Config: forwards(zone, circle, startResolver(t, vpcresolver.Faults{})), Addresses: []netip.AddrPort{free}}
	one(t, findings(t, m, checkLoop), Problem, fmt.Sprintf("asked of 127.0.0.1#%d comes back from ", circle.Port()), "forward elsewhere")
	m.Config = forwards(zone, startResolver(t, vpcresolver.Faults{}))
	one(t, findings(t, m, checkLoop), OK, "no server asks this host", "")
	m.Config = forwards(zone, free)
	one(t, findings(t, m, checkLoop), Problem, "127.79.0.9#53953 is forwarded to", "VPC resolver")
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(free))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m.Config = forwards(zone, startResolver(t, vpcresolver.Faults{}))
	if list := findings(t, m, checkLoop); len(list) != 1 || list[0].State != Unseen {
		t.Errorf("with no address to listen at findings are %v, want that nothing is seen", list)
	}
}

// Who holds a port decides what is to be done.
func TestPorts(t *testing.T) {
	served := netip.MustParseAddrPort("10.1.0.1:53")
	tests := []struct {
		name   string
		holder string // of every address
		look   func(context.Context, *Machine, *report)
		state  State
		sees   string
	}{
		{"free", "", checkAddresses, OK, "free for UDP and TCP: 10.1.0.1#53"},
		{"named", "UDP 10.1.0.1#53 is taken by named (pid 812)", checkAddresses, Warning, "named (pid 812)"},
		{"forwarder", "UDP 10.1.0.1#53 is taken by forwarder (pid 812)", checkAddresses, OK, "forwarder (pid 812)"},
		{"resolved", "UDP 0.0.0.0#53 is taken by systemd-resolve (pid 812)", checkAddresses, Problem, "systemd-resolve"},
		{"other", "TCP 0.0.0.0#53 is taken by dnsmasq (pid 812)", checkAddresses, Problem, "dnsmasq"},
		{"unit", "TCP 0.0.0.0#53 is taken by named.service (pid 7, user named)", checkAddresses, Warning, "named.service"},
		{"unknown", "TCP 0.0.0.0#53 is taken by a process of user root", checkAddresses, Unseen, "user root"},
		{"stub", "UDP 127.0.0.53#53 is taken by systemd-resolve (pid 812)", checkStub, OK, "it is not in the way"},
		{"no stub", "", checkStub, OK, "nobody has 127.0.0.53#53"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &Machine{Config: config.Default(), Addresses: []netip.AddrPort{served}, Holders: func(netip.AddrPort) []string {
				if test.holder == "" {
					return nil
				}
				return []string{test.holder}
			}}
			one(t, findings(t, m, test.look), test.state, test.sees, "")
		})
	}
	m := &Machine{Config: forwards(zone, stub), Holders: func(netip.AddrPort) []string { return nil }}
	one(t, findings(t, m, checkStub), Problem, "127.0.0.53#53 is forwarded to", "VPC resolver")
	one(t, findings(t, m, checkAddresses), Problem, "listen-on matches no address", "listen-on")
}

// All checks together end in time, though a server is silent, and say something
// each.
func TestExamine(t *testing.T) {
	silent := startResolver(t, vpcresolver.Faults{Drop: 1})
	m := &Machine{Config: forwards(zone, silent), Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.79.0.10:53953")}, Holders: func(netip.AddrPort) []string { return nil }, Descriptors: 1000}
	list := Examine(t.Context(), m)
	said := make(map[string]bool)
	for _, f := range list {
		said[f.Check] = true
		if f.Seen == "" || strings.Contains(f.Seen, "did not end in time") {
			t.Errorf("a check says %+v", f)
		}
	}
	for _, c := range checks {
		if !said[c.name] {
			t.Errorf("check %s says nothing", c.name)
		}
	}
	if Worst(list) != Problem {
		t.Errorf("Worst = %v, want a problem", Worst(list))
	}
}
