package lab

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Room is how long tests wait for what takes a moment on a machine that has time: it
// says that something does not come, never how fast it has to be.
const Room = time.Minute

// Process is a server in the foreground.
type Process struct {
	Name   string
	Cmd    *exec.Cmd
	Exited chan struct{} // closed when it is gone
	log    string        // path of what it wrote to stdout and stderr
}

// Start runs cmd until the end of the test, and shows the end of what it wrote
// if the test fails. It dies with the test, whatever happens.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Name: name, Cmd: cmd, log: filepath.Join(t.TempDir(), "log"), Exited: make(chan struct{})}
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
		close(p.Exited)
	}()
	t.Cleanup(func() { p.End(t) })
	return p
}

// End asks the process to stop and waits for it. The race detector has the last
// word.
func (p *Process) End(t testing.TB) {
	t.Helper()
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.Exited:
	case <-time.After(Room):
		p.Kill()
		t.Errorf("%s did not end within %v of SIGTERM", p.Name, Room)
	}
	if p.Wrote("WARNING: DATA RACE") {
		t.Errorf("%s has a data race", p.Name)
	}
	if t.Failed() {
		t.Logf("%s wrote:\n%s", p.Name, p.Tail())
	}
}

// Wrote reports whether a text is in what the process wrote.
func (p *Process) Wrote(text string) bool {
	all, _ := os.ReadFile(p.log)
	return strings.Contains(string(all), text)
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.Exited
}

// Signal sends the process a signal.
func (p *Process) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		t.Fatalf("sending %v to %s: %v", s, p.Name, err)
	}
}

// Tail returns the last of what the process wrote.
func (p *Process) Tail() string {
	const most = 4000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// WaitFor waits until the process answers at addr, to any question. It asks over TCP,
// where no server limits the rate of its replies.
func (p *Process) WaitFor(t testing.TB, addr netip.AddrPort) {
	t.Helper()
	question := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
	question.Question[0].Qclass = dns.ClassCHAOS
	client := &dns.Client{Net: "tcp", Timeout: Room / 30}
	for deadline := time.Now().Add(Room); ; {
		if _, _, err := client.Exchange(question, addr.String()); err == nil {
			return
		}
		select {
		case <-p.Exited:
			t.Fatalf("%s ended at once:\n%s", p.Name, p.Tail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer at %v:\n%s", p.Name, addr, p.Tail())
		}
	}
}

// WaitToSay waits until the process has written a text.
func (p *Process) WaitToSay(t testing.TB, text string) {
	t.Helper()
	for deadline := time.Now().Add(Room); ; {
		if p.Wrote(text) {
			return
		}
		select {
		case <-p.Exited:
			t.Fatalf("%s ended at once:\n%s", p.Name, p.Tail())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not say %q:\n%s", p.Name, text, p.Tail())
		}
	}
}
