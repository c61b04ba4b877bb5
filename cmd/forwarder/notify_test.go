package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
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

// Descriptors arrive in messages of as many as the kernel takes.
func TestNotifyStores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := (notifier{socket: path}).store("dns", slices.Repeat([]*os.File{file}, maxRights+2)...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{maxRights, 2} {
		data, control := make([]byte, 4096), make([]byte, 4096)
		n, size, _, _, err := conn.ReadMsgUnix(data, control)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(data[:n]); got != "FDSTORE=1\nFDNAME=dns" {
			t.Errorf("datagram = %q, want FDSTORE=1 and a name", got)
		}
		if got := countRights(t, control[:size]); got != want {
			t.Errorf("%d descriptors came along, want %d", got, want)
		}
	}
}

// countRights closes the descriptors that it counts.
func countRights(t *testing.T, control []byte) (n int) {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
		n += len(fds)
	}
	return n
}

// The first check that succeeds makes the watchdog mean something.
func TestJudge(t *testing.T) {
	silent := errors.New("no answer")
	tests := []struct {
		name   string
		checks []error
		want   int // times that the service manager hears of us
	}{
		{"well", []error{nil, nil}, 2},
		{"never well", []error{silent, silent}, 2},
		{"no longer well", []error{nil, silent, silent}, 1},
		{"well again", []error{nil, silent, nil}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, next := listenNotify(t)
			d := &daemon{notify: notifier{socket: path}, general: slog.New(slog.DiscardHandler)}
			for _, err := range test.checks {
				d.keepAlive(err)
			}
			d.warn(d.notify.stopping("the end"))
			got := 0
			for next() == "WATCHDOG=1" {
				got++
			}
			if got != test.want {
				t.Errorf("WATCHDOG=1 came %d times, want %d", got, test.want)
			}
		})
	}
}

// Each check has the time until the next one.
func TestCheckEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error)
		slow := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		go check(ctx, time.Second, slow, results)
		began := time.Now()
		for i := range 3 {
			<-results
			if got, want := time.Since(began), time.Duration(i+1)*time.Second; got != want {
				t.Errorf("result %d came after %v, want %v", i, got, want)
			}
		}
		cancel()
	})
}

func TestNotifyWithoutManager(t *testing.T) {
	n := newNotifier(func(string) string { return "" })
	if err := n.ready("serving"); err != nil {
		t.Errorf("ready() = %v, want no error", err)
	}
	if n.managed() {
		t.Error("managed() = true, want false")
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
