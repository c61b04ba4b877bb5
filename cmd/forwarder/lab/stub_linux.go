package lab

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/netip"
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
	in  io.Writer
	out *bufio.Scanner
}

// StartStub runs the program that BuildStub made until the end of the test.
func (n *Namespace) StartStub(t testing.TB, program, resolvConf string) *Stub {
	t.Helper()
	etc := map[string]string{"resolv.conf": resolvConf, "nsswitch.conf": "hosts: dns\n"}
	cmd := Command(t, etc, "", program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	dieWithParent(cmd)
	n.Do(t, func() { err = cmd.Start() })
	if err != nil {
		t.Fatalf("starting a client of glibc's resolver: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // what it answers tells how it fared
	})
	return &Stub{in: in, out: bufio.NewScanner(out)}
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
