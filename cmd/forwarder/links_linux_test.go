package main

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// stranger is a user that owns directories in which root writes.
const stranger = 54321

// theirs makes a directory of the stranger's, and a file and a directory of root's
// that nothing may happen to: check tells.
func theirs(t *testing.T) (dir, secret string, check func()) {
	t.Helper()
	workbench.NeedRoot(t)
	top := t.TempDir()
	dir, secret = filepath.Join(top, "theirs"), filepath.Join(top, "secret")
	write(t, filepath.Join(secret, "file"), "secret\n")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	chown(t, dir)
	return dir, secret, func() {
		t.Helper()
		list, err := os.ReadDir(secret)
		if text := readIfAny(filepath.Join(secret, "file")); err != nil || len(list) != 1 || text != "secret\n" {
			t.Errorf("root's directory has %v, %v, the file in it %q: want them as they were", list, err, text)
		}
		for _, path := range []string{secret, filepath.Join(secret, "file")} {
			if info, err := os.Stat(path); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
				t.Errorf("%s is root's no longer (%v)", path, err)
			}
		}
	}
}

func chown(t *testing.T, path string) {
	t.Helper()
	if err := os.Lchown(path, stranger, stranger); err != nil {
		t.Fatal(err)
	}
}

// lead makes a link of the stranger's.
func lead(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	chown(t, path)
}

// What stands in the place of root's pid-file gives way to it, and nothing that it
// leads to does. A pipe does not make root wait.
func TestPidFileInDirectoryOfAnother(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path, secret string){
		"link":         func(t *testing.T, path, secret string) { lead(t, filepath.Join(secret, "file"), path) },
		"link to none": func(t *testing.T, path, secret string) { lead(t, filepath.Join(secret, "new"), path) },
		"hard link": func(t *testing.T, path, secret string) {
			if err := os.Link(filepath.Join(secret, "file"), path); err != nil {
				t.Fatal(err)
			}
		},
		"pipe": func(t *testing.T, path, _ string) {
			if err := syscall.Mkfifo(path, 0o666); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, secret, check := theirs(t)
			path := filepath.Join(dir, "named.pid")
			put(t, path, secret)
			if warning, err := writePid(path); err != nil || warning != "" {
				t.Errorf("writePid = %q, %v, want none", warning, err)
			}
			info, err := os.Lstat(path)
			if err != nil || !info.Mode().IsRegular() || readPid(path) != os.Getpid() {
				t.Errorf("pid-file = %v, %v, with %d: want a file with %d", info.Mode(), err, readPid(path), os.Getpid())
			}
			if err := removePid(path); err != nil {
				t.Error(err)
			}
			check()
		})
	}
}

// A directory of the path that is another's link leads nowhere: not to write, not
// to read and not to remove.
func TestPidFileBelowLinkOfAnother(t *testing.T) {
	dir, secret, check := theirs(t)
	lead(t, secret, filepath.Join(dir, "run"))
	for _, path := range []string{"run/file", "run/named.pid", "run/sub/named.pid"} {
		if _, err := writePid(filepath.Join(dir, path)); err == nil || !strings.Contains(err.Error(), "not followed") {
			t.Errorf("writePid(%s) = %v, want that the link is not followed", path, err)
		}
		check()
	}
	own := filepath.Join(t.TempDir(), "own")
	if _, err := writePid(filepath.Join(own, "named.pid")); err != nil {
		t.Fatal(err)
	}
	lead(t, own, filepath.Join(dir, "own"))
	if err := removePid(filepath.Join(dir, "own/named.pid")); err != nil || readPid(filepath.Join(own, "named.pid")) == 0 {
		t.Errorf("removePid = %v, and the file is gone: want it to stay", err)
	}
}

// Before it becomes another user root makes directories for it. None of them is
// where that user has led it, and that does not keep it from serving.
func TestMakeDirs(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	dir, secret, check := theirs(t)
	open(t, dir)
	lead(t, secret, filepath.Join(dir, "link"))
	for _, test := range []struct{ pid, log, missing string }{
		{pid: "run/named.pid", log: "log/sub/all"},
		{pid: "link/run/named.pid", log: "b/all", missing: "pid"},
		{pid: "named.pid", log: "link/logs/all", missing: "log"},
		{pid: "named.pid", log: "link/all", missing: "log"},
	} {
		t.Run(test.pid+" "+test.log, func(t *testing.T) {
			addr := netip.AddrPortFrom(loopback, privilegedPort(t))
			pid, log := filepath.Join(dir, test.pid), filepath.Join(dir, test.log)
			conf := writeConf(t, strings.NewReplacer("{dir}/run/named.pid", pid, "log/all", log).Replace(daemonConf), addr)
			open(t, filepath.Dir(conf))
			p := lab.Start(t, "the forwarder", exec.Command(program, "-f", "--metrics-address=", "-u", "nobody", "-c", conf))
			p.WaitFor(t, addr)
			if test.missing != "log" {
				waitFor(t, "line in the log", func() bool { return strings.Contains(readIfAny(log), "general: notice: running\n") })
			} else if !strings.Contains(p.Tail(), "is not followed: name what it leads to") {
				t.Errorf("it says %q, want that it has no log", p.Tail())
			}
			if test.missing == "pid" {
				waitFor(t, "warning", func() bool { return strings.Contains(readIfAny(log), "general: warning: writing pid-file: ") })
			}
			check()
		})
	}
}

// open lets everybody into a directory of the test.
func open(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
