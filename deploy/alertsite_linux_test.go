package deploy

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
	"vpcdns/testdata"
)

const (
	watchedName = "db.awslab.mycompany.corp."
	oldData     = "10.79.3.20"
	newData     = "10.79.3.21"
)

// alertSite is a pair that a Prometheus looks at, with clients that ask both, in a network
// of its own.
type alertSite struct {
	*lab.Network
	*prometheus
	vpc, also *vpcresolver.Resolver // also is what forwarder b asks where it has another
	a, b      *lab.Process
	conf      string // path of a's
	key       string // path

	startB     func()
	stopCached func() // ends the queries for names that are cached
}

// how is how the forwarders of a site are started, and what is asked of each in a second.
type how struct {
	options string   // of named.conf
	flags   []string // more
	otherB  bool     // b asks a resolver of its own
	cached  int      // queries for names that are cached, in a second; 20 at least
	new     int      // for names that are not; 5 at least
}

// startSite starts all of them.
func startSite(t *testing.T, program, rules string, h how) *alertSite {
	t.Helper()
	s := &alertSite{Network: lab.NewNetwork(t), key: lab.WriteKey(t)}
	s.vpc = s.StartResolver(t)
	s.set(t, s.vpc, oldData)
	upstreamB := lab.Resolver
	if h.otherB {
		s.also, upstreamB = s.startResolverAlso(t), lab.ResolverAlso
	}
	server := lab.Forwarder(t, program)
	s.a, s.conf = s.startForwarder(t, s.ForwarderA, server, setupOf(t, h, lab.ForwarderA, lab.ForwarderB, lab.Resolver))
	setupB := setupOf(t, h, lab.ForwarderB, lab.ForwarderA, upstreamB)
	s.startB = func() { s.b, _ = s.startForwarder(t, s.ForwarderB, server, setupB) }
	s.startB()
	s.prometheus = startPrometheus(t, s.Corporate, rules)
	s.ask(t, h)
	return s
}

// ask asks both for names that are cached, for new ones, and for the watched one.
func (s *alertSite) ask(t *testing.T, h how) {
	t.Helper()
	var stops []func()
	for _, address := range []string{lab.ForwarderA, lab.ForwarderB} {
		cached := func(i int) string { return fmt.Sprintf("%d.cold.awslab.mycompany.corp.", i%10) }
		stops = append(stops, s.load(t, s.Corporate, address, max(h.cached, 20), cached))
		s.load(t, s.Corporate, address, max(h.new, 5), newName)
		s.load(t, s.Corporate, address, 2, func(int) string { return watchedName })
	}
	s.stopCached = func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// newName is one that nobody asked for before.
func newName(i int) string {
	return fmt.Sprintf("n%d-%d.cold.awslab.mycompany.corp.", i, time.Now().UnixNano())
}

func setupOf(t *testing.T, h how, address, peer, upstream string) lab.Setup {
	return lab.Setup{
		Address: address, Upstreams: []string{upstream}, Options: h.options, Controls: lab.Controls(address),
		Flags: append([]string{"--metrics-address", address + ":9153", "--peer", peer, "--watch", watchedName,
			"--state-file", t.TempDir() + "/state"}, h.flags...),
	}
}

// startForwarder also returns the path of its named.conf.
func (s *alertSite) startForwarder(t *testing.T, n *lab.Namespace, server lab.Server, setup lab.Setup) (*lab.Process, string) {
	t.Helper()
	args := server.CommandLine(t, setup)
	cmd := lab.Command(t, nil, "mkdir -p /var/named /var/log/named\n", args...)
	p := n.Start(t, "forwarder "+setup.Address, cmd, setup.Address)
	for i, arg := range args {
		if arg == "-c" {
			return p, args[i+1]
		}
	}
	t.Fatalf("%q names no named.conf", args)
	return nil, ""
}

// startResolverAlso starts a second VPC resolver, at its own address.
func (s *alertSite) startResolverAlso(t *testing.T) *vpcresolver.Resolver {
	t.Helper()
	r, err := vpcresolver.New(testdata.Zone, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Set("*.cold.awslab.mycompany.corp. 3600 IN A 10.79.6.11"); err != nil {
		t.Fatal(err)
	}
	s.set(t, r, oldData)
	s.Resolver.Do(t, func() { _, err = r.Listen(netip.MustParseAddrPort(lab.ResolverAlso + ":53")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// set gives the watched name an address in Route 53.
func (s *alertSite) set(t *testing.T, r *vpcresolver.Resolver, address string) {
	t.Helper()
	s.setFor(t, r, address, 2)
}

func (s *alertSite) setFor(t *testing.T, r *vpcresolver.Resolver, address string, ttl int) {
	t.Helper()
	if err := r.Set(fmt.Sprintf("%s %d IN A %s", watchedName, ttl, address)); err != nil {
		t.Fatal(err)
	}
}

// untilGiven waits until both forwarders give an address.
func (s *alertSite) untilGiven(t *testing.T, address string) {
	t.Helper()
	for _, server := range []string{lab.ForwarderA, lab.ForwarderB} {
		for range 300 {
			reply, err := s.Corporate.Ask(t, "udp", server, new(dns.Msg).SetQuestion(watchedName, dns.TypeA))
			if err == nil && len(reply.Answer) == 1 && reply.Answer[0].(*dns.A).A.String() == address {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// load asks until the end of the test, or until stop is called.
func (s *alertSite) load(t *testing.T, from *lab.Namespace, server string, rate int, name func(i int) string) (stop func()) {
	t.Helper()
	_, stop = lab.Load{
		From: from, Servers: []string{server}, Rate: rate, For: time.Hour, Clients: 2, Timeout: time.Second, Name: name,
	}.Start(t)
	return stop
}

// rndc runs a command at a forwarder.
func (s *alertSite) rndc(t *testing.T, address string, words ...string) error {
	t.Helper()
	args := append([]string{"-k", s.key, "-s", address}, words...)
	if code, out, errs := s.Application.Run(t, exec.Command(workbench.Need(t, "rndc"), args...)); code != 0 {
		return fmt.Errorf("rndc %q = %d, %s%s", args, code, out, errs)
	}
	return nil
}

// both runs one at both forwarders.
func (s *alertSite) both(t *testing.T, command string) {
	t.Helper()
	for _, address := range []string{lab.ForwarderA, lab.ForwarderB} {
		if err := s.rndc(t, address, strings.Fields(command)...); err != nil {
			t.Error(err)
		}
	}
}

// breakConf makes the configuration of forwarder a one that cannot be loaded.
func (s *alertSite) breakConf(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(s.conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.conf, append(text, "options { no-such-option; };\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
}
