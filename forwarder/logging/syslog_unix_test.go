//go:build unix

package logging

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listen is a syslog daemon that reads nothing by itself.
func listen(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func receive(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	buf := make([]byte, 2*maxDatagram)
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func syslogLogs(t *testing.T, ch Channel) (*world, *Logs, string) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "log")
	ch.Name, ch.Kind = "s", Syslog
	l, err := open(Config{Channels: []Channel{ch}, Categories: map[string][]string{"default": {"s"}}},
		env{now: w.now, stderr: w, tag: "forwarder", syslog: []string{"/nonexistent/log", path}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w.logs = append(w.logs, l)
	return w, l, path
}

func TestSyslogMessage(t *testing.T) {
	_, l, path := syslogLogs(t, Channel{Facility: "local3", Severity: Debug(9), PrintCategory: true})
	daemon := listen(t, path)
	for level, want := range map[int]int{int(Critical): 2, int(Error): 3, int(Warning): 4, int(Notice): 5, int(Info): 6, int(Debug(3)): 7} {
		l.Logger("general").Log(t.Context(), slog.Level(level), "hello", "n", level)
		line := fmt.Sprintf("<%d>Nov 22 15:41:28 forwarder[%d]: general: hello n=%d", 19<<3|want, os.Getpid(), level)
		if got := receive(t, daemon); got != line {
			t.Errorf("datagram = %q, want %q", got, line)
		}
	}
}

func TestSyslogMissing(t *testing.T) {
	w, l, path := syslogLogs(t, Channel{})
	for range 3 {
		l.Logger("general").Info("lost")
	}
	if got, want := w.printed(), "forwarder: logging to syslog failed: no daemon listens\n"; got != want {
		t.Errorf("stderr = %q, want %q", got, want)
	}
	daemon := listen(t, path)
	w.pass(retryAfter)
	l.Logger("general").Info("kept")
	if got := receive(t, daemon); !strings.HasSuffix(got, ": kept") {
		t.Errorf("datagram = %q, want the line", got)
	}
	if got := w.printed(); !strings.HasSuffix(got, "works again, 3 lines were lost\n") {
		t.Errorf("stderr = %q, want the recovery", got)
	}
}

func TestSyslogRestarted(t *testing.T) {
	_, l, path := syslogLogs(t, Channel{})
	first := listen(t, path)
	l.Logger("general").Info("one")
	receive(t, first)
	first.Close()
	os.Remove(path)
	second := listen(t, path)
	l.Logger("general").Info("two")
	if got := receive(t, second); !strings.HasSuffix(got, ": two") {
		t.Errorf("datagram = %q, want the line", got)
	}
}

// A daemon that reads nothing fills its queue; the test ends only if no line
// waits for room.
func TestSyslogNeverWaits(t *testing.T) {
	w, l, path := syslogLogs(t, Channel{})
	listen(t, path)
	for range 5000 {
		l.Logger("general").Info("into the void")
	}
	if got := w.printed(); got != "" {
		t.Errorf("stderr = %q, want nothing: the daemon is slow, not missing", got)
	}
}

func TestSyslogLongLineIsCut(t *testing.T) {
	_, l, path := syslogLogs(t, Channel{})
	daemon := listen(t, path)
	l.Logger("general").Info(strings.Repeat("x", 3*maxDatagram))
	if got := len(receive(t, daemon)); got != maxDatagram {
		t.Errorf("datagram of %d octets, want %d", got, maxDatagram)
	}
}
