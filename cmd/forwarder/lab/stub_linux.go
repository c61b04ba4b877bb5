package lab

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/workbench"
)

//go:embed testdata/stub.c
var stubSource string

// BuildStub returns the path of a program that asks glibc's stub resolver.
func BuildStub(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stub")
	cc := exec.Command(workbench.Need(t, "cc"), "-x", "c", "-o", path, "-")
	cc.Stdin = strings.NewReader(stubSource)
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("compiling the stub resolver's client: %v\n%s", err, out)
	}
	return path
}

// Stub is a client of glibc's stub resolver: one process, as an application is,
// that has no cache. It asks for one name at a time.
type Stub struct {
	in     io.Writer
	out    *bufio.Scanner
	errors *os.File // what it wrote to stderr
}

// StartStub runs the program that BuildStub made until the end of the test.
func (n *Namespace) StartStub(t testing.TB, program, resolvConf string) *Stub {
	t.Helper()
	return n.startStub(t, Command(t, stubFiles(resolvConf), "", program))
}

// stubFiles are what glibc's resolver reads in /etc.
func stubFiles(resolvConf string) map[string]string {
	return map[string]string{"resolv.conf": resolvConf, "nsswitch.conf": "hosts: dns\n"}
}

// startStub runs a program that has an address, or "-" and a reason, for each name.
func (n *Namespace) startStub(t testing.TB, cmd *exec.Cmd) *Stub {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errors, err := os.Create(filepath.Join(t.TempDir(), "errors"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = errors
	dieWithParent(cmd)
	n.Do(t, func() { err = cmd.Start() })
	if err != nil {
		t.Fatalf("starting %v: %v", cmd.Args, err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // what it answers tells how it fared
		errors.Close()
	})
	return &Stub{in: in, out: bufio.NewScanner(out), errors: errors}
}

// Await asks until there is an address. A JVM keeps a failure for ten seconds, and
// has to start first.
func (s *Stub) Await(t testing.TB, program, name string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		if s.Ask(name).OK() {
			return
		}
		if time.Now().After(deadline) {
			wrote, _ := os.ReadFile(s.errors.Name())
			t.Fatalf("%s has no address of %s, and says %q\n%s", program, name, s.out.Text(), wrote)
		}
	}
}

// Ask calls getaddrinfo(3).
func (s *Stub) Ask(name string) Answer {
	a := Answer{Name: name, Sent: time.Now(), Tries: 1, Rcode: -1, EDE: -1}
	fmt.Fprintln(s.in, name)
	s.out.Scan()
	a.Took = time.Since(a.Sent)
	if address, err := netip.ParseAddr(s.out.Text()); err == nil {
		a.Address, a.Rcode = address, dns.RcodeSuccess
	}
	return a
}

// Start asks for names in the background, that many a second unless answers take
// longer, until stop is called. The function wait returns the answers after that.
func (s *Stub) Start(t testing.TB, rate int, name func(i int) string) (wait func() Answers, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done, answers := make(chan struct{}), Answers(nil)
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			answers = append(answers, s.Ask(name(i)))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	wait = func() Answers {
		<-done
		return answers
	}
	t.Cleanup(func() { cancel(); wait() })
	return wait, cancel
}
