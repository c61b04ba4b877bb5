// Package workbench knows what tests work with that Go does not bring: peers
// that the forwarder is compared with, tools, and root. A test that lacks one
// is skipped. As go test prints packages in the order of their paths, this one
// is the last of ./..., and its test says what was skipped.
package workbench

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// program is one that tests run, with the Debian package that brings it.
type program struct{ name, pkg string }

// programs are in the order of their packages. What .ci/run installs is held
// against them.
var programs = []program{
	{"aws", "awscli"},
	{"bash", "bash"},
	{"named", "bind9"},
	{"dig", "bind9-dnsutils"},
	{"named-checkconf", "bind9-utils"},
	{"rndc", "bind9-utils"},
	{"rndc-confgen", "bind9-utils"},
	{"createrepo_c", "createrepo-c"},
	{"dnf", "dnf"},
	{"dnsmasq", "dnsmasq-base"},
	{"dnsperf", "dnsperf"},
	{"fish", "fish"},
	{"cc", "gcc"},
	{"gpg", "gnupg"},
	{"groff", "groff-base"},
	{"ip", "iproute2"},
	{"keepalived", "keepalived"},
	{"getent", "libc-bin"},
	{"rsvg-convert", "librsvg2-bin"},
	{"xmllint", "libxml2-utils"},
	{"man", "man-db"},
	{"mandoc", "mandoc"},
	{"patroni", "patroni"},
	{"ocf-tester", "resource-agents"},
	{"rpm", "rpm"},
	{"rpmbuild", "rpm"},
	{"rpmlint", "rpmlint"},
	{"shellcheck", "shellcheck"},
	{"systemctl", "systemd"},
	{"systemd-analyze", "systemd"},
	{"unbound", "unbound"},
	{"nsenter", "util-linux"},
	{"setpriv", "util-linux"},
	{"taskset", "util-linux"},
	{"unshare", "util-linux"},
	{"zsh", "zsh"},
}

// Need returns the path of a program. Without it the test is skipped, but fails
// where CI=true, or if the table does not have it.
func Need(t testing.TB, name string) string {
	t.Helper()
	if path, ok := find(name); ok {
		return path
	}
	i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
	if i < 0 {
		t.Fatalf("%s is not installed, and in no row of the table", name)
	}
	Skip(t, "%s is not installed: apt-get install %s", name, programs[i].pkg)
	return ""
}

// find looks where Debian has servers too: not everybody has that in $PATH.
func find(name string) (path string, ok bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	path, err := exec.LookPath(filepath.Join("/usr/sbin", name))
	return path, err == nil
}

// NeedRoot skips a test of what only root may do, or fails it where CI=true.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "it needs root")
	}
}

// Skip skips a test for want of something, but fails it where CI=true: there
// everything is.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
