package demo

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
)

// program is forwarder --demo, whose temporary files are in a directory of its own.
type program struct {
	*exec.Cmd
	tmp    string
	stderr bytes.Buffer
}

// newProgram is for a test that runs beside the others: each demo has ports of its own.
func newProgram(t *testing.T, binary string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(binary, "--demo"), tmp: t.TempDir()}
	p.Env = append(os.Environ(), "TMPDIR="+p.tmp, "NO_COLOR=1")
	p.Stderr = &p.stderr
	return p
}

// start returns what it writes.
func (p *program) start(t *testing.T) io.ReadCloser {
	t.Helper()
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has ended, unless the test failed
	return out
}

// end waits for its end, which is to be a good one that leaves nothing.
func (p *program) end(t *testing.T) {
	t.Helper()
	if err := p.Wait(); err != nil || p.stderr.Len() > 0 {
		t.Errorf("it ended with %v, and wrote %q to stderr; want status 0 and nothing", err, &p.stderr)
	}
	if left, err := os.ReadDir(p.tmp); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestProgram(t *testing.T) {
	binary := lab.BuildForwarder(t)
	var all sync.WaitGroup // at once, however few processors there are: they wait most of the time
	defer all.Wait()
	run := func(name string, test func(t *testing.T)) { all.Go(func() { t.Run(name, test) }) }
	run("whole", func(t *testing.T) { testWhole(t, binary) })
	for _, at := range []string{"A pair", "ACT 1  ", "ACT 1, once", "ACT 2", "ACT 3"} {
		run("interrupted in "+at, func(t *testing.T) { testInterrupted(t, binary, at) })
	}
	run("unread", func(t *testing.T) { testUnread(t, binary) })
	run("full disk", func(t *testing.T) { testFullDisk(t, binary) })
	run("terminal", func(t *testing.T) { testTerminal(t, binary) })
}

// Ports that are taken do not matter. There is something every second or so.
func testWhole(t *testing.T, binary string) {
	if !*update {
		takePorts(t, demoPort, pagePort)
	}
	p := newProgram(t, binary)
	begun := time.Now()
	lines := bufio.NewScanner(p.start(t))
	var text strings.Builder
	const most = 10 * time.Second // it is two at most when the machine has time
	for latest := begun; lines.Scan(); latest = time.Now() {
		if gap := time.Since(latest); gap > most {
			t.Errorf("nothing was shown for %v before %q", gap, lines.Text())
		}
		text.WriteString(lines.Text() + "\n")
		tryOut(t, lines.Text())
	}
	p.end(t)
	tr := readTranscript(t, text.String())
	tr.holdRules(t)
	if *update && !t.Failed() {
		if err := os.WriteFile("testdata/demo.txt", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// takePorts has both taken by somebody, this test if it was nobody.
func takePorts(t *testing.T, ports ...uint16) {
	t.Helper()
	for _, port := range ports {
		if l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}); err == nil {
			t.Cleanup(func() { l.Close() })
		}
	}
}

var (
	pageLine = regexp.MustCompile(`its status page: (http://\S+)$`)
	digLine  = regexp.MustCompile(`^ +dig @(\S+) -p (\d+) (\S+)$`)
)

// tryOut does what a line tells to try.
func tryOut(t *testing.T, line string) {
	t.Helper()
	if m := pageLine.FindStringSubmatch(line); m != nil {
		reply, err := http.Get(m[1])
		if err != nil {
			t.Error(err)
			return
		}
		defer reply.Body.Close()
		if text, err := io.ReadAll(reply.Body); err != nil || reply.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("<html")) {
			t.Errorf("%s: %s %v, want a page", m[1], reply.Status, err)
		}
	}
	if m := digLine.FindStringSubmatch(line); m != nil {
		question := new(dns.Msg).SetQuestion(dns.Fqdn(m[3]), dns.TypeA)
		reply, _, err := (&dns.Client{Timeout: stubWaits}).Exchange(question, net.JoinHostPort(m[1], m[2]))
		if err != nil || len(reply.Answer) != 1 {
			t.Errorf("%s: %v %v, want an answer", line, reply, err)
		}
	}
}

// Ctrl-C is a good end: what was seen until then adds up.
func testInterrupted(t *testing.T, binary, at string) {
	p := newProgram(t, binary)
	lines := bufio.NewScanner(p.start(t))
	var text strings.Builder
	for there := false; lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		there = there || strings.HasPrefix(lines.Text(), at)
		if there && (at == "A pair" || strings.HasPrefix(lines.Text(), event)) {
			if err := p.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
	}
	p.end(t)
	readTranscript(t, text.String())
	if !strings.Contains(text.String(), "Stopped before the end.\n") {
		t.Errorf("it does not say that it was stopped:\n%s", &text)
	}
}

// Who has seen enough, as head(1), is not told of an error.
func testUnread(t *testing.T, binary string) {
	p := newProgram(t, binary)
	out := p.start(t)
	if !bufio.NewScanner(out).Scan() {
		t.Error("it shows nothing")
	}
	out.Close()
	p.end(t)
}

// What cannot be written is an error.
func testFullDisk(t *testing.T, binary string) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	defer full.Close()
	p := newProgram(t, binary)
	p.Stdout = full
	var exit *exec.ExitError
	if err := p.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(p.stderr.String(), "no space left") {
		t.Errorf("it ended with %v, and wrote %q; want status 1 and why", err, &p.stderr)
	}
	if left, err := os.ReadDir(p.tmp); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}
