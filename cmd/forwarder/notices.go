package main

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/rndcconf"
)

// What flags make of a configuration, and what there is to say about them beside it: the
// server and --check-config say the same.

// applyTo makes the flags part of a configuration, and returns what does not count.
func (f *flags) applyTo(cfg *config.Config) (notices []string) {
	if f.listen.IsValid() {
		tryAt(cfg, f.listen.AddrPort)
	}
	notices = append(f.querySources.apply(cfg), f.watch.doubts(cfg)...)
	if len(f.control.addrs) > 0 && !cfg.NoControls && !f.listen.IsValid() {
		notices = append(notices, "--control-address is not used: the configuration has controls")
	}
	return notices
}

// tryAt lets a configuration be tried while the server that it is for runs: it
// shares neither an address nor the pid-file with it.
func tryAt(cfg *config.Config, a netip.AddrPort) {
	cfg.ListenOnly(a)
	cfg.PidFile = ""
}

// fitPeers refuses a peer that is one of the addresses that are served.
func (f *flags) fitPeers(served []netip.AddrPort) error {
	if own := f.peers.own(served); len(own) > 0 {
		return fmt.Errorf("--peer %s is an address of this forwarder: give the other one's", host.Address(own[0]))
	}
	return nil
}

// controls are the channels to serve with a configuration.
func (f *flags) controls(cfg *config.Config) []config.Control {
	list := cfg.Controls
	switch given := f.control.addrs; {
	case f.control.none:
		return nil
	case len(given) > 0 && (cfg.NoControls || f.listen.IsValid()):
		list = controlsAt(given)
	case f.listen.IsValid(): // named serves them
		return nil
	case cfg.NoControls:
		list = config.DefaultControls()
	}
	return slices.DeleteFunc(slices.Clone(list), func(o config.Control) bool {
		return f.onlyIPv4 && o.Addr.Addr().Is6() || f.onlyIPv6 && o.Addr.Addr().Is4()
	})
}

// controlsAt are channels as the default ones, elsewhere on loopback.
func controlsAt(addrs []netip.AddrPort) (list []config.Control) {
	for _, a := range addrs {
		list = append(list, config.Control{Addr: a, Allow: config.DefaultControls()[0].Allow})
	}
	return list
}

// missed says which key that is to be limited no channel has, if channels have any: with
// its name written wrong the key that was meant is not limited.
func (k controlKeys) missed(have []string) (notices []string) {
	if len(have) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(k)) {
		if !slices.ContainsFunc(have, func(key string) bool { return rndcconf.CanonicalName(key) == name }) {
			notices = append(notices, fmt.Sprintf("--control-key %s: no control channel has a key of that name", name))
		}
	}
	return notices
}

// keyNames are the names of the keys that channels will have; of a key file that cannot
// be read there are none.
func keyNames(list []config.Control) (names []string) {
	for _, o := range list {
		for _, k := range o.Keys {
			names = append(names, k.Name)
		}
		if len(o.Keys) > 0 {
			continue
		}
		if k, err := config.LoadKey(rndcconf.KeyFile()); err == nil {
			names = append(names, k.Name)
		}
	}
	return names
}

// servedBy are the addresses that a server with these flags serves here.
func (f *flags) servedBy(cfg *config.Config) ([]netip.AddrPort, error) {
	return forwarder.Addresses(cfg, forwarder.Options{OnlyIPv4: f.onlyIPv4, OnlyIPv6: f.onlyIPv6})
}
