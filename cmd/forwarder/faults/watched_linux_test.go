package faults

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// member is one of the two forwarders.
type member struct {
	*lab.Process
	site  *lab.Namespace
	setup lab.Setup
}

// startWatching starts both forwarders, and tells ours to watch the names and to
// take commands. It starts the corporate servers too, and has each name asked for
// everywhere.
func (s *site) startWatching(t *testing.T, names ...string) (a, b *member) {
	t.Helper()
	a = &member{site: s.ForwarderA, setup: s.watching(t, lab.ForwarderA, names)}
	b = &member{site: s.ForwarderB, setup: s.watching(t, lab.ForwarderB, names)}
	a.start(t, s.server)
	b.start(t, s.server)
	for _, c := range lab.CorporateDNS {
		s.StartCorporate(t, c)
	}
	if n := s.without(t, oldAddress, names...); n > 0 {
		t.Fatalf("%v answers have another address than the old one at the start", n)
	}
	return a, b
}

// start starts it, or starts it again with all that it left behind.
func (m *member) start(t *testing.T, server lab.Server) {
	t.Helper()
	m.Process = m.site.Serve(t, server, m.setup)
}

// watching is how a forwarder is started that watches names; others just forward.
func (s *site) watching(t *testing.T, address string, names []string) lab.Setup {
	t.Helper()
	su := setup(address, "")
	if !s.ours() {
		return su
	}
	su.Controls = lab.Controls(address)
	su.Flags = append([]string{"--state-file", filepath.Join(t.TempDir(), "state")}, s.flags...)
	for _, name := range names {
		su.Flags = append(su.Flags, "--watch", name)
	}
	return su
}

// servers are the pair and the corporate servers.
func servers() []string {
	all := []string{lab.ForwarderA, lab.ForwarderB}
	for _, c := range lab.CorporateDNS {
		all = append(all, c.Address)
	}
	return all
}

// without counts the servers and names of which a stub resolver gets another
// address.
func (s *site) without(t *testing.T, address netip.Addr, names ...string) (n float64) {
	t.Helper()
	for _, server := range servers() {
		for _, name := range names {
			if got := s.address(t, server, name); got != address {
				t.Logf("%s has %v for %s", server, got, name)
				n++
			}
		}
	}
	return n
}

// address is what a server answers, or the zero Addr.
func (s *site) address(t *testing.T, server, name string) netip.Addr {
	t.Helper()
	reply, err := s.Corporate.Ask(t, "udp", server, new(dns.Msg).SetQuestion(name, dns.TypeA))
	if err != nil || len(reply.Answer) == 0 {
		return netip.Addr{}
	}
	a, _ := reply.Answer[len(reply.Answer)-1].(*dns.A)
	if a == nil {
		return netip.Addr{}
	}
	address, _ := netip.AddrFromSlice(a.A.To4())
	return address
}

// ttl is of the names that are switched.
const ttl = 10 * time.Second

// set gives names an address in Route 53, at once.
func (s *site) set(t *testing.T, address netip.Addr, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := s.vpc.Set(fmt.Sprintf("%s %.0f IN A %v", name, ttl.Seconds(), address)); err != nil {
			t.Fatal(err)
		}
	}
}

// rndc runs a command at both forwarders at once.
func (s *site) rndc(t *testing.T, key string, words ...string) {
	t.Helper()
	program := workbench.Need(t, "rndc")
	var both sync.WaitGroup
	for _, address := range []string{lab.ForwarderA, lab.ForwarderB} {
		both.Go(func() {
			args := append([]string{"-k", key, "-s", address}, words...)
			if code, out, errs := s.Application.Run(t, exec.Command(program, args...)); code != 0 {
				t.Errorf("rndc %q = %d, %s%s", args, code, out, errs)
			}
		})
	}
	both.Wait()
}

// overriding is a change that is made by the forwarders alone.
func (s *site) overriding(t *testing.T) change {
	t.Helper()
	key := lab.WriteKey(t)
	return func(name string, to netip.Addr) {
		s.rndc(t, key, "override", "add", name, "A", to.String())
	}
}
