package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/rndcconf"
)

// controlAddresses are the values of --control-address.
type controlAddresses struct {
	addrs []netip.AddrPort
	none  bool
}

func (a *controlAddresses) Type() string { return "address" }

func (a *controlAddresses) String() string {
	var list []string
	for _, addr := range a.addrs {
		list = append(list, host.Address(addr))
	}
	return strings.Join(list, ",")
}

// controlLines are what --control-address cannot say: who may come, and with
// which key.
const controlLines = `%s is reached by other hosts, so it needs an access list and a key: put into the configuration, with the address of that host,
	include "/etc/rndc.key";
	controls {
		inet 127.0.0.1 allow { localhost; } keys { "rndc-key"; };
		inet %s port %d allow { 192.0.2.1; } keys { "rndc-key"; };
	};`

func (a *controlAddresses) Set(s string) error {
	if s == "" {
		a.none = true
		return nil
	}
	addr, err := netip.ParseAddrPort(urlNotation(s))
	switch {
	case err != nil || addr.Port() == 0:
		return fmt.Errorf("address %q is not like 127.0.0.1#953 or ::1#953", s)
	case !addr.Addr().IsLoopback():
		return fmt.Errorf(controlLines, addr.Addr(), addr.Addr(), addr.Port())
	}
	a.addrs = append(a.addrs, addr)
	return nil
}

// controlKeys are the values of --control-key: the commands that a key may give,
// by its canonical name.
type controlKeys map[string][]string

func (k controlKeys) Type() string { return "name=commands" }

func (k controlKeys) String() string {
	var list []string
	for name, commands := range k {
		list = append(list, name+"="+strings.Join(commands, ","))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func (k controlKeys) Set(s string) error {
	name, list, ok := strings.Cut(s, "=")
	if !ok || name == "" || list == "" {
		return fmt.Errorf("%q is not like failover=status,flushname", s)
	}
	name = rndcconf.CanonicalName(name)
	for c := range strings.SplitSeq(list, ",") {
		c = strings.ToLower(strings.TrimSpace(c))
		if commandNamed(c) == nil {
			return fmt.Errorf("there is no command %q; 'forwarder rndc --help' lists them", c)
		}
		k[name] = append(k[name], c)
	}
	return nil
}
