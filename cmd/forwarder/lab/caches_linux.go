package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpcdns/forwarder/workbench"
)

// StartJVM runs a client in a JVM with these security properties: what it keeps of
// glibc's answers.
func (n *Namespace) StartJVM(t testing.TB, resolvConf, properties string) *Stub {
	t.Helper()
	java := workbench.Need(t, "java")
	path := filepath.Join(t.TempDir(), "lookups.security")
	if err := os.WriteFile(path, []byte(properties), 0o644); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(root(t), "cmd/forwarder/lab/testdata/Lookup.java")
	return n.startStub(t, Command(t, stubFiles(resolvConf), "", java, "-Djava.security.properties="+path, source))
}

// StartNSCD runs the program that BuildStub made beside an nscd with this in its
// configuration.
func (n *Namespace) StartNSCD(t testing.TB, program, resolvConf, conf string) *Stub {
	t.Helper()
	nscd, sockets := workbench.Need(t, "nscd"), t.TempDir()
	path := filepath.Join(t.TempDir(), "nscd.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	etc := stubFiles(resolvConf)
	share := fmt.Sprintf("mkdir -p /var/run/nscd /var/cache/nscd\nmount --bind %s /var/run/nscd", sockets)
	n.Do(t, func() { Start(t, "nscd", Command(t, etc, share, nscd, "-F", "-f", path)) })
	await(t, filepath.Join(sockets, "socket"))
	return n.startStub(t, Command(t, etc, share, program))
}

// await waits until a file is there.
func await(t testing.TB, path string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s", path)
		}
	}
}
