package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/version"
	"vpcdns/forwarder/workbench"
)

// newer is the version that the tests upgrade to.
const newer = "99.0.0"

var rpmArchitecture = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]

// command runs a program that has to succeed, and returns what it prints.
func runCommand(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// copySources copies what a package is built from.
func copySources(t *testing.T, dir string) {
	t.Helper()
	runCommand(t, moduleRoot, nil, "cp", "-r", "acl", "cache", "cmd", "deploy", "forwarder", "testdata", "go.mod", "go.sum", "forwarder.service", "README.md", dir)
}

// edit replaces a text in a file, where it has to be.
func edit(t *testing.T, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("%s has no %q: %v", path, from, err)
	}
	write(t, path, strings.Replace(string(text), from, to, 1))
}

// packages are a directory with a repository in it: two versions of the forwarder,
// signed, and what they stand beside.
type packages struct {
	dir, home string // home is that of a user who has the key, and whose rpm trusts it
}

// rpm runs it for that user.
func (p *packages) rpm(args ...string) *exec.Cmd {
	cmd := exec.Command("rpm", args...)
	cmd.Env = append(os.Environ(), "HOME="+p.home)
	return cmd
}

// buildPackages builds them, and holds that the same sources give the same octets: for
// one architecture, as all are built in one way.
func buildPackages(t *testing.T) *packages {
	t.Helper()
	p := &packages{dir: t.TempDir(), home: t.TempDir()}
	first, second := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Mkdir(second, 0o700); err != nil {
		t.Fatal(err)
	}
	copySources(t, first)
	copySources(t, second)
	runCommand(t, first, nil, "deploy/rpm/build", "-o", p.dir)
	again := t.TempDir()
	runCommand(t, second, []string{"TZ=Asia/Tokyo", "GOAMD64=v3", "HOME=" + os.Getenv("HOME")}, "deploy/rpm/build", "-o", again, rpmArchitecture)
	for _, path := range p.built(rpmArchitecture) {
		name := filepath.Base(path)
		one, err := os.ReadFile(filepath.Join(p.dir, name))
		two, err2 := os.ReadFile(filepath.Join(again, name))
		if err != nil || err2 != nil || !bytes.Equal(one, two) {
			t.Errorf("%s is not the same octets from two builds: %v, %v", name, err, err2)
		}
	}
	edit(t, filepath.Join(second, "forwarder/version/version.go"), version.Number, newer)
	edit(t, filepath.Join(second, "deploy/rpm/sysconfig"), "#OPTIONS=", "# One more line.\n#OPTIONS=")
	runCommand(t, second, nil, "deploy/rpm/build", "-o", p.dir, rpmArchitecture)
	p.buildPeers(t)
	p.sign(t)
	runCommand(t, p.dir, nil, "createrepo_c", "--quiet", ".")
	return p
}

var rpmArchitectures = []string{"x86_64", "aarch64"}

// buildPeers builds what the packages stand beside.
func (p *packages) buildPeers(t *testing.T) {
	t.Helper()
	for _, spec := range []string{"base", "bind"} {
		runCommand(t, "../../testdata/rpm", nil, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+t.TempDir(),
			"--define", "_rpmdir "+p.dir, "--define", "_rpmfilename %{name}.rpm", spec+".spec")
	}
}

