package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
)

// A load balancer asks an address of its own; the metrics stay where they are.
func TestHealthAddress(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	addr, at, metricsAt := freeAddr(t), freeAddr(t), freeAddr(t)
	conf := writeConf(t, daemonConf, addr)
	p := lab.Start(t, "the forwarder", exec.Command(program, "-g", "-c", conf,
		"--metrics-address", metricsAt.String(), "--health-address", at.String()))
	p.WaitFor(t, addr)
	served := fmt.Sprintf("serving 127.0.0.1#%d\n", addr.Port())
	if got := waitStatus(t, fmt.Sprintf("http://%v/readyz", at), http.StatusOK); got != "ready\n"+served {
		t.Errorf("/readyz = %q, want what is served", got)
	}
	if got := waitStatus(t, fmt.Sprintf("http://%v/healthz", at), http.StatusOK); got != "serving\n" {
		t.Errorf("/healthz = %q, want serving", got)
	}
	waitStatus(t, fmt.Sprintf("http://%v/", at), http.StatusOK)
	for _, path := range []string{"metrics", "debug/pprof/", "readyz/x"} {
		waitStatus(t, fmt.Sprintf("http://%v/%s", at, path), http.StatusNotFound)
	}
	for _, path := range []string{"metrics", "readyz", "healthz", ""} {
		waitStatus(t, fmt.Sprintf("http://%v/%s", metricsAt, path), http.StatusOK)
	}

	// An address that is taken: ready no more, healthy still, until it is free.
	holder, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	port := holder.Addr().(*net.TCPAddr).Port
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, conf, strings.Replace(string(good), "listen-on-v6", fmt.Sprintf("listen-on port %d { 127.0.0.1; }; listen-on-v6", port), 1))
	p.Signal(t, syscall.SIGHUP)
	want := fmt.Sprintf("not ready: 127.0.0.1#%d is not served: ", port)
	if got := waitStatus(t, fmt.Sprintf("http://%v/readyz", at), http.StatusServiceUnavailable); !strings.HasPrefix(got, want) {
		t.Errorf("/readyz = %q, want %q", got, want)
	}
	waitStatus(t, fmt.Sprintf("http://%v/healthz", at), http.StatusOK)
	holder.Close()
	if got := waitStatus(t, fmt.Sprintf("http://%v/readyz", at), http.StatusOK); strings.Count(got, "serving ") != 2 {
		t.Errorf("/readyz = %q, want both addresses", got)
	}
}

// Without any address of its own yet a server is not ready.
func TestReadyWithoutAddress(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	at := freeAddr(t)
	conf := writeConf(t, daemonConf, freeAddr(t))
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, conf, strings.Replace(string(text), "{ 127.0.0.1; }", "{ 203.0.113.1; }", 1))
	lab.Start(t, "the forwarder", exec.Command(program, "-g", "-c", conf, "--metrics-address=", "--health-address", at.String()))
	waitThere(t, filepath.Join(filepath.Dir(conf), "run/named.pid"))
	if got := waitStatus(t, fmt.Sprintf("http://%v/readyz", at), http.StatusServiceUnavailable); !strings.HasPrefix(got, "not ready: no address is served") {
		t.Errorf("/readyz = %q, want that no address is served", got)
	}
}
