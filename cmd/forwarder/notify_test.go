package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listenNotify is a service manager's end of sd_notify(3).
func listenNotify(t *testing.T) (path string, next func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return path, func() string {
		buf := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("the service manager hears nothing: %v", err)
		}
		return string(buf[:n])
	}
}

func TestNotify(t *testing.T) {
	path, next := listenNotify(t)
	n := newNotifier(func(name string) string {
		return map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"}[name]
	})
	tests := []struct {
		name string
		send func() error
		want string // a prefix
	}{
		{"ready", func() error { return n.ready("serving") }, "READY=1\nSTATUS=serving"},
		{"reloading", n.reloading, "RELOADING=1\nMONOTONIC_USEC="},
		{"stopping", func() error { return n.stopping("soon") }, "STOPPING=1\nSTATUS=soon"},
		{"alive", n.alive, "WATCHDOG=1"},
		{"failed", func() error { return n.failed(errors.New("a\nREADY=1")) }, "STATUS=a READY=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.send(); err != nil {
				t.Fatal(err)
			}
			if got := next(); !strings.HasPrefix(got, test.want) {
				t.Errorf("datagram = %q, want %q", got, test.want)
			}
		})
	}
	if n.watchdog != 30*time.Second {
		t.Errorf("watchdog = %v, want 30s", n.watchdog)
	}
}

func TestNotifyWithoutManager(t *testing.T) {
	n := newNotifier(func(string) string { return "" })
	if err := n.ready("serving"); err != nil {
		t.Errorf("ready() = %v, want no error", err)
	}
	if c, stop := n.ticks(); c != nil {
		stop()
		t.Error("ticks() comes, want never")
	}
}

func TestNotifyManagerGone(t *testing.T) {
	n := notifier{socket: filepath.Join(t.TempDir(), "gone")}
	if err := n.ready("serving"); err == nil {
		t.Error("ready() = nil, want an error")
	}
}

func TestWatchdogOfAnotherProcess(t *testing.T) {
	for pid, want := range map[string]time.Duration{
		"":                        time.Second,
		strconv.Itoa(os.Getpid()): time.Second,
		"1":                       0,
	} {
		env := map[string]string{"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": pid}
		if got := newNotifier(func(name string) string { return env[name] }).watchdog; got != want {
			t.Errorf("watchdog with WATCHDOG_PID=%q = %v, want %v", pid, got, want)
		}
	}
}
