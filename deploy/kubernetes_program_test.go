package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
)

func (c *cluster) namedConf() string { return c.configMap.Data["named.conf"] }

// flag is the value of an argument that is given as NAME=VALUE, or as NAME and
// VALUE; "" if it is not.
func (c *cluster) flag(name string) string {
	args := c.container().Args
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	for _, a := range args {
		if value, ok := strings.CutPrefix(a, name+"="); ok {
			return value
		}
	}
	return ""
}

// realProgram is one that reads what the files have for it, and a directory with a key that
// it made.
type realProgram struct{ path, dir string }

func newRealProgram(t *testing.T) realProgram {
	t.Helper()
	p := realProgram{lab.BuildForwarder(t), t.TempDir()}
	makeKey(t, p.path, p.dir)
	return p
}

// checkArgs has the real program read its arguments.
func (c *cluster) checkArgs(f *faults, program realProgram) {
	out, err := exec.Command(program.path, append([]string{"-f", "--version"}, c.container().Args...)...).CombinedOutput()
	f.is(err == nil, "arguments: %v: %s", err, out)
	f.want("address of the probes", c.flag("--health-address"), "#8053")
	f.want("address of the metrics", c.flag("--metrics-address"), "#9153")
	f.want("name of the others", c.flag("--member"), c.members.Name)
	f.want("packets a second to upstream", c.flag("--upstream-pps"), 450)
}

// checkNamedConf has the real program read its configuration, beside the key. It must
// have nothing to say.
func (c *cluster) checkNamedConf(t *testing.T, f *faults, program realProgram) {
	t.Helper()
	path := filepath.Join(program.dir, "named.conf")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(c.namedConf(), "/etc/bind", program.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program.path, "--check-config", "-v", path).CombinedOutput()
	said := strings.TrimSpace(string(out))
	f.is(err == nil && strings.HasPrefix(said, "would serve ") && !strings.Contains(said, "\n"), "named.conf: %v: %s", err, said)
	f.is(strings.HasSuffix(said, "; forwards 2 zones and everything else to 10.79.0.2#53"), "named.conf forwards elsewhere: %s", said)
}

// makeKey makes the file that goes into the Secret, as the head of the file says.
func makeKey(t *testing.T, program, dir string) {
	t.Helper()
	if out, err := exec.Command(program, "rndc", "--make-key", filepath.Join(dir, "rndc.key")).CombinedOutput(); err != nil {
		t.Fatalf("making a key: %v: %s", err, out)
	}
}
