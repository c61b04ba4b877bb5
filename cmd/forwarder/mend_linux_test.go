package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const included = "/etc/forwarder.d/zones.conf"

// testServiceBroken starts with an error in an included file.
func testServiceBroken(t *testing.T, m *machine) {
	m.Run("mkdir", "/etc/forwarder.d")
	m.Put(included, "frobnicate yes;\n")
	m.Put("/etc/named.conf", m.Run("cat", "/etc/named.conf")+"\ninclude \""+included+"\";\n")
	m.Fails("systemctl", "start", "forwarder")
	m.Journal(included + ":1:1: unknown option 'frobnicate'")
	m.Want("failed", "systemctl", "show", "-P", "ActiveState", "forwarder")
	m.Want("78", "systemctl", "show", "-P", "ExecMainStatus", "forwarder")
	if got := m.Run("systemctl", "--failed", "--plain", "--no-legend"); !strings.HasPrefix(got, "forwarder.service ") {
		t.Errorf("systemctl --failed = %q, want the service", got)
	}
}

// armed waits until systemd watches the files.
func (m *machine) armed() {
	m.T.Helper()
	waitFor(m.T, "watch over the files", func() bool {
		out, _ := m.Try("systemctl", "is-active", mendedPath)
		return out == "active"
	})
}

// breaks starts the service, which has to fail, and waits for the watch.
func (m *machine) breaks(path, text string) {
	m.T.Helper()
	m.Run("systemctl", "stop", "forwarder")
	m.Put(path, text)
	m.Fails("systemctl", "start", "forwarder")
	m.armed()
}

// testServiceMended mends what is broken in one way after another; nobody starts
// the service.
func testServiceMended(t *testing.T, m *machine) {
	m.armed()
	m.Put(included+".new", "# nothing\n")
	m.Run("mv", included+".new", included)
	m.Until("ActiveState", "active")
	m.Want(`"not currently available"`, version53...)

	// A running server is not reloaded for each file that is half written.
	pid := m.Show("MainPID")
	m.Put(included, "frobn")
	m.Want("active", "systemctl", "is-active", "forwarder")
	m.Want(pid, "systemctl", "show", "-P", "MainPID", "forwarder")
	if got := m.Show("StatusText"); strings.Contains(got, "reload") {
		t.Errorf("StatusText = %q, want no reload", got)
	}

	m.breaks(included, "frobnicate no;\n")
	m.Put(included, "# written in place\n")
	m.Until("ActiveState", "active")

	m.Run("systemctl", "stop", "forwarder")
	m.Run("rm", included)
	m.Fails("systemctl", "start", "forwarder") // the file is missing
	m.armed()
	m.Put(included, "# made\n")
	m.Until("ActiveState", "active")

	const sysconfig = "/etc/sysconfig/forwarder"
	m.breaks(sysconfig, "OPTIONS=--no-such-flag\n")
	m.Want("64", "systemctl", "show", "-P", "ExecMainStatus", "forwarder")
	m.Put(sysconfig, "OPTIONS=-n 1 --metrics-address=\nNAMEDCONF=/srv/other.conf\n")
	waitFor(t, "start with a file that is missing", func() bool { return m.Show("ExecMainStatus") == "78" })
	m.armed()
	m.Run("cp", "/etc/named.conf", "/srv/other.conf")
	m.Until("ActiveState", "active")
}

// testServiceNotMended stops a service that failed: no change starts it then. One
// that is changed while systemd begins to watch is started.
func testServiceNotMended(t *testing.T, m *machine) {
	m.breaks(included, "frobnicate no;\n")
	m.Run("systemctl", "stop", "forwarder")
	if out, err := m.Try("systemctl", "is-active", mendedPath); err == nil {
		t.Errorf("%s is %s, want it gone", mendedPath, out)
	}
	m.Put(included, "# mended, but nobody wants it\n")
	if got := m.Show("ActiveState"); got == "active" || got == "activating" {
		t.Errorf("ActiveState = %s, want the service left alone", got)
	}

	m.breaks(included, "frobnicate no;\n")
	m.Run("systemctl", "stop", mendedPath)
	m.Put(included, "# mended before it is watched\n")
	m.Run("systemctl", "start", "forwarder-mend")
	m.Until("ActiveState", "active")
}

func TestWatchable(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	write(t, target, "")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	if got, want := watchable([]string{link, missing, link}), []string{link, missing, target}; !slices.Equal(got, want) {
		t.Errorf("watchable = %q, want %q", got, want)
	}
	var many []string
	for i := range mostWatched + 1 {
		many = append(many, filepath.Join("/nowhere", strings.Repeat("x", i+1)))
	}
	if got := watchable(many); !slices.Equal(got, []string{"/nowhere"}) {
		t.Errorf("watchable(many files) = %q, want their directory", got)
	}
}

func TestChangedSince(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "")
	list := []string{filepath.Join(t.TempDir(), "missing"), path}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		since time.Time
		want  bool
	}{{info.ModTime().Add(-time.Second), true}, {info.ModTime().Add(time.Second), false}} {
		if got := changedSince(list, test.since); got != test.want {
			t.Errorf("changedSince(%v, %v) = %v, want %v", list, test.since, got, test.want)
		}
	}
	// An old file that is moved here is new.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if !changedSince(list, info.ModTime().Add(-time.Second)) {
		t.Error("changedSince goes by the time that a file claims")
	}
}
