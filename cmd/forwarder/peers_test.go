package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
	"vpcdns/testdata"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// startResolver starts the VPC resolver's stand-in on loopback, without a cache
// of its own so that two forwarders see the same.
func startResolver(t testing.TB) (*vpcresolver.Resolver, netip.AddrPort) {
	t.Helper()
	resolver, err := vpcresolver.New(testdata.Zone, false)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := resolver.Listen(freeAddr(t))
	for tries := 0; errors.Is(err, syscall.EADDRINUSE) && tries < 10; tries++ { // by another test meanwhile
		addr, err = resolver.Listen(freeAddr(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := resolver.Close(); err != nil {
			t.Error(err)
		}
	})
	return resolver, addr
}

func freeAddr(t testing.TB) netip.AddrPort { return workbench.FreeAddr(t) }

// startNamed starts a BIND in the foreground with a named.conf of this text, into
// which it puts the directory, a port and what keeps it from touching the host.
func startNamed(t *testing.T, program, conf string, addr netip.AddrPort) *lab.Process {
	t.Helper()
	p := lab.Start(t, "named", exec.Command(program, "-g", "-c", writeConf(t, conf, addr)))
	p.WaitFor(t, addr)
	return p
}

// startForwarder starts the program under test with the same text.
func startForwarder(t *testing.T, program, conf string, addr netip.AddrPort) *lab.Process {
	t.Helper()
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address=", "-c", writeConf(t, conf, addr)))
	p.WaitFor(t, addr)
	return p
}

// writeConf fills in {dir}, {address} and {port} and returns the file's path. The
// zone that differentialConf has is written beside it.
func writeConf(t testing.TB, conf string, addr netip.AddrPort) string {
	t.Helper()
	dir := t.TempDir()
	text := strings.NewReplacer("{dir}", dir, "{address}", addr.Addr().String(), "{port}", fmt.Sprint(addr.Port())).Replace(conf)
	path := filepath.Join(dir, "named.conf")
	for file, text := range map[string]string{path: text, filepath.Join(dir, "host.zone"): hostZone} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
