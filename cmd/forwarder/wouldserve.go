package main

import (
	"fmt"
	"net/netip"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// wouldServe says in a line what a server with this configuration and these
// flags would do on this host.
func wouldServe(cfg *config.Config, f *flags) string {
	return "would serve " + servedHere(cfg, f) + "; " + strings.Join(deeds(cfg), ", ")
}

func servedHere(cfg *config.Config, f *flags) string {
	const most = 8 // enough to see whether it is what was meant
	addrs, err := f.servedBy(cfg)
	switch {
	case err != nil:
		return fmt.Sprintf("what cannot be told (%v)", err)
	case len(addrs) == 0:
		return "no address: listen-on matches none of this host"
	case len(addrs) > most:
		return fmt.Sprintf("%s and %d more", addresses(addrs[:most]), len(addrs)-most)
	}
	return addresses(addrs)
}

// deeds are what is done of the names that clients ask for.
func deeds(cfg *config.Config) (list []string) {
	if n := ownZones(cfg); n > 0 {
		list = append(list, "answers for "+counted(n, "zone")+" of its own")
	}
	if !cfg.Recursion || config.IsNone(cfg.AllowRecurse) {
		return append(list, "forwards nothing, as no client may recurse")
	}
	var zones int
	var global []netip.AddrPort
	for _, z := range cfg.Zones {
		switch {
		case z.Name == ".":
			global = z.Forwarders
		case len(z.Forwarders) > 0:
			zones++
		}
	}
	switch to := addresses(global); {
	case len(global) == 0 && zones == 0:
		return append(list, "refuses everything else")
	case len(global) == 0:
		return append(list, "forwards "+counted(zones, "zone"), "refuses everything else")
	case zones == 0 && len(list) == 0:
		return append(list, "forwards everything to "+to)
	case zones == 0:
		return append(list, "forwards everything else to "+to)
	default:
		return append(list, "forwards "+counted(zones, "zone")+" and everything else to "+to)
	}
}

// ownZones counts the primary zones that are loaded.
func ownZones(cfg *config.Config) (n int) {
	for _, z := range cfg.Local {
		if !z.Empty && z.Err == nil {
			n++
		}
	}
	return n
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// addresses lists servers as BIND writes them: 10.0.0.1#53.
func addresses(list []netip.AddrPort) string {
	var texts []string
	for _, a := range list {
		texts = append(texts, host.Address(a))
	}
	return strings.Join(texts, ", ")
}
