package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vpcdns/forwarder/control"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
	"vpcdns/forwarder/watch"
)

// lookup finds the members' addresses but our own. Names may lead through this very
// server, which answers meanwhile.
func (m *members) lookup(ctx context.Context) []netip.AddrPort {
	found := make([][]netip.AddrPort, len(m.d.flags.members))
	faults := make([]error, len(found))
	var all sync.WaitGroup
	for i, name := range m.d.flags.members {
		all.Go(func() { found[i], faults[i] = control.LookupAll(ctx, name, control.Port) })
	}
	all.Wait()
	list := slices.Concat(found...)
	slices.SortFunc(list, netip.AddrPort.Compare)
	list = slices.DeleteFunc(slices.Compact(list), func(a netip.AddrPort) bool { return m.isOwn(a, nil) })
	m.mu.Lock()
	defer m.mu.Unlock()
	fault := lookupFault(faults)
	if more := len(list) - maxMembers; more > 0 {
		fault = fmt.Sprintf("%d addresses of members are more than %d: the others are not asked; is --member the name of the forwarders?", len(list), maxMembers)
		list = list[:maxMembers]
	}
	if fault != m.fault && fault != "" {
		m.d.log(logging.Warning, "%s", fault)
	}
	m.fault, m.known = fault, list
	return list
}

// lookupFault is what failed. That a name has no address is none: this may be the first
// forwarder.
func lookupFault(errs []error) string {
	for _, err := range errs {
		var d *net.DNSError
		if err != nil && !(errors.As(err, &d) && d.IsNotFound) {
			return "members are not found: " + oneLine(err)
		}
	}
	return ""
}

// isOwn reports whether an address is a control channel of ours, or where we have none;
// err is what asking there ended with.
func (m *members) isOwn(a netip.AddrPort, err error) bool {
	if errors.Is(err, errOwn) {
		return true
	}
	for _, c := range m.d.flags.controls(m.d.server.Config()) {
		if c.Addr == a || c.Addr.Port() == a.Port() && c.Addr.Addr().IsUnspecified() && isHere(a.Addr()) {
			return true
		}
	}
	return errors.Is(err, control.ErrUnreachable) && isHere(a.Addr())
}

var errOwn = errors.New("it is this process")

// isHere reports whether an interface of this host has the address.
func isHere(a netip.Addr) bool { return host.InterfaceWith(a) != "" }

const (
	// fetchTime is how long a member may take for all pages.
	fetchTime = 10 * time.Second

	// maxPages have more than a state has.
	maxPages = 100
)

// fetch merges all pages of a member's export, unless that has still the tag.
func (m *members) fetch(ctx context.Context, addr netip.AddrPort, unless string) (sum watch.Merged, tag string, err error) {
	key, err := m.key(addr)
	if err != nil {
		return sum, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	s := control.Server{Addr: addr, Key: key}
	words := []string{"watch", "export"}
	if unless != "" {
		words = append(words, "unless", unless)
	}
	next := ""
	for range maxPages {
		page, err := s.Do(ctx, words...)
		if err != nil {
			return sum, "", err
		}
		got, err := m.merge(page, s.String())
		sum.Add(&got)
		switch {
		case err != nil:
			return sum, "", err
		case got.Own:
			return sum, "", errOwn
		case tag == "":
			tag = got.Tag
		}
		if got.Next == "" {
			return sum, tag, nil
		}
		if got.Next <= next {
			break
		}
		next = got.Next
		words = []string{"watch", "export", "from", next}
	}
	return sum, "", fmt.Errorf("its export does not end: %.80q was the last", next)
}

// merge takes over a page.
func (m *members) merge(page, from string) (watch.Merged, error) {
	m.merging.Lock()
	defer m.merging.Unlock()
	return m.d.server.MergeWatches([]byte(page), "member "+from)
}

// key is the first of our own channels that may be used for that, else the one that rndc
// finds: members have the same.
func (m *members) key(addr netip.AddrPort) (*rndc.Key, error) {
	for _, c := range m.d.server.Config().Controls {
		for _, k := range c.Keys {
			allowed, limited := m.d.flags.controlKeys[rndcconf.CanonicalName(k.Name)]
			a, err := rndc.ParseAlgorithm(k.Algorithm)
			if err == nil && len(k.Secret) > 0 && (!limited || slices.Contains(allowed, "watch")) {
				return rndc.NewKey(k.Name, a, k.Secret), nil
			}
		}
	}
	keys, err := control.LoadKeys("")
	if err != nil {
		return nil, fmt.Errorf("no key to ask with: %w; give controls in named.conf a key that all members have", err)
	}
	return keys.For(addr.Addr().String())
}
