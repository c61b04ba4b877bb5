package browser

import (
	"flag"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/testdata"
)

var update = flag.Bool("update", false, "write the pictures of the README, which takes minutes")

const (
	database = "db." + zone
	queue    = "queue." + zone
	api      = "api." + zone // is not watched
	branch   = "pos.branch.mycompany.corp."
)

// story is a pair of forwarders that lives through a bad quarter of an hour, at its
// own pace or faster.
type story struct {
	*lab.Network
	t          *testing.T
	program    string
	key        string // file
	vpc, other *vpcresolver.Resolver
	minute     time.Duration
}

// A failover by an operator, one that is guarded, one that went well, a name that was
// not watched, and a branch whose DNS is silent: all that is on the page of a forwarder.
func TestStory(t *testing.T) {
	t.Parallel()
	s := &story{Network: lab.NewNetwork(t), t: t, program: lab.BuildForwarder(t), key: lab.WriteKey(t), minute: 1500 * time.Millisecond}
	if *update {
		s.minute = 35 * time.Second
	}
	c := startChromium(t, func(start func()) { s.ForwarderA.Do(t, start) })
	s.vpc, s.other = s.StartResolver(t), s.startBranch()
	s.set("api 300 IN A 10.79.1.40", "myservice 10 IN A 10.79.1.20")
	s.forwarder(s.ForwarderA, lab.ForwarderA, lab.ForwarderB)
	s.forwarder(s.ForwarderB, lab.ForwarderB, lab.ForwarderA)
	s.load()
	s.happen()
	p := c.open(pageOf(lab.ForwarderA), wide)
	s.hold(p)
	if *update {
		s.picture(p, "light", 1280)
		p.scheme("dark")
		s.picture(p, "dark", 1280)
		s.picture(c.open(pageOf(lab.ForwarderA), values{"viewport": values{"width": 360, "height": 740}, "colorScheme": "light"}), "phone", 360)
	}
}

// happen lets the quarter of an hour pass.
func (s *story) happen() {
	for _, step := range []struct {
		minutes float64 // that pass before
		do      func()
	}{
		{4, func() { s.set("queue 10 IN A 10.79.1.22") }},
		{3, func() { s.other.SetFaults("branch.mycompany.corp.", vpcresolver.Faults{Drop: 1}) }},
		{3, func() { s.override(api, "10.79.2.40") }},
		{2, func() { s.override(service, "10.79.2.20") }},
		{1, func() { s.set("db 10 IN A 10.79.2.21") }}, // last: a guard lasts 2 min
		{0, func() { time.Sleep(11 * time.Second) }},   // by then it is known
		{0.5, func() { s.vpc.SetFaults(database, vpcresolver.Faults{Flap: 10 * time.Minute}) }},
	} {
		time.Sleep(time.Duration(step.minutes * float64(s.minute)))
		step.do()
	}
}

// hold wants the story on the page.
func (s *story) hold(p *tab) {
	p.await("the override", given(service, "10.79.2.20")+"&&"+has(service, "Given now", "override"))
	p.await("the peer's answer", has(service, "Peer", lab.ForwarderB+"#53 the same"))
	p.await("the guard", given(database, "10.79.2.21")+"&&"+has(database, "Given now", "guard"))
	p.await("that it refuses the earlier address", has(database, "Given now", "refuses earlier data"))
	p.await("the quiet change", given(queue, "10.79.1.22")+"&&"+has(queue, "Last 15 minutes", "10.79.2.22 to 10.79.1.22 by upstream"))
	p.await("who holds the address of a name that was not watched", has(api, "Who still has the old one", "10.79.1.40 until "))
	p.await("hot names", `document.querySelectorAll("#hot tbody tr").length > 3`)
	p.await("all charts", `document.querySelectorAll("figure:not([hidden])").length === 6`)
	p.await("the silent server", `document.querySelector("#state").textContent.includes("upstream 10.79.0.3#53 does not answer")`)
}

