package faults

import (
	"bufio"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const (
	// balanced is the balancer's address.
	balanced = "10.79.1.5"
	// membersName has the addresses of all members.
	membersName = "members.awslab.mycompany.corp"
)

// fleetSite is where members come and go.
type fleetSite struct {
	*site
	*balancer
	members []*fleetMember // by number
	watched []string       // names
	key     string         // path
}

type fleetMember struct {
	*lab.Process // nil before the launch
	*lab.Namespace
	address string
	asked   float64 // before its end
}

// newFleet has room for four members, which watch the names.
func (s *site) newFleet(t *testing.T, names ...string) *fleetSite {
	t.Helper()
	f := &fleetSite{site: s, balancer: newBalancer(t, s.Router, balanced), watched: names, key: lab.WriteKey(t)}
	s.set(t, oldAddress, names...)
	for i := range 4 {
		network := fmt.Sprintf("10.79.%d.", 11+i)
		m := &fleetMember{address: network + "10"}
		m.Namespace = s.Attach(t, fmt.Sprintf("member%d", i), network+"1/24", m.address+"/24")
		f.members = append(f.members, m)
	}
	return f
}

// launch starts a member and registers it, as an Auto Scaling group does: before it
// is ready.
func (f *fleetSite) launch(t *testing.T, number int) {
	t.Helper()
	f.launchBeside(t, number)()
}

// launchBeside is launch while other things happen: wait returns when it answers.
func (f *fleetSite) launchBeside(t *testing.T, number int) (wait func()) {
	t.Helper()
	m := f.members[number]
	su := setup(m.address, "")
	su.Controls = lab.Controls(m.address)
	su.Flags = []string{"--health-address", fmt.Sprintf("%s:%d", m.address, healthPort), "--metrics-address", m.address + ":9153",
		"--state-file", filepath.Join(t.TempDir(), "state"), "--member", membersName}
	for _, name := range f.watched {
		su.Flags = append(su.Flags, "--watch", name)
	}
	f.register(m.address)
	cmd := lab.Command(t, inVPC, "mkdir -p /var/named /var/log/named", f.server.CommandLine(t, su)...)
	m.Do(t, func() { m.Process = lab.Start(t, fmt.Sprintf("member %d", number), cmd) })
	return func() {
		t.Helper()
		m.Do(t, func() { m.WaitFor(t, netip.MustParseAddrPort(m.address+":53")) })
	}
}

// inVPC is /etc of a host that asks the VPC resolver.
var inVPC = map[string]string{"resolv.conf": "nameserver " + lab.Resolver + "\n", "nsswitch.conf": "hosts: dns\n"}

// publish gives the members' name the addresses of these, as the Lambda of the fleet does.
func (f *fleetSite) publish(t *testing.T, numbers ...int) {
	t.Helper()
	var records []string
	for _, n := range numbers {
		records = append(records, fmt.Sprintf("%s. 5 IN A %s", membersName, f.members[n].address))
	}
	if err := f.vpc.Set(records...); err != nil {
		t.Fatal(err)
	}
	f.vpc.FlushCache()
}

// override tells the members' name of a new address for a name, from the application's
// host. It fails unless failover has the exit status.
func (f *fleetSite) override(t *testing.T, name string, status int) (said string) {
	t.Helper()
	args := []string{"override", "add", name, newAddress.String(), "--forwarder", membersName, "--key", f.key}
	cmd := lab.Command(t, inVPC, "", append([]string{f.failover()}, args...)...)
	code, out, errs := f.Application.Run(t, cmd)
	if code != status {
		t.Errorf("failover %q = %d, want %d:\n%s%s", args, code, status, out, errs)
	}
	return out + errs
}

// namesDead reports whether a member is said to be unreachable.
func namesDead(said, address string) bool {
	return slices.ContainsFunc(strings.Split(said, "\n"), func(line string) bool {
		return strings.Contains(line, address) && strings.Contains(line, "unreachable")
	})
}

// rndc runs the real rndc at a member.
func (f *fleetSite) rndc(t *testing.T, m *fleetMember, words ...string) {
	t.Helper()
	args := append([]string{"-k", f.key, "-s", m.address}, words...)
	if code, out, errs := f.Application.Run(t, exec.Command(workbench.Need(t, "rndc"), args...)); code != 0 {
		t.Errorf("rndc %q = %d, %s%s", args, code, out, errs)
	}
}

// startLoad asks the balancer until the end is called: at a steady rate from a few
// ports, at one from many of which each is used for a question now and then, and over
// connections that are kept.
func (f *fleetSite) startLoad(t *testing.T) (end func() (udp, tcp lab.Answers)) {
	t.Helper()
	name := func(i int) string { return fmt.Sprintf("well-known%d.hot.awslab.mycompany.corp.", i%20) }
	few := lab.Load{
		From: f.Corporate, Servers: []string{balanced}, Rate: 500, For: time.Hour,
		Clients: 40, Name: name, Timeout: 10 * time.Second, // lost is what never comes
	}
	many := few
	many.Clients = 2000
	streams := lab.Streams{From: f.Corporate, Server: balanced, Clients: 40, Every: 200 * time.Millisecond, Name: name, Timeout: 10 * time.Second}
	fromFew, stopFew := few.Start(t)
	fromMany, stopMany := many.Start(t)
	overTCP, stopTCP := streams.Start(t)
	return func() (udp, tcp lab.Answers) {
		stopFew()
		stopMany()
		stopTCP()
		return append(fromFew(), fromMany()...), overTCP()
	}
}

// watchName asks the balancer for a name, from ports that are new again and again, until
// the answers are wanted.
func (f *fleetSite) watchName(t *testing.T, name string) (answers func() lab.Answers) {
	t.Helper()
	wait, stop := lab.Load{
		From: f.Corporate, Servers: []string{balanced}, Rate: 100, For: time.Hour,
		Clients: 500, Name: func(int) string { return name }, Timeout: 10 * time.Second,
	}.Start(t)
	return func() lab.Answers {
		stop()
		return wait()
	}
}

// without counts the questions that were not answered with the address.
func without(address netip.Addr, lists ...lab.Answers) float64 {
	others := slices.Concat(lists...).Where(func(a lab.Answer) bool { return a.Address != address })
	return float64(len(others))
}

// checkShares fails unless each member had work to do.
func (f *fleetSite) checkShares(t *testing.T) {
	t.Helper()
	for i, m := range f.members {
		if m.asked == 0 {
			m.asked = f.queries(t, m)
		}
		t.Logf("member %d was asked %.0f times", i, m.asked)
		if m.asked < 100 {
			t.Errorf("member %d was asked %.0f times, want a share of the load", i, m.asked)
		}
	}
}

// queries returns how many a member had.
func (f *fleetSite) queries(t *testing.T, m *fleetMember) (sum float64) {
	t.Helper()
	reply, err := f.http.Get("http://" + m.address + ":9153/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	for lines := bufio.NewScanner(reply.Body); lines.Scan(); {
		if labels, value, ok := strings.Cut(lines.Text(), "} "); ok && strings.HasPrefix(labels, "forwarder_queries_total{") {
			n, _ := strconv.ParseFloat(value, 64) // what is no number adds nothing
			sum += n
		}
	}
	return sum
}
