package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