// set changes names of the zone upstream.
func (s *story) set(records ...string) {
	s.t.Helper()
	for _, record := range records {
		if err := s.vpc.Set("$ORIGIN " + zone + "\n" + record); err != nil {
			s.t.Fatal(err)
		}
	}
}

// override tells both forwarders what to answer.
func (s *story) override(name, address string) {
	s.t.Helper()
	for _, forwarder := range []string{lab.ForwarderA, lab.ForwarderB} {
		cmd := exec.Command(s.program, "rndc", "-s", forwarder, "-k", s.key, "override", "add", name, "A", address)
		if code, out, errs := s.Corporate.Run(s.t, cmd); code != 0 {
			s.t.Fatalf("rndc override at %s: %s%s", forwarder, out, errs)
		}
	}
}

// startBranch starts the DNS server of a branch.
func (s *story) startBranch() *vpcresolver.Resolver {
	s.t.Helper()
	r, err := vpcresolver.New(testdata.Zone, false)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := r.Set(branch + " 5 IN A 10.30.0.5"); err != nil {
		s.t.Fatal(err)
	}
	s.Resolver.Do(s.t, func() { _, err = r.Listen(addrPort(lab.ResolverAlso)) })
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
	return r
}

// forwarder starts one of the pair.
func (s *story) forwarder(n *lab.Namespace, address, peer string) {
	s.t.Helper()
	server := lab.Forwarder(s.t, s.program)
	zones := fmt.Sprintf(`zone "branch.mycompany.corp" { type forward; forward first; forwarders { %s; }; };`+"\n", lab.ResolverAlso)
	setup := lab.Setup{Address: address, Upstreams: []string{lab.Resolver}, Controls: lab.Controls(address) + zones, Flags: []string{
		"--state-file", filepath.Join(s.t.TempDir(), "state"), "--metrics-address", address + "#9153", "--peer", peer, "--status-clients",
		"--watch", service, "--watch", database, "--watch", queue}}
	args := server.CommandLine(s.t, setup)
	setHost := fmt.Sprintf("mkdir -p /var/named /var/log/named\nhostname ip-%s", dashed(address))
	cmd := lab.Command(s.t, nil, setHost, args...)
	cmd.Args = slices.Insert(cmd.Args, 1, "--uts")
	n.Start(s.t, "the forwarder", cmd, address)
}

// load asks as the corporate network does, and as one that may not ask.
func (s *story) load() {
	names := []string{service, service, database, queue, api, "stable." + zone, "nothing." + zone, "www.example.com.", branch}
	pair := []string{lab.ForwarderA, lab.ForwarderB}
	for i, client := range []string{"10.20.0.11", "10.20.0.12", "10.20.0.13"} {
		load := lab.Load{From: s.Corporate, Source: client, Servers: pair, Rate: 60 * (3 - i), For: time.Hour,
			Name: func(n int) string {
				if n%20 == 0 {
					return fmt.Sprintf("host%d.hot.%s", n%4000, zone)
				}
				return names[n%len(names)]
			}}
		load.Start(s.t)
		pair = []string{pair[1], pair[0]}
	}
	lab.Load{From: s.Guest, Servers: []string{lab.ForwarderA}, Rate: 1, For: time.Hour, Name: func(int) string { return service }}.Start(s.t)
}

func addrPort(address string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(address), 53)
}

func dashed(address string) string { return strings.ReplaceAll(address, ".", "-") }

func pageOf(forwarder string) string { return "http://" + forwarder + ":9153/" }

// picture writes what there is to see first.
func (s *story) picture(p *tab, name string, width int) {
	s.t.Helper()
	const height = 1500
	p.await("live", `document.querySelector("#link").textContent.startsWith("Live")`)
	path := filepath.Join("../../../../testdata", "page-"+name+".png")
	p.do("screenshot", values{"tab": p.number, "path": path, "clip": values{"x": 0, "y": 0, "width": width, "height": height}}, nil)
	shrink(s.t, path)
}
