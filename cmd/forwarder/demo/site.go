package demo

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder"
	"vpcdns/testdata"
)

// The names that fail over, both with a TTL of ten seconds. The second one is
// watched.
const (
	plainName   = "myservice.awslab.mycompany.corp"
	watchedName = "db.awslab.mycompany.corp"
	ttl         = 10

	plainOld, plainNew     = "10.79.252.13", "10.79.253.13" // the old ones are the zone file's
	watchedOld, watchedNew = "10.79.1.21", "10.79.2.21"
)

// demoPort is the port that the demo prefers, 53's usual stand-in. The others
// follow.
const demoPort = 5300

// site is all that the client asks: a VPC with a pair, and a corporate network.
type site struct {
	dir       string
	resolver  *vpcresolver.Resolver // stands in for the VPC resolver, and for Route 53
	upstream  netip.AddrPort        // where it listens
	pair      [2]*member
	corporate *member
}

// newSite starts all of it. What it returns is to be closed, also after an error.
func newSite() (*site, error) {
	s := new(site)
	var err error
	if s.dir, err = os.MkdirTemp("", "forwarder-demo-"); err != nil {
		return s, fmt.Errorf("making a directory: %w", err)
	}
	if err := s.startResolver(); err != nil {
		return s, err
	}
	port, pagePort := uint16(demoPort), uint16(pagePort)
	for i, label := range []string{"forwarder a", "forwarder b"} {
		m, err := s.startForwarder(label, port, pagePort)
		if err != nil {
			return s, err
		}
		s.pair[i], m.place = m, atA+place(i)
		port, pagePort = m.addr.Port()+1, m.page.addr.Port()+1
	}
	s.meet()
	return s, s.startCorporate(port)
}

// meet lets each of the pair know the other, and shows both on their pages.
func (s *site) meet() {
	for i, m := range s.pair {
		m.other = s.pair[1-i].addr
		m.page.follow(m)
	}
}

func (s *site) startResolver() (err error) {
	if s.resolver, err = vpcresolver.New(testdata.Zone, true); err != nil {
		return fmt.Errorf("making the VPC resolver's stand-in: %w", err)
	}
	s.upstream, err = s.resolver.Listen(netip.AddrPortFrom(loopback, 0))
	return err
}

// startForwarder starts one of the pair, and its status page.
func (s *site) startForwarder(label string, preferred, pagePort uint16) (*member, error) {
	m, err := s.newMember(label)
	if err != nil {
		return nil, err
	}
	if m.page, err = newStatusPage(pagePort); err != nil {
		return nil, err
	}
	m.options = forwarder.Options{Watch: []string{watchedName}, StateFile: filepath.Join(m.dir, "state")}
	if err := m.start(preferred, func(port uint16) string { return fmt.Sprintf(pairConf, port, s.upstream.Port(), staleTTL) }); err != nil {
		m.page.close()
		return nil, err
	}
	return m, nil
}

// startCorporate gives it no port that may be one of the pair's: that would be a loop.
func (s *site) startCorporate(preferred uint16) (err error) {
	if s.corporate, err = s.newMember("corporate DNS"); err != nil {
		return err
	}
	a, b := s.pair[0].addr.Port(), s.pair[1].addr.Port()
	return s.corporate.start(preferred, func(port uint16) string { return fmt.Sprintf(corporateConf, port, a, b) })
}

func (s *site) newMember(label string) (*member, error) {
	dir, err := os.MkdirTemp(s.dir, "")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	return &member{label: label, dir: dir}, nil
}

// close ends all that runs.
func (s *site) close() {
	for _, m := range []*member{s.corporate, s.pair[0], s.pair[1]} {
		if m != nil {
			m.stop()
		}
	}
	if s.resolver != nil {
		s.resolver.Close()
	}
	os.RemoveAll(s.dir)
}

// set changes a name's address in Route 53.
func (s *site) set(name, address string) error {
	return s.resolver.Set(fmt.Sprintf("%s. %d IN A %s", name, ttl, address))
}

// silenceUpstream has the VPC resolver answer nothing, or all again. The watched name has
// faults of its own since it was switched, which count in place of the root's.
func (s *site) silenceUpstream(silent bool) {
	var faults vpcresolver.Faults
	if silent {
		faults.Drop = 1
	}
	s.resolver.SetFaults(".", faults)
	faults.Stale = spread
	s.resolver.SetFaults(watchedName, faults)
}
