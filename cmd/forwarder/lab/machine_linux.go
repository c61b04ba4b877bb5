package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Machine is a systemd of its own, in namespaces; see testdata/systemd/machine. It
// has a loopback interface, and the programs of this machine. Not for concurrent use.
type Machine struct {
	T      testing.TB // a subtest may put its own here
	dir    string
	script string
}

// NewMachine returns one that is off, with these files (path to text) on its disk.
func NewMachine(t testing.TB, files map[string]string) *Machine {
	t.Helper()
	m := &Machine{t, filepath.Join(t.TempDir(), "machine"), filepath.Join(root(t), "testdata/systemd/machine")}
	for path, text := range files {
		m.Place(path, text, 0o644)
	}
	return m
}

// Place puts a file on the disk of a machine that is off.
func (m *Machine) Place(path, text string, mode os.FileMode) {
	m.T.Helper()
	path = filepath.Join(m.dir, "root", path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.T.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		m.T.Fatal(err)
	}
}

// Start boots it. It is stopped at the end of the test.
func (m *Machine) Start() {
	m.T.Helper()
	m.T.Cleanup(func() { exec.Command(m.script, "stop", m.dir).Run() })
	if out, err := exec.Command(m.script, "start", m.dir).CombinedOutput(); err != nil {
		m.T.Fatalf("booting: %v\n%s", err, out)
	}
}

// Pid is that of its process 1, here.
func (m *Machine) Pid() string {
	m.T.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "pid"))
	if err != nil {
		m.T.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// Try runs a command on the machine, and returns all that it says.
func (m *Machine) Try(command ...string) (string, error) {
	out, err := exec.Command(m.script, append([]string{"run", m.dir}, command...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Run runs a command that has to succeed.
func (m *Machine) Run(command ...string) string {
	m.T.Helper()
	out, err := m.Try(command...)
	if err != nil {
		journal, _ := m.Try("journalctl", "--no-pager", "-n", "40")
		m.T.Fatalf("%q: %v\n%s\n%s", command, err, out, journal)
	}
	return out
}

// Fails runs a command that has to fail, and returns what it says.
func (m *Machine) Fails(command ...string) string {
	m.T.Helper()
	out, err := m.Try(command...)
	if err == nil {
		m.T.Errorf("%q = %q, want it to fail", command, out)
	}
	return out
}

// Want checks what a command prints.
func (m *Machine) Want(want string, command ...string) {
	m.T.Helper()
	if got := m.Run(command...); got != want {
		m.T.Errorf("%q = %q, want %q", command, got, want)
	}
}

// Put replaces a file on the machine.
func (m *Machine) Put(path, text string) {
	m.T.Helper()
	m.Run("sh", "-c", `printf %s "$1" >"$2"`, "sh", text, path)
}

// Journal checks that the forwarder has said so; it says only once what it ends with.
func (m *Machine) Journal(lines ...string) {
	m.T.Helper()
	m.Run("journalctl", "--sync")
	journal := m.Run("journalctl", "--no-pager", "-u", "forwarder")
	for _, line := range lines {
		if n := strings.Count(journal, line); n != 1 {
			m.T.Errorf("the journal has %q %d times, want it once:\n%s", line, n, journal)
		}
	}
}

// Show is the value of a property of the forwarder's service.
func (m *Machine) Show(property string) string {
	m.T.Helper()
	return m.Run("systemctl", "show", "-P", property, "forwarder")
}

// Until waits for a property of the service to become want.
func (m *Machine) Until(property, want string) {
	m.T.Helper()
	var got string
	for deadline := time.Now().Add(Room); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = m.Show(property); got == want {
			return
		}
	}
	m.T.Fatalf("%s = %s, want %s\n%s", property, got, want, m.Run("journalctl", "--no-pager", "-n", "40"))
}

// UntilTrue waits for a command to succeed.
func (m *Machine) UntilTrue(command ...string) {
	m.T.Helper()
	for deadline := time.Now().Add(Room); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := m.Try(command...); err == nil {
			return
		}
	}
	m.T.Fatalf("%q does not succeed", command)
}
