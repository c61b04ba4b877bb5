package demo

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/watch"
)

// spread is how long Route 53 takes to have a change everywhere. In the fault table it
// is 40 s.
const spread = 10 * time.Second

// upstreamGives reports whether upstream agrees with a change, as a forwarder knows it.
func (m *member) upstreamGives(c *change) bool {
	st, err := m.server.WatchStatus(c.name, false)
	return err == nil && slices.ContainsFunc(st.Sets, func(set watch.SetStatus) bool {
		return set.Type == "A" && slices.Equal(set.Upstream, []string{c.new})
	})
}

// switchName gives a name another address in Route 53, where that takes a while, and
// at both forwarders at once.
func (s *site) switchName(c *change) error {
	s.resolver.SetFaults(c.name, vpcresolver.Faults{Stale: spread})
	if err := s.set(c.name, c.new); err != nil {
		return err
	}
	var telling sync.WaitGroup
	errs := make([]error, len(s.pair))
	for i, m := range s.pair {
		telling.Go(func() { errs[i] = m.override(c) })
	}
	telling.Wait()
	return errors.Join(errs...)
}

// override is what failover switch tells a forwarder over its control channel: a
// lease, which it confirms when Route 53 has accepted the change.
func (m *member) override(c *change) error {
	const token = "demo"
	o := watch.Override{Name: c.name, Type: dns.TypeA, Data: []string{c.new}, By: "the demo", Set: c.at, Lease: token}
	if err := m.server.AddOverride(o); err != nil {
		return fmt.Errorf("telling %s: %w", m.label, err)
	}
	if err := m.server.ConfirmOverride(c.name, token); err != nil {
		return fmt.Errorf("telling %s: %w", m.label, err)
	}
	return nil
}
