package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// tappedServer is a server with a tap, and a client that numbers its queries.
type tappedServer struct {
	controlled
	asked uint16
}

func startTapped(t *testing.T, output string) *tappedServer {
	t.Helper()
	c := newControlConf(t)
	plain, err := os.ReadFile(c.conf)
	if err != nil {
		t.Fatal(err)
	}
	text := "options { dnstap { auth query; client query; }; fstrm-set-reopen-interval 1; dnstap-output " + output + "; "
	write(t, c.conf, strings.ReplaceAll(strings.Replace(string(plain), "options {", text, 1), "{dir}", c.dir))
	c.Process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-f", "--metrics-address=", "-L", c.logFile(), "-c", c.conf))
	waitFor(t, "a tap", func() bool { return c.logged("opening dnstap destination") })
	return &tappedServer{controlled: c}
}

func (c controlled) logFile() string { return filepath.Join(c.dir, "forwarder.log") }

func (c controlled) logged(text string) bool { return strings.Contains(readIfAny(c.logFile()), text) }

func (c *tappedServer) ask(t *testing.T) {
	t.Helper()
	c.asked++
	packet := usual("tapped.here.test.", dns.TypeA).pack()
	binary.BigEndian.PutUint16(packet, c.asked)
	if exchange(packet, c.addr, probe{}, faultWait).packet == nil {
		t.Errorf("no reply to query %d", c.asked)
	}
}

// restart asks all the while that the next process takes over, and some time after it.
func (c *tappedServer) restart(t *testing.T) {
	t.Helper()
	c.ask(t)
	c.Signal(t, syscall.SIGUSR2)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); c.ask(t) {
		select {
		case <-c.Exited:
			c.ask(t)
			return
		default:
		}
	}
	t.Fatal("nobody has taken over")
}

func (c *tappedServer) stop(t *testing.T, rndc []string) {
	t.Helper()
	waitFor(t, "a control channel of the next process", func() bool {
		code, _, _ := c.rndcAt(t, rndc, "127.0.0.5", "stop")
		return code == 0
	})
	waitFor(t, "end of both processes", func() bool { return strings.Count(readIfAny(c.logFile()), " exiting\n") == 2 })
}

// wantAll checks that each query is once in the frames.
func (c *tappedServer) wantAll(t *testing.T, frames []*pb.Dnstap) {
	t.Helper()
	seen := make(map[uint16]int)
	for _, f := range frames {
		if q := f.Message.QueryMessage; bytes.Contains(q, []byte("\x06tapped\x04here")) {
			seen[binary.BigEndian.Uint16(q)]++
		}
	}
	var wrong []string
	for id := range c.asked {
		if n := seen[id+1]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("%d: %d times", id+1, n))
		}
	}
	if len(wrong) > 0 {
		t.Errorf("of %d queries the tap has %d not once: %v", c.asked, len(wrong), wrong[:min(10, len(wrong))])
	}
}

// While one process takes over from another both write, and nothing of either is lost:
// each to a file of its own, whole to its end.
func TestDnstapRestartFile(t *testing.T) {
	t.Parallel()
	rndc := []string{workbench.Need(t, "rndc")}
	for former, versions := range map[string]string{".0": "versions 3", ".old": ""} {
		c := startTapped(t, `file "{dir}/tap" `+versions)
		file := filepath.Join(c.dir, "tap")
		c.restart(t)
		c.stop(t, rndc)
		c.wantAll(t, append(tappedFrames(t, file+former), tappedFrames(t, file)...))
	}
}

func TestDnstapRestartSocket(t *testing.T) {
	t.Parallel()
	rndc, capture := []string{workbench.Need(t, "rndc")}, workbench.Need(t, "fstrm_capture")
	dir := t.TempDir()
	socket, captured := filepath.Join(dir, "s"), filepath.Join(dir, "captured")
	reader := lab.Start(t, "fstrm_capture", exec.Command(capture, "-t", "protobuf:dnstap.Dnstap", "-u", socket, "-w", captured))
	waitFor(t, "a reader", func() bool { _, err := os.Stat(socket); return err == nil })
	c := startTapped(t, `unix "`+socket+`"`)
	c.restart(t)
	c.stop(t, rndc)
	reader.Signal(t, syscall.SIGTERM)
	<-reader.Exited
	c.wantAll(t, tappedFrames(t, captured))
}

// logrotate moves the file away and makes an empty one, or empties it: what comes then
// is in a file that can be read.
func TestDnstapRotated(t *testing.T) {
	t.Parallel()
	rndc := []string{workbench.Need(t, "rndc")}
	c := startTapped(t, `file "{dir}/tap" versions 9`)
	file := filepath.Join(c.dir, "tap")
	renewed := func() bool {
		c.ask(t)
		f, err := os.ReadFile(file)
		return err == nil && bytes.HasPrefix(f, []byte("\x00\x00\x00\x00\x00\x00\x00\x22"))
	}
	for n, rotate := range []func() error{
		func() error { return os.Rename(file, file+"-moved") },
		func() error { return cmpErr(os.Rename(file, file+"-created"), os.WriteFile(file, nil, 0o644)) },
		func() error { return os.Truncate(file, 0) },
	} {
		c.ask(t)
		if err := rotate(); err != nil {
			t.Fatal(n, err)
		}
		waitFor(t, "file that begins as it must", renewed)
	}
	c.ask(t)
	last := c.asked
	if code, stdout, stderr := c.rndcAt(t, rndc, "127.0.0.5", "dnstap", "-reopen"); code != 0 {
		t.Errorf("rndc dnstap -reopen = %d, %q, %q", code, stdout, stderr)
	}
	list := tappedFrames(t, file+".0")
	if n := len(list); n == 0 || binary.BigEndian.Uint16(list[n-1].Message.QueryMessage) != last {
		t.Errorf("the last of %d messages is not query %d", n, last)
	}
	if len(tappedFrames(t, file+"-created")) == 0 {
		t.Error("the file that was moved away is empty")
	}
}
