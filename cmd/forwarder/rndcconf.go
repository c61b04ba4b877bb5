package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
)

// target is the server that a command goes to.
type target struct {
	server  string   // its name or address, as given
	addrs   []string // by its server statement
	port    uint16
	key     *rndc.Key
	sources []netip.Addr // of either family, or none
}

// source is the local address to a server, or the zero one.
func (t target) source(server netip.Addr) netip.Addr {
	for _, a := range t.sources {
		if a.Is4() == server.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// target joins flags and configuration as rndc does.
func (f *rndcFlags) target(stderr io.Writer) (t target, err error) {
	if f.onlyIPv4 && f.onlyIPv6 {
		return t, errors.New("only one of -4 and -6 allowed")
	}
	path, keyOnly, err := f.file(stderr)
	if err != nil {
		return t, err
	}
	conf, err := rndcconf.Load(path, keyOnly)
	if err != nil {
		return t, err
	}
	t.server = f.server
	if t.server == "" {
		t.server = conf.Options["default-server"]
	}
	if t.server == "" && keyOnly {
		t.server = "127.0.0.1"
	}
	if t.server == "" {
		return t, errors.New("no server specified and no default")
	}
	own := conf.Servers[strings.ToLower(t.server)]
	t.addrs = own.Addrs
	if t.key, err = f.keyOf(conf, own, keyOnly); err != nil {
		return t, err
	}
	if t.port, err = parsePort(cmp.Or(f.port, own.Options["port"], conf.Options["default-port"], "953")); err != nil {
		return t, err
	}
	t.sources, err = parseSources(f.sources,
		cmp.Or(own.Options["source-address"], conf.Options["default-source-address"]),
		cmp.Or(own.Options["source-address-v6"], conf.Options["default-source-address-v6"]))
	return t, err
}

// file is what is read: a configuration, or a key alone where there is none.
func (f *rndcFlags) file(stderr io.Writer) (path string, keyOnly bool, err error) {
	given := f.set.Changed("config")
	switch {
	case statFault(f.config) == nil:
		if !given && statFault(f.keyFile) == nil {
			fmt.Fprintf(stderr, "WARNING: key file (%s) exists, but using default configuration file (%s)\n", f.keyFile, f.config)
		}
		return f.config, false, nil
	case given:
		return "", false, fmt.Errorf("%s does not exist", f.config)
	case statFault(f.keyFile) != nil:
		return "", false, fmt.Errorf("neither %s nor %s was found", f.config, f.keyFile)
	}
	return f.keyFile, true, nil
}

// keyOf finds the key by name, where the file has more than one.
func (f *rndcFlags) keyOf(conf rndcconf.Conf, own rndcconf.Server, keyOnly bool) (*rndc.Key, error) {
	name := cmp.Or(f.key, own.Options["key"], conf.Options["default-key"])
	if keyOnly {
		name = conf.FirstKey
	}
	switch {
	case name == "" && conf.Options != nil:
		return nil, errors.New("get default key: not found")
	case name == "":
		return nil, errors.New("no key for server and no default")
	}
	return conf.Key(name)
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port '%s' out of range", s)
	}
	return uint16(n), nil
}

// parseSources reads the addresses of -b, and those of the configuration for the
// families that it does not give.
func parseSources(given []string, others ...string) (list []netip.Addr, err error) {
	for _, s := range slices.Concat(given, others) {
		if s == "" || s == "*" {
			continue
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("source address '%s' is no address", s)
		}
		list = append(list, a)
	}
	return list, nil
}

// addresses are those of the server, by its statement or its name.
func (f *rndcFlags) addresses(ctx context.Context, t target) (list []netip.AddrPort, err error) {
	names := t.addrs
	if len(names) == 0 {
		names = []string{t.server}
	}
	for _, name := range names {
		host, port := name, t.port
		if h, p, ok := strings.Cut(name, " port "); ok {
			if port, err = parsePort(p); err != nil {
				return nil, err
			}
			host = h
		}
		addrs, err := f.lookup(ctx, host)
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			list = append(list, netip.AddrPortFrom(a, port))
		}
	}
	return list, nil
}

func (f *rndcFlags) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	fits := func(a netip.Addr) bool { return !(f.onlyIPv4 && !a.Is4() || f.onlyIPv6 && a.Is4()) }
	if a, err := netip.ParseAddr(host); err == nil {
		if f.onlyIPv4 && !a.Is4() { // with -6 rndc reaches 127.0.0.1 all the same
			return nil, fmt.Errorf("couldn't get address for '%s': address family not supported", host)
		}
		return []netip.Addr{a}, nil
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i, a := range all {
		all[i] = a.Unmap()
	}
	all = slices.DeleteFunc(all, func(a netip.Addr) bool { return !fits(a) })
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("couldn't get address for '%s': not found", host)
	}
	return all, nil
}