// sign makes a key and signs all packages with it.
func (p *packages) sign(t *testing.T) {
	t.Helper()
	env := []string{"GNUPGHOME=" + p.home}
	t.Cleanup(func() { runCommand(t, p.home, env, "gpgconf", "--kill", "all") })
	runCommand(t, p.home, env, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", "forwarder test", "rsa2048", "sign")
	write(t, filepath.Join(p.dir, "key.asc"), runCommand(t, p.home, env, "gpg", "--armor", "--export", "forwarder test"))
	if out, err := p.rpm("--import", filepath.Join(p.dir, "key.asc")).CombinedOutput(); err != nil {
		t.Fatalf("importing the key: %v\n%s", err, out)
	}
	all, _ := filepath.Glob(filepath.Join(p.dir, "*.rpm"))
	runCommand(t, p.dir, env, append([]string{"rpmsign", "--define", "_gpg_name forwarder test", "--define", "__gpg /usr/bin/gpg", "--addsign"}, all...)...)
}

// forwarder is the path of a package.
func (p *packages) forwarder(version, architecture string) string {
	return filepath.Join(p.dir, "forwarder-"+version+"-1."+architecture+".rpm")
}

// built are the paths of all packages of this version, for some architectures.
func (p *packages) built(architectures ...string) (paths []string) {
	for _, architecture := range architectures {
		paths = append(paths, p.forwarder(version.Number, architecture), p.forwarder("failover-"+version.Number, architecture))
	}
	return paths
}

// deploy/rpm/build, and what happens to the packages.
func TestPackage(t *testing.T) {
	workbench.NeedRoot(t)
	for _, program := range []string{"rpm", "rpmbuild", "rpmlint", "createrepo_c", "dnf", "gpg", "systemctl", "named", "nsenter", "unshare", "ip", "dig"} {
		workbench.Need(t, program)
	}
	p := buildPackages(t)
	t.Run("signature", p.testSignature)
	t.Run("rpmlint", p.testLint)
	t.Run("changelog", p.testChangelog)
	t.Run("pages", p.testPages)
	t.Run("image", p.testImage)
	t.Run("life", p.testLife)
}

func (p *packages) testSignature(t *testing.T) {
	stranger := p.rpm("-K", p.forwarder(version.Number, "x86_64"))
	stranger.Env = append(os.Environ(), "HOME="+t.TempDir())
	if out, err := stranger.CombinedOutput(); err == nil || !strings.Contains(string(out), "SIGNATURES NOT OK") {
		t.Errorf("rpm -K = %q, %v where the key is not known, want a failure", out, err)
	}
	for _, path := range p.built(rpmArchitectures...) {
		got, err := p.rpm("-K", path).CombinedOutput()
		if err != nil || !strings.HasSuffix(string(got), ": digests signatures OK\n") {
			t.Errorf("rpm -K = %q, want digests and signatures OK", got)
		}
	}
}

func (p *packages) testLint(t *testing.T) {
	lint := []string{"rpmlint", "-c", absolute(t, "../../deploy/rpm/rpmlint.toml")}
	got := runCommand(t, p.dir, []string{"HOME=" + p.home}, append(lint, p.built(rpmArchitectures...)...)...)
	if !strings.Contains(got, " 4 packages and 0 specfiles checked; 0 errors, 0 warnings, ") {
		t.Errorf("rpmlint says:\n%s", got)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The first entry is about this version.
func (p *packages) testChangelog(t *testing.T) {
	got, err := p.rpm("-qp", "--qf", "[%{CHANGELOGTIME:day} %{CHANGELOGNAME}\n]", p.forwarder(version.Number, "x86_64")).CombinedOutput()
	if err != nil {
		t.Fatalf("reading the changelog: %v\n%s", err, got)
	}
	first, _, _ := strings.Cut(string(got), "\n")
	date, err := time.Parse(time.DateOnly, version.Date)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first, date.Format("Mon Jan 02 2006")) || !strings.HasSuffix(first, " - "+version.Number+"-1") {
		t.Errorf("the changelog begins with %q, want %s and %s-1", first, version.Date, version.Number)
	}
}

// dnf is the command line that installs from the repository in dir.
func dnf(dir string, args ...string) []string {
	return append([]string{"dnf", "--assumeyes", "--releasever=1", "--repofrompath=t,file://" + dir, "--repo=t",
		"--setopt=t.gpgcheck=1", "--setopt=t.gpgkey=file://" + dir + "/key.asc"}, args...)
}

// intoImage installs into a root on which no systemd runs, as who makes an image
// does, and shows what is there. Its arguments are the packages' directory and
// dnf's command line, which looks for them in /mnt.
const intoImage = `set -e
mount --bind "$1" /mnt
shift
mount -t tmpfs image /media
cd /media
mkdir changes work root
mount -t overlay -o lowerdir=/,upperdir=/media/changes,workdir=/media/work image root
mount --rbind /proc root/proc
mount --rbind /dev root/dev
rm -rf root/var/lib/rpm root/root/.rpmdb root/etc/systemd/system root/run/systemd
rm -rf root/etc/named* root/etc/sysconfig root/var/named root/var/log/named # of a server on this machine
"$@" --installroot=/media/root install forwarder
cmp root/etc/named.conf root/usr/share/forwarder/named.conf
(cd root/usr/share/forwarder && sha256sum alerts.yaml grafana-dashboard.json)
(cd root/usr/share/doc/forwarder/deploy && sha256sum monitoring.md)
chroot root stat -c '%n %U %G %a' /etc/named.conf /var/named /var/log/named
chroot root systemctl is-enabled forwarder
chroot root /usr/sbin/forwarder --check-config
rpm --root /media/root -V forwarder
`

// Without a configuration there is ours, and the distribution says what is enabled.
func (p *packages) testImage(t *testing.T) {
	args := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", intoImage, "sh", p.dir}
	out := runCommand(t, "/", nil, append(args, dnf("/mnt")...)...)
	for _, name := range []string{"alerts.yaml", "grafana-dashboard.json", "monitoring.md"} {
		text, err := os.ReadFile(filepath.Join("../../deploy", name))
		if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(text), name); err != nil || !strings.Contains(out, want) {
			t.Errorf("the package has another %s than deploy: want %s, %v", name, want, err)
		}
	}
	for _, want := range []string{"/etc/named.conf root named 640\n", "/var/named root named 1770\n", "/var/log/named named named 755\n",
		"\nenabled\nwould serve 127.0.0.1#53", "Next: forwarder migrate-check"} {
		if !strings.Contains(out, want) {
			t.Errorf("installing into an image lacks %q:\n%s", want, out)
		}
	}
}
