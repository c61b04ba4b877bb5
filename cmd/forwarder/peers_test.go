package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/testdata"
)

// needPeer returns the path of a program that the test compares with or runs
// through. Without it the test is skipped, but fails where CI=true.
func needPeer(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		skip(t, "%s is not installed: apt-get install %s", program, debianPackage)
	}
	return path
}

// skip skips the test for want of something, but fails it where CI=true.
func skip(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// buildForwarder returns the path of a forwarder built from this package, with
// the race detector if the test has it.
func buildForwarder(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "forwarder")
	args := []string{"build", "-o", path}
	if raceEnabled() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("building the forwarder: %v\n%s", err, out)
	}
	return path
}

func raceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// process is a server in the foreground.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string        // path of what it wrote to stdout and stderr
	exited chan struct{} // closed when it is gone
}

// start runs cmd until the end of the test, and shows the end of what it wrote
// if the test fails.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, cmd: cmd, log: filepath.Join(t.TempDir(), "log"), exited: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	log.Close()
	go func() {
		_ = cmd.Wait() // the state tells
		close(p.exited)
	}()
	t.Cleanup(func() { p.end(t) })
	return p
}

// end asks the process to stop and waits for it.
func (p *process) end(t *testing.T) {
	const patience = 10 * time.Second
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		t.Errorf("%s did not end within %v of SIGTERM", p.name, patience)
	}
	if t.Failed() {
		t.Logf("%s wrote:\n%s", p.name, p.tail())
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// tail returns the last of what the process wrote.
func (p *process) tail() string {
	const most = 4000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// waitFor waits until the process answers at addr, to any question.
func (p *process) waitFor(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	question := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	question.Question[0].Qclass = dns.ClassCHAOS
	client := &dns.Client{Timeout: 200 * time.Millisecond}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, _, err := client.Exchange(question, addr.String()); err == nil {
			return
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended at once:\n%s", p.name, p.tail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer at %v:\n%s", p.name, addr, p.tail())
		}
	}
}

// startResolver starts the VPC resolver's stand-in on loopback, without a cache
// of its own so that two forwarders see the same.
func startResolver(t *testing.T) (*vpcresolver.Resolver, netip.AddrPort) {
	t.Helper()
	resolver, err := vpcresolver.New(testdata.Zone, false)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := resolver.Listen(netip.AddrPortFrom(loopback, 0))
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

// freeAddr returns a loopback address with a port that is free for UDP and TCP.
func freeAddr(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 100 {
		stream, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			t.Fatal(err)
		}
		addr := stream.Addr().(*net.TCPAddr).AddrPort()
		stream.Close()
		if isFree(addr) {
			return addr
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return netip.AddrPort{}
}

// startNamed starts a BIND in the foreground with a named.conf of this text, into
// which it puts the directory, a port and what keeps it from touching the host.
func startNamed(t *testing.T, program, conf string, addr netip.AddrPort) *process {
	t.Helper()
	p := start(t, "named", exec.Command(program, "-g", "-c", writeConf(t, conf, addr)))
	p.waitFor(t, addr)
	return p
}

// startForwarder starts the program under test with the same text.
func startForwarder(t *testing.T, program, conf string, addr netip.AddrPort) *process {
	t.Helper()
	p := start(t, "the forwarder", exec.Command(program, "-g", "--metrics-address=", "-c", writeConf(t, conf, addr)))
	p.waitFor(t, addr)
	return p
}

// writeConf fills in {dir}, {address} and {port} and returns the file's path.
func writeConf(t *testing.T, conf string, addr netip.AddrPort) string {
	t.Helper()
	dir := t.TempDir()
	text := strings.NewReplacer("{dir}", dir, "{address}", addr.Addr().String(), "{port}", fmt.Sprint(addr.Port())).Replace(conf)
	path := filepath.Join(dir, "named.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNeedPeerFindsPrograms(t *testing.T) {
	if path := needPeer(t, "go", "golang"); !bytes.HasSuffix([]byte(path), []byte("go")) {
		t.Errorf("needPeer(go) = %q, want the path of go", path)
	}
}
