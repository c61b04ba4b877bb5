package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/rndc"
)

// rndcConfFile is where rndc looks for its configuration by itself.
const rndcConfFile = "/etc/rndc.conf"

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
	conf, err := loadRndcConf(path, keyOnly)
	if err != nil {
		return t, err
	}
	t.server = f.server
	if t.server == "" {
		t.server = conf.options["default-server"]
	}
	if t.server == "" && keyOnly {
		t.server = "127.0.0.1"
	}
	if t.server == "" {
		return t, errors.New("no server specified and no default")
	}
	own := conf.servers[strings.ToLower(t.server)]
	t.addrs = own.addrs
	if t.key, err = f.keyOf(conf, own, keyOnly); err != nil {
		return t, err
	}
	if t.port, err = parsePort(cmp.Or(f.port, own.options["port"], conf.options["default-port"], "953")); err != nil {
		return t, err
	}
	t.sources, err = parseSources(f.sources,
		cmp.Or(own.options["source-address"], conf.options["default-source-address"]),
		cmp.Or(own.options["source-address-v6"], conf.options["default-source-address-v6"]))
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
func (f *rndcFlags) keyOf(conf rndcConf, own rndcServer, keyOnly bool) (*rndc.Key, error) {
	name := cmp.Or(f.key, own.options["key"], conf.options["default-key"])
	if keyOnly {
		name = conf.firstKey
	}
	switch {
	case name == "" && conf.options != nil:
		return nil, errors.New("get default key: not found")
	case name == "":
		return nil, errors.New("no key for server and no default")
	}
	k, ok := conf.keys[canonicalKey(name)]
	if !ok {
		return nil, fmt.Errorf("no key definition for name %s", name)
	}
	a, err := rndc.ParseAlgorithm(k.Algorithm)
	if err != nil {
		return nil, err
	}
	return rndc.NewKey(k.Name, a, k.Secret), nil
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

// rndcConf is what rndc.conf or rndc.key says.
type rndcConf struct {
	options  map[string]string
	servers  map[string]rndcServer // by name in lower case
	keys     map[string]config.Key
	firstKey string
}

type rndcServer struct {
	options map[string]string
	addrs   []string // an address or name each, perhaps with " port N"
}

var (
	rndcOptions       = []string{"default-server", "default-key", "default-port", "default-source-address", "default-source-address-v6"}
	rndcServerOptions = []string{"key", "port", "source-address", "source-address-v6"}
)

// loadRndcConf reads a configuration of rndc, or a key alone.
func loadRndcConf(path string, keyOnly bool) (rndcConf, error) {
	conf := rndcConf{servers: make(map[string]rndcServer), keys: make(map[string]config.Key)}
	if f, err := os.Open(path); err != nil {
		return conf, fmt.Errorf("could not load rndc configuration: %w", err)
	} else {
		f.Close()
	}
	file := namedconf.Load(path, namedconf.Limits{Bytes: 1 << 20, Files: 100, Errors: 1})
	for _, found := range file.Findings {
		if found.Severity == namedconf.Error {
			return conf, fmt.Errorf("could not load rndc configuration: %s", found)
		}
	}
	for _, s := range file.Statements {
		if err := conf.add(s, keyOnly); err != nil {
			return conf, fmt.Errorf("could not load rndc configuration: %w", err)
		}
	}
	return conf, nil
}

func (c *rndcConf) add(s namedconf.Statement, keyOnly bool) (err error) {
	switch name := s.Name(); {
	case name == "key":
		k, err := config.ParseKey(s)
		if err != nil {
			return err
		}
		c.keys[canonicalKey(k.Name)] = k
		c.firstKey = cmp.Or(c.firstKey, k.Name)
		return nil
	case name == "options" && !keyOnly && len(s.Items) == 2:
		c.options, _, err = readRndcBlock(s.Items[1].Body, rndcOptions)
		return err
	case name == "server" && !keyOnly && len(s.Items) == 3:
		var own rndcServer
		own.options, own.addrs, err = readRndcBlock(s.Items[2].Body, rndcServerOptions)
		c.servers[strings.ToLower(s.Items[1].Text)] = own
		return err
	}
	return fmt.Errorf("%v: unknown option '%s'", s.Pos(), s.Items[0])
}

// readRndcBlock reads options of one value, and addresses.
func readRndcBlock(body []namedconf.Statement, known []string) (options map[string]string, addrs []string, err error) {
	options = make(map[string]string)
	for _, s := range body {
		switch name := s.Name(); {
		case slices.Contains(known, name) && len(s.Items) == 2:
			options[name] = s.Items[1].Text
		case name == "addresses" && len(s.Items) == 2:
			for _, a := range s.Items[1].Body {
				addrs = append(addrs, joinItems(a.Items))
			}
		default:
			return nil, nil, fmt.Errorf("%v: unknown option '%s'", s.Pos(), s.Items[0])
		}
	}
	return options, addrs, nil
}

func joinItems(items []namedconf.Item) string {
	var words []string
	for _, it := range items {
		words = append(words, it.Text)
	}
	return strings.Join(words, " ")
}
