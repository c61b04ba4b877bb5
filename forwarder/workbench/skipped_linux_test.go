package workbench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSkipped tells what the tests of ./... were skipped for want of. The go
// command drops what a passing package prints, so it is told on the go command's
// own stderr, after all other packages have had their say.
func TestSkipped(t *testing.T) {
	line := skipped(missing(), os.Geteuid() == 0, namespaces())
	if line == "" {
		return
	}
	t.Log(line)
	g := goCommand(os.Getppid())
	forget()
	if g != 0 && !testing.Verbose() {
		g.awaitOthers(t)
		_ = g.print(line) // there may be nothing to print on
	}
}

// missing returns the programs that are not installed.
func missing() (all []program) {
	for _, p := range programs {
		if _, ok := find(p.name); !ok {
			all = append(all, p)
		}
	}
	return all
}

// namespaces reports whether the machine lets us make network namespaces.
func namespaces() bool {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	return cmd.Run() == nil
}

// skipped says what lacks and what brings it, or nothing if nothing does.
func skipped(programs []program, root, namespaces bool) string {
	var wants, bring []string
	packages := map[bool][]string{} // by whether they are unpacked
	for _, p := range programs {
		wants = append(wants, p.name)
		un := slices.Contains(unpacked, p.pkg)
		packages[un] = append(packages[un], p.pkg)
	}
	for un, way := range map[bool]string{false: "apt-get install ", true: "as .ci/run unpack "} {
		if list := slices.Compact(packages[un]); len(list) > 0 {
			bring = append(bring, way+strings.Join(list, " "))
		}
	}
	slices.Sort(bring)
	switch {
	case !root:
		wants, bring = append(wants, "root"), append(bring, "run as root")
	case !namespaces:
		wants, bring = append(wants, "network namespaces"), append(bring, "run where root may make them (CAP_SYS_ADMIN)")
	}
	if len(wants) == 0 {
		return ""
	}
	return fmt.Sprintf("tests were skipped for want of %s: %s", strings.Join(wants, ", "), strings.Join(bring, "; "))
}

// command is the process of the go command.
type command int

// goCommand returns the process pid if it is a `go test` of many packages, else
// 0.
func goCommand(pid int) command {
	exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // with a NUL behind each
	if filepath.Base(exe) != "go" || !bytes.Contains(args, []byte("\x00test\x00")) || !bytes.Contains(args, []byte("...\x00")) {
		return 0
	}
	return command(pid)
}

// forget keeps the go command from taking this test's result again the next time,
// instead of running it. It does so while the files are as they were at which
// the test has looked, if by name they lie in the module: /proc's of this process
// will be gone.
func forget() {
	dir, _ := os.Getwd()
	up := strings.Repeat("/..", strings.Count(dir, "/"))
	_, _ = os.Stat(fmt.Sprintf("%s%s/proc/%d", dir, up, os.Getppid()))
}

// awaitOthers waits until the go command runs nothing but us, and has printed
// how that ended. It starts packages in their order, so that by now it has
// started all others.
func (g command) awaitOthers(t *testing.T) {
	const look, quiet, margin = 50 * time.Millisecond, time.Second, 10 * time.Second
	end, bounded := t.Deadline()
	for calm := time.Duration(0); calm < quiet; calm += look {
		if g.others() > 0 {
			calm = 0
		}
		if time.Sleep(look); bounded && time.Until(end) < margin {
			return
		}
	}
}

// others counts the processes besides us that the go command has started.
func (g command) others() (n int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		var state string
		var parent int
		_, err = fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent)
		if err == nil && parent == int(g) && state != "Z" && path != fmt.Sprintf("/proc/%d/stat", os.Getpid()) {
			n++
		}
	}
	return n
}

// print writes a line to the go command's stderr: through a copy of its
// descriptor, which shares the place in a file, or where that is forbidden, but
// needs none, by opening what it writes to.
func (g command) print(line string) error {
	f, err := g.stderr()
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, line)
	return err
}

func (g command) stderr() (*os.File, error) {
	if f, err := g.copyStderr(); err == nil {
		return f, nil
	}
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/2", int(g)), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(errors.New("the go command would write over it"), err)
	}
	return f, nil
}

func (g command) copyStderr() (*os.File, error) {
	process, err := unix.PidfdOpen(int(g), 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(process)
	fd, err := unix.PidfdGetfd(process, 2, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "stderr"), nil
}

func TestSkippedLine(t *testing.T) {
	named, dig := program{"named", "bind9"}, program{"dig", "bind9-dnsutils"}
	for _, tt := range []struct {
		name             string
		programs         []program
		root, namespaces bool
		want             string
	}{
		{name: "nothing", root: true, namespaces: true},
		{name: "programs", programs: []program{named, dig}, root: true, namespaces: true,
			want: "tests were skipped for want of named, dig: apt-get install bind9 bind9-dnsutils"},
		{name: "two of a package", programs: []program{named, {"rndc", "bind9"}}, root: true, namespaces: true,
			want: "tests were skipped for want of named, rndc: apt-get install bind9"},
		{name: "root", want: "tests were skipped for want of root: run as root"},
		{name: "one to be unpacked", programs: []program{named, {"nscd", "nscd"}}, root: true, namespaces: true,
			want: "tests were skipped for want of named, nscd: apt-get install bind9; as .ci/run unpack nscd"},
		{name: "programs and root", programs: []program{named},
			want: "tests were skipped for want of named, root: apt-get install bind9; run as root"},
		{name: "namespaces", root: true,
			want: "tests were skipped for want of network namespaces: run where root may make them (CAP_SYS_ADMIN)"},
	} {
		if got := skipped(tt.programs, tt.root, tt.namespaces); got != tt.want {
			t.Errorf("%s: skipped() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A line is printed where the other process is, in a file too.
func TestPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("sh", "-c", "echo before >&2; echo ready; read _; echo after >&2")
	cmd.Stderr = f
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	c := command(cmd.Process.Pid)
	if got := command(os.Getpid()).others(); got != 1 {
		t.Errorf("others() = %d, want 1", got)
	}
	printed := c.print("line")
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	want := "before\nline\nafter\n"
	if printed != nil { // nobody lets us copy descriptors
		want = "before\nafter\n"
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("print() = %v, the file has %q, %v, want %q", printed, got, err, want)
	}
}
