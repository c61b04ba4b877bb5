package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
)

// querySources are the values of --query-source.
type querySources []netip.Addr

func (q *querySources) Type() string   { return "address" }
func (q *querySources) String() string { return strings.Join(q.texts(), ",") }

func (q *querySources) texts() (list []string) {
	for _, a := range *q {
		list = append(list, a.String())
	}
	return list
}

func (q *querySources) Set(s string) error {
	a, err := netip.ParseAddr(s)
	switch {
	case strings.ContainsAny(s, "#") || err != nil && isAddrPort(s):
		return fmt.Errorf("%q has a port: give the address alone, each query has a random port", s)
	case err != nil || a.Zone() != "":
		return fmt.Errorf("%q is not like 10.79.1.11 or fd00::11", s)
	case a.IsUnspecified() || a.IsMulticast():
		return fmt.Errorf("%s is no address of an interface: leave the flag out to ask from any", a)
	}
	if a = a.Unmap(); slices.Contains(*q, a) {
		return nil
	}
	if len(*q) == forwarder.MaxQuerySources {
		return fmt.Errorf("%s is one too many: servers are asked from %d addresses at most", a, forwarder.MaxQuerySources)
	}
	*q = append(*q, a)
	return nil
}

func isAddrPort(s string) bool {
	_, err := netip.ParseAddrPort(s)
	return err == nil
}

// apply puts these addresses in the place of the configuration's, family by family, and
// returns what there is to say about that.
func (q querySources) apply(cfg *config.Config) (notices []string) {
	for _, v6 := range []bool{false, true} {
		own := slices.DeleteFunc(slices.Clone(q), func(a netip.Addr) bool { return a.Is6() != v6 })
		if len(own) == 0 {
			continue
		}
		option := "query-source"
		if v6 {
			option = "query-source-v6"
		}
		for _, a := range cfg.Sources {
			if a.Is6() == v6 {
				notices = append(notices, fmt.Sprintf("%s %s does not count: --query-source says %s", option, a, strings.Join(own.texts(), ", ")))
			}
		}
		cfg.Sources = slices.DeleteFunc(slices.Clone(cfg.Sources), func(a netip.Addr) bool { return a.Is6() == v6 })
		cfg.Sources = append(cfg.Sources, own...)
		if !asksOver(cfg, v6) {
			notices = append(notices, fmt.Sprintf("--query-source %s is of no use: no server is asked over %s", strings.Join(own.texts(), ", "), familyText(v6)))
		}
	}
	return notices
}

// asksOver reports whether there is a server of an address family that may be asked:
// query-source none, and server clauses, count.
func asksOver(cfg *config.Config, v6 bool) bool {
	return slices.ContainsFunc(cfg.Zones, func(z config.ForwardZone) bool {
		return slices.ContainsFunc(z.Forwarders, func(a netip.AddrPort) bool {
			return a.Addr().Unmap().Is6() == v6 && !cfg.ServerFor(a.Addr()).Bogus
		})
	})
}

func familyText(v6 bool) string {
	if v6 {
		return "IPv6"
	}
	return "IPv4"
}
