package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const stubNamed = `[Unit]
Description=A name server from a package
[Service]
Type=notify
ExecStart=/usr/sbin/forwarder -g -c /etc/stub.conf --listen 127.0.0.1:53 --metrics-address=
[Install]
WantedBy=multi-user.target
`

// The forwarder takes the place of a named that runs, the real one and one of a
// package's unit, and gives it back; what hands do out of habit reaches it.
func TestReplaceNamed(t *testing.T) {
	workbench.NeedRoot(t)
	for _, program := range []string{"systemctl", "nsenter", "ip", "dig"} {
		workbench.Need(t, program)
	}
	files := map[string]string{
		"etc/sysconfig/forwarder": "OPTIONS=-n 1 --metrics-address=\n",
		"var/named/placeholder":   "",
	}
	for path, file := range map[string]string{
		"usr/lib/systemd/system/forwarder.service":      serviceFile,
		"usr/lib/systemd/system/forwarder-mend.service": mendFile,
		"etc/named.conf": "../../testdata/named.conf/good-reference.conf",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = string(text)
	}
	files["etc/stub.conf"] = files["etc/named.conf"]
	m := boot(t, lab.BuildReleased(t), files)
	m.Run("systemd-sysusers", "--inline", "u named - \"DNS\" /var/named")

	t.Run("real", func(t *testing.T) {
		m.T = t
		if out, err := m.Try("systemctl", "start", "named"); err != nil {
			workbench.Skip(t, "there is no named that starts: %s", out)
		}
		testReplaceNamed(t, m)
	})
	m.T = t
	m.Put("/usr/lib/systemd/system/named.service", stubNamed)
	m.Run("systemctl", "daemon-reload")
	t.Run("stub", func(t *testing.T) {
		m.T = t
		testPresets(t, m)
		testReplaceNamed(t, m)
	})
}

// testPresets installs as a package does, while named runs, where presets enable
// units, as Debian's, and where they do not, as Amazon's: neither touches named.
func testPresets(t *testing.T, m *machine) {
	m.Run("systemctl", "start", "named")
	pid := m.Run("systemctl", "show", "-P", "MainPID", "named")
	for preset, want := range map[string]string{"enable *": "enabled", "disable *": "disabled"} {
		m.Run("mkdir", "-p", "/etc/systemd/system-preset")
		m.Put("/etc/systemd/system-preset/00-test.preset", preset+"\n")
		m.Run("systemctl", "preset", "forwarder.service")
		if got, _ := m.Try("systemctl", "is-enabled", "forwarder"); got != want {
			t.Errorf("with the preset %q it is %s, want %s", preset, got, want)
		}
		m.Want("named.service", "systemctl", "show", "-P", "Id", "named")
		m.Want(pid, "systemctl", "show", "-P", "MainPID", "named")
	}
	m.Run("systemctl", "disable", "forwarder")
}

func testReplaceNamed(t *testing.T, m *machine) {
	m.Run("systemctl", "enable", "--now", "named")
	pid := m.Run("systemctl", "show", "-P", "MainPID", "named")
	named := m.Run("readlink", "/proc/"+pid+"/exe")

	good := m.Run("cat", "/etc/named.conf")
	m.Put("/etc/named.conf", "frobnicate yes;\n")
	if out := m.Fails("forwarder", "replace-named"); !strings.Contains(out, "unknown option 'frobnicate'") {
		t.Errorf("replace-named = %q, want the error in the configuration", out)
	}
	m.Put("/etc/named.conf", good)
	m.Want(pid, "systemctl", "show", "-P", "MainPID", "named")

	// A forwarder that does not start leaves everything as it was, however long named takes.
	const failing, slow = "/run/systemd/system/forwarder.service.d/fail.conf", "/run/systemd/system/named.service.d/slow.conf"
	m.Run("mkdir", "-p", filepath.Dir(failing), filepath.Dir(slow))
	m.Put(failing, "[Service]\nExecStartPre=/bin/false\n")
	m.Put(slow, "[Service]\nExecStartPost=/bin/sleep 3\n")
	m.Run("systemctl", "daemon-reload")
	m.Fails("forwarder", "replace-named")
	m.Run("rm", failing, slow)
	m.Run("systemctl", "daemon-reload")
	m.wantNamed(named)

	// One that waits for its configuration to be mended gives way to named for good.
	m.Put("/etc/named.conf", "frobnicate yes;\n")
	m.Fails("systemctl", "start", "forwarder")
	m.armed()
	m.Run("systemctl", "start", "named")
	if out, err := m.Try("systemctl", "is-active", mendedPath); err == nil {
		t.Errorf("%s is %s, want it gone", mendedPath, out)
	}
	m.Put("/etc/named.conf", good)
	m.Run("systemctl", "reset-failed", "forwarder")
	m.wantNamed(named)

	m.Run("forwarder", "replace-named")
	m.wantForwarder()
	m.Run("forwarder", "replace-named") // nothing is left to do
	m.wantForwarder()
	m.Run("systemctl", "restart", "named")
	m.wantForwarder()
	if _, err := m.Try("which", "service"); err == nil {
		m.Run("service", "named", "restart")
		m.wantForwarder()
	}
	m.Run("systemctl", "reload", "named")
	if got := m.Run("systemctl", "status", "--no-pager", "named"); !strings.Contains(got, "DNS forwarder in the place of BIND") {
		t.Errorf("systemctl status named = %q, want the forwarder's", got)
	}
	m.Fails("systemctl", "mask", "named") // refused: the alias is there
	m.Run("systemctl", "stop", "named")
	if got, _ := m.Try("systemctl", "is-active", "forwarder", "named"); got != "inactive\ninactive" {
		t.Errorf("after stop they are %q, want both inactive", got)
	}
	m.Run("systemctl", "start", "named")
	m.wantForwarder()

	m.Run("forwarder", "replace-named", "--undo")
	m.wantNamed(named)
	m.Run("systemctl", "disable", "--now", "named")
}

// wantForwarder checks that the forwarder runs, under both names, and nothing else
// has the port.
func (m *machine) wantForwarder() {
	m.T.Helper()
	m.Want("forwarder.service", "systemctl", "show", "-P", "Id", "named")
	m.Want("active", "systemctl", "is-active", "forwarder")
	m.Want("enabled", "systemctl", "is-enabled", "forwarder")
	m.Want(`"not currently available"`, version53...)
	m.Want("1", "sh", "-c", `ss -Hltn "sport = :53 and src 127.0.0.1" | wc -l`)
	m.Want(m.Show("MainPID"), "cat", "/run/named/named.pid")
}

// wantNamed checks that named runs as it did, and the forwarder does not.
func (m *machine) wantNamed(exe string) {
	m.T.Helper()
	m.Want("named.service", "systemctl", "show", "-P", "Id", "named")
	m.Want("active", "systemctl", "is-active", "named")
	m.Want("enabled", "systemctl", "is-enabled", "named")
	m.Want(exe, "readlink", "/proc/"+m.Run("systemctl", "show", "-P", "MainPID", "named")+"/exe")
	for what, want := range map[string]string{"is-active": "inactive", "is-enabled": "disabled"} {
		if got, _ := m.Try("systemctl", what, "forwarder"); got != want {
			m.T.Errorf("systemctl %s forwarder = %s, want %s", what, got, want)
		}
	}
}
