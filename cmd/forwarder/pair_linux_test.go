package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/testdata"
)

const (
	addressA = "10.79.1.10"
	addressB = "10.79.2.10"
)

// pair is the two forwarders in their network.
type pair struct {
	*lab
	vpc *vpcresolver.Resolver
}

// newPair starts both with the reference configuration as it is. The first has
// the directories that it names, the second has not.
func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{lab: newLab(t)}
	p.startVPC(t)
	conf, err := filepath.Abs("../../testdata/named.conf/good-reference.conf")
	if err != nil {
		t.Fatal(err)
	}
	program := buildForwarder(t)
	const directories = "mkdir -p /var/named /var/log/named"
	p.forwarderA.start(t, "forwarder a", command(t, nil, directories, program, "-f", "-c", conf), addressA)
	p.forwarderB.start(t, "forwarder b", command(t, nil, "", program, "-f", "-c", conf), addressB)
	return p
}

func (p *pair) startVPC(t *testing.T) {
	t.Helper()
	var err error
	if p.vpc, err = vpcresolver.New(testdata.Zone, true); err != nil {
		t.Fatal(err)
	}
	p.resolver.do(t, func() { _, err = p.vpc.Listen(netip.MustParseAddrPort("10.79.0.2:53")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.vpc.Close() })
}

// corporateDNS is a peer that forwards the two private zones to the pair.
type corporateDNS struct{ program, debian, address string }

var corporateDNSes = []corporateDNS{
	{"named", "bind9", "10.20.0.11"},
	{"unbound", "unbound", "10.20.0.12"},
	{"dnsmasq", "dnsmasq-base", "10.20.0.13"},
}

var privateZones = []string{"awslab.mycompany.corp", "us-east-1.compute.internal"}

func (c corporateDNS) start(t *testing.T, n *namespace) {
	t.Helper()
	program := needPeer(t, c.program, c.debian)
	var cmd *exec.Cmd
	switch c.program {
	case "named":
		conf := writeConf(t, corporateNamed(c.address), netip.AddrPort{})
		cmd = command(t, nil, "", program, "-g", "-c", conf)
	case "unbound":
		conf := writeConf(t, corporateUnbound(c.address), netip.AddrPort{})
		cmd = command(t, nil, "", program, "-d", "-c", conf)
	case "dnsmasq":
		args := append([]string{program}, corporateDnsmasq(c.address)...)
		cmd = command(t, nil, "", args...)
	}
	n.start(t, c.program+", corporate", cmd, c.address)
}

func corporateNamed(address string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `controls { };
options {
    directory "{dir}"; pid-file none; session-keyfile none; dnssec-validation no;
    listen-on { %s; }; listen-on-v6 { none; }; allow-query { any; };
    empty-zones-enable no;
};
`, address)
	for _, zone := range privateZones {
		fmt.Fprintf(&b, "zone %q { type forward; forward only; forwarders { %s; %s; }; };\n", zone, addressA, addressB)
	}
	return b.String()
}

func corporateUnbound(address string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `server:
    directory: "{dir}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-ip6: no
    interface: %s
    access-control: 10.20.0.0/16 allow
    module-config: "iterator"
remote-control:
    control-enable: no
`, address)
	for _, zone := range privateZones {
		fmt.Fprintf(&b, "forward-zone:\n    name: %q\n    forward-addr: %s\n    forward-addr: %s\n", zone, addressA, addressB)
	}
	return b.String()
}

func corporateDnsmasq(address string) []string {
	args := []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
		"--listen-address=" + address, "--user=root", "--pid-file=", "--log-facility=-",
	}
	for _, zone := range privateZones {
		args = append(args, "--server=/"+zone+"/"+addressA, "--server=/"+zone+"/"+addressB)
	}
	return args
}

func TestPair(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, c := range corporateDNSes {
		c.start(t, p.corporate)
	}
	t.Run("through a corporate DNS", p.testCorporate)
	t.Run("through resolv.conf", p.testGetent)
	t.Run("guest is refused", p.testGuest)
	t.Run("failover", p.testFailover)
	t.Run("one forwarder is cut off", p.testCut)
}

func (p *pair) testCorporate(t *testing.T) {
	tests := []struct {
		network, name string
		qtype         uint16
		rcode         int
		records       int
	}{
		{"udp", "myservice.awslab.mycompany.corp.", dns.TypeA, dns.RcodeSuccess, 1},
		{"udp", "queue.awslab.mycompany.corp.", dns.TypeAAAA, dns.RcodeSuccess, 1},
		{"udp", "www.awslab.mycompany.corp.", dns.TypeA, dns.RcodeSuccess, 3},
		{"udp", "hop8.awslab.mycompany.corp.", dns.TypeA, dns.RcodeSuccess, 9},
		{"udp", "any.wild.awslab.mycompany.corp.", dns.TypeA, dns.RcodeSuccess, 1},
		{"udp", "_ldap._tcp.awslab.mycompany.corp.", dns.TypeSRV, dns.RcodeSuccess, 2},
		{"udp", "ip-10-79-1-10.us-east-1.compute.internal.", dns.TypeA, dns.RcodeSuccess, 1},
		{"udp", "stable.awslab.mycompany.corp.", dns.TypeMX, dns.RcodeSuccess, 0},
		{"udp", "nothing.awslab.mycompany.corp.", dns.TypeA, dns.RcodeNameError, 0},
		{"tcp", "bigtext.awslab.mycompany.corp.", dns.TypeTXT, dns.RcodeSuccess, 60},
		{"tcp", "a100.awslab.mycompany.corp.", dns.TypeA, dns.RcodeSuccess, 100},
	}
	for _, c := range corporateDNSes {
		for _, test := range tests {
			question := new(dns.Msg).SetQuestion(test.name, test.qtype)
			reply, err := p.corporate.ask(t, test.network, c.address, question)
			if err != nil {
				t.Errorf("%s %s: %v", c.program, test.name, err)
			} else if reply.Rcode != test.rcode || len(reply.Answer) != test.records {
				t.Errorf("%s %s = %s with %d records, want %s with %d", c.program, test.name,
					dns.RcodeToString[reply.Rcode], len(reply.Answer), dns.RcodeToString[test.rcode], test.records)
			}
		}
	}
}

