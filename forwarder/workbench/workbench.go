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

// bring says how to get it.
func (p program) bring() string {
	if slices.Contains(unpacked, p.pkg) {
		return "as .ci/run unpack " + p.pkg
	}
	return "apt-get install " + p.pkg
}

// unpacked are packages that .ci/run does not install: this machine would look up
// names by them.
var unpacked = []string{"nscd", "systemd-resolved"}

// programs are in the order of their packages. What .ci/run installs is held
// against them.
var programs = []program{
	{"aws", "awscli"},
	{"bash", "bash"},
	{"named", "bind9"},
	{"dig", "bind9-dnsutils"},
	{"dnstap-read", "bind9-dnsutils"},
	{"named-checkconf", "bind9-utils"},
	{"rndc", "bind9-utils"},
	{"rndc-confgen", "bind9-utils"},
	{"buildah", "buildah"},
	{"chromium", "chromium"},
	{"createrepo_c", "createrepo-c"},
	{"curl", "curl"},
	{"dnf", "dnf"},
	{"dnsmasq", "dnsmasq-base"},
	{"dnsperf", "dnsperf"},
	{"fish", "fish"},
	{"fstrm_capture", "fstrm-bin"},
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
	{"nscd", "nscd"},
	{"java", "openjdk-17-jdk-headless"},
	{"patroni", "patroni"},
	{"pdns_recursor", "pdns-recursor"},
	{"prometheus", "prometheus"},
	{"promtool", "prometheus"},
	{"ocf-tester", "resource-agents"},
	{"rpm", "rpm"},
	{"rpmbuild", "rpm"},
	{"rpmlint", "rpmlint"},
	{"runc", "runc"},
	{"shellcheck", "shellcheck"},
	{"strace", "strace"},
	{"systemctl", "systemd"},
	{"systemd-analyze", "systemd"},
	{"systemd-resolved", "systemd-resolved"},
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
	Skip(t, "%s is not installed: %s", name, programs[i].bring())
	return ""
}

// find looks where Debian has servers too: not everybody has that in $PATH.
func find(name string) (path string, ok bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, dir := range []string{"/usr/sbin", "/usr/lib/systemd"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, true
		}
	}
	return "", false
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
