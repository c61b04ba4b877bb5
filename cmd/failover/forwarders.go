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

	"github.com/spf13/pflag"

	"vpcdns/cmd/failover/pair"
	"vpcdns/forwarder/control"
	"vpcdns/forwarder/host"
)

// forwarderFlags say which forwarders there are.
type forwarderFlags struct {
	hosts    []string
	keyFile  string
	dnsPorts []uint
}

func (f *forwarderFlags) add(s *pflag.FlagSet) {
	s.StringArrayVar(&f.hosts, "forwarder", nil, "`HOST[:PORT]` of a forwarder's control channel (953); once for each, or a name that has the addresses of all")
	s.StringVar(&f.keyFile, "key", "", "`file` with the key of the control channels: rndc.key, rndc.conf or named.conf; without it as rndc finds it")
	s.UintSliceVar(&f.dnsPorts, "dns-port", []uint{dnsPort}, "`port` of the forwarders for DNS: one for all, or one for each --forwarder")
}

// dnsPort is where forwarders are asked, unless it is said.
const dnsPort = 53

// target is a forwarder, with where it is asked.
type target struct {
	pair.Server
	dns   netip.AddrPort
	label string // how it is named in what is printed
}

// keys reads the key file once.
func (f *forwarderFlags) keys() func() (control.Keys, error) {
	return sync.OnceValues(func() (control.Keys, error) {
		keys, err := control.LoadKeys(f.keyFile)
		if err != nil && f.keyFile == "" {
			err = fmt.Errorf("%w: give the key of the control channels with --key FILE", err)
		}
		return keys, err
	})
}

// lookupTime is how long the names of all forwarders may take.
const lookupTime = 5 * time.Second

// targets looks the forwarders up: of a name with several addresses each is one. The
// list has those that were found even where there is an error.
func (f *forwarderFlags) targets(ctx context.Context) (list []target, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	if n := len(f.dnsPorts); n != 1 && n != len(f.hosts) || slices.ContainsFunc(f.dnsPorts, func(p uint) bool { return p == 0 || p > 65535 }) {
		return nil, usageError("--dns-port: one port for all forwarders is wanted, or one for each --forwarder")
	}
	keys := f.keys()
	var errs []error
	for i, host := range f.hosts {
		servers, err := control.Find(ctx, host, keys)
		if d := (*net.DNSError)(nil); errors.As(err, &d) {
			err = fmt.Errorf("%w; give the addresses of its forwarders, which need no lookup", err)
		}
		if err != nil {
			errs = append(errs, usageError("--forwarder %s: %w", host, err))
			continue
		}
		list = addTargets(list, servers, uint16(f.dnsPorts[min(i, len(f.dnsPorts)-1)]))
	}
	return list, errors.Join(errs...)
}

// addTargets adds the servers that are not there yet.
func addTargets(list []target, servers []*control.Server, port uint16) []target {
	for _, s := range servers {
		if slices.ContainsFunc(list, func(t target) bool { return t.Addr == s.Addr }) {
			continue
		}
		dns := netip.AddrPortFrom(s.Addr.Addr(), port)
		list = append(list, target{pair.Server{Server: s}, dns, host.Address(dns)})
	}
	return list
}

// found is targets for who goes on with those that there are: lost says of which no
// address was found.
func (f *forwarderFlags) found(ctx context.Context) (list []target, lost, err error) {
	list, err = f.targets(ctx)
	if unknown := (*net.DNSError)(nil); len(list) == 0 || !errors.As(err, &unknown) {
		return list, nil, err
	}
	return list, fmt.Errorf("%w: %v", errUnreachable, err), nil
}

// each does something for every forwarder at once, and returns what came of it in
// their order.
func each[T any](list []target, do func(target) T) []T {
	results := make([]T, len(list))
	var all sync.WaitGroup
	for i, t := range list {
		all.Go(func() { results[i] = do(t) })
	}
	all.Wait()
	return results
}