const resolvConf = "nameserver " + addressA + "\nnameserver " + addressB + "\noptions timeout:1\nsearch awslab.mycompany.corp\n"

// getent asks glibc's stub resolver.
func getent(t *testing.T, n *namespace, name string) (output string, err error) {
	t.Helper()
	program := needPeer(t, "getent", "libc-bin")
	etc := map[string]string{"resolv.conf": resolvConf, "nsswitch.conf": "hosts: dns\n"}
	cmd := command(t, etc, "", program, "ahosts", name)
	var out []byte
	n.do(t, func() { out, err = cmd.CombinedOutput() })
	return string(out), err
}

func (p *pair) testGetent(t *testing.T) {
	for name, want := range map[string]string{
		"myservice.awslab.mycompany.corp":          "10.79.252.13",
		"myservice":                                "10.79.252.13",
		"www.awslab.mycompany.corp":                "10.79.252.13",
		"queue.awslab.mycompany.corp":              "fd00:79::22",
		"ip-10-79-1-10.us-east-1.compute.internal": "10.79.1.10",
		"outside.awslab.mycompany.corp":            "192.0.2.2",
		"a100.awslab.mycompany.corp":               "10.79.11.100",
	} {
		if got, err := getent(t, p.corporate, name); err != nil || !strings.Contains(got, want+" ") {
			t.Errorf("getent ahosts %s = %v, want %s in:\n%s", name, err, want, got)
		}
	}
	if got, err := getent(t, p.corporate, "nothing.awslab.mycompany.corp"); err == nil {
		t.Errorf("getent ahosts nothing.awslab.mycompany.corp found:\n%s", got)
	}
}

func (p *pair) testGuest(t *testing.T) {
	for _, address := range []string{addressA, addressB} {
		for _, network := range []string{"udp", "tcp"} {
			question := new(dns.Msg).SetQuestion("myservice.awslab.mycompany.corp.", dns.TypeA).SetEdns0(1232, false)
			reply, err := p.guest.ask(t, network, address, question)
			if err != nil {
				t.Errorf("%s %s: %v", network, address, err)
				continue
			}
			opt := reply.IsEdns0()
			if reply.Rcode != dns.RcodeRefused || reply.RecursionAvailable || len(reply.Answer) != 0 ||
				opt == nil || !strings.HasPrefix(extendedErrors(opt), "18") {
				t.Errorf("%s %s: a guest gets %v, want REFUSED with EDE 18, without RA", network, address, reply)
			}
		}
	}
	if got, err := getent(t, p.guest, "myservice.awslab.mycompany.corp"); err == nil {
		t.Errorf("getent in the guest network found:\n%s", got)
	}
}

// testFailover moves a name and waits for every client to see it, for as long
// as the TTL allows: once in the VPC resolver and not again in each cache
// below it. Each of those may round up by a second.
func (p *pair) testFailover(t *testing.T) {
	const ttl, caches = 4, 3
	const name, from, to = "moving.awslab.mycompany.corp.", "10.79.252.13", "10.79.253.13"
	move := func(address string) {
		if err := p.vpc.Set(fmt.Sprintf("%s %d IN A %s", name, ttl, address)); err != nil {
			t.Fatal(err)
		}
	}
	move(from)
	unseen := map[string]string{addressA: "forwarder a", addressB: "forwarder b"}
	for _, c := range corporateDNSes {
		unseen[c.address] = c.program
	}
	for address, who := range unseen {
		if got := p.address(t, address, name); got != from {
			t.Fatalf("%s answers %q before the failover, want %s", who, got, from)
		}
	}
	moved := time.Now()
	move(to)
	for len(unseen) > 0 && time.Since(moved) < (ttl+caches)*time.Second {
		for address, who := range unseen {
			if p.address(t, address, name) == to {
				t.Logf("%s: new address after %.1f s of a TTL of %d s", who, time.Since(moved).Seconds(), ttl)
				delete(unseen, address)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, who := range unseen {
		t.Errorf("%s still answers the old address after %v", who, time.Since(moved))
	}
}

// address returns the address in the answer to a stub resolver, "" without one.
func (p *pair) address(t *testing.T, server, name string) string {
	t.Helper()
	reply, err := p.corporate.ask(t, "udp", server, new(dns.Msg).SetQuestion(name, dns.TypeA))
	if err != nil || len(reply.Answer) == 0 {
		return ""
	}
	return reply.Answer[len(reply.Answer)-1].(*dns.A).A.String()
}

// testCut takes an Availability Zone away: packets to its forwarder vanish.
func (p *pair) testCut(t *testing.T) {
	p.router.ip(t, "link set forwarderA down")
	defer p.router.ip(t, "link set forwarderA up")
	for _, c := range corporateDNSes {
		for i := range 5 {
			name := fmt.Sprintf("cut%d-%s.wild.awslab.mycompany.corp.", i, c.program)
			if got, want := p.address(t, c.address, name), "10.79.5.1"; got != want {
				t.Errorf("%s %s = %q, want %s", c.program, name, got, want)
			}
		}
	}
	if got, err := getent(t, p.corporate, "cut.wild.awslab.mycompany.corp"); err != nil {
		t.Errorf("getent = %v, want an address:\n%s", err, got)
	}
}
