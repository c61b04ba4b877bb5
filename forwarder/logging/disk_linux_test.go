package logging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpcdns/forwarder/workbench"
)

// inNamespace runs the test again in a process with a mount namespace of its
// own, and reports whether this is that process.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const mark = "LOGGING_TEST_NAMESPACE"
	if os.Getenv(mark) != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	workbench.NeedRoot(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("in a mount namespace: %v\n%s", err, out)
	}
	return false
}

func mountTmpfs(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Fatalf("mounting a tmpfs: %v", err)
	}
}

func diskLogs(t *testing.T, dir string, ch Channel) (*world, *Logs) {
	ch.Name, ch.Kind, ch.Path = "f", File, filepath.Join(dir, "log")
	w := newWorld(t)
	return w, w.open(Config{Channels: []Channel{ch}, Categories: map[string][]string{"default": {"f"}}})
}

// A disk that is full costs lines. When there is room again they go on, in
// lines that are whole, and the loss is told in the file.
func TestDiskFull(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	dir := t.TempDir()
	mountTmpfs(t, dir, 0, "size=64k")
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 32<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	w, l := diskLogs(t, dir, Channel{})
	line := strings.Repeat("x", 99)
	for range 1000 { // 100 kB
		l.Logger("general").Info(line)
	}
	if got := w.printed(); !strings.Contains(got, "no space left on device") {
		t.Errorf("stderr = %q, want the failure", got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * retryAfter)
	l.Logger("general").Info("room again")
	if got := w.printed(); !strings.Contains(got, "works again (after ") {
		t.Errorf("stderr = %q, want the recovery", got)
	}
	lines := strings.Split(strings.TrimSuffix(read(t, filepath.Join(dir, "log")), "\n"), "\n")
	if last := lines[len(lines)-1]; !strings.HasSuffix(last, " lines were lost: write "+filepath.Join(dir, "log")+": no space left on device") {
		t.Errorf("the last line is %q, want how many were lost", last)
	}
	if got := lines[len(lines)-2]; got != "room again" {
		t.Errorf("the line before is %q, want the first after the fault", got)
	}
}

// A disk that is read-only costs lines, until it is not any more.
func TestDiskReadOnly(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	dir := t.TempDir()
	mountTmpfs(t, dir, syscall.MS_RDONLY, "")
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	w, l := diskLogs(t, dir, Channel{Versions: 2, Size: 1000})
	l.Logger("general").Info("lost")
	if got := w.printed(); strings.Count(got, "read-only file system") != 1 {
		t.Errorf("stderr = %q, want the failure once", got)
	}
	mountTmpfs(t, dir, syscall.MS_REMOUNT, "")
	w.pass(2 * time.Second)
	l.Logger("general").Info("kept")
	flush(l)
	if got := read(t, filepath.Join(dir, "log")); !strings.HasPrefix(got, "kept\n1 lines were lost: ") {
		t.Errorf("log = %q, want the line and the loss", got)
	}
}
