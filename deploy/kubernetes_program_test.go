package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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

// checkArgs has the real program read its arguments.
func (c *cluster) checkArgs(t *testing.T, f *faults, program string) {
	t.Helper()
	out, err := exec.Command(program, append([]string{"-f", "--version"}, c.container().Args...)...).CombinedOutput()
	f.is(err == nil, "arguments: %v: %s", err, out)
	f.want("address of the probes", c.flag("--health-address"), "#8053")
	f.want("address of the metrics", c.flag("--metrics-address"), "#9153")
	f.want("name of the others", c.flag("--member"), c.members.Name)
	f.want("packets a second to upstream", c.flag("--upstream-pps"), 450)
}

// checkNamedConf has the real program read its configuration, beside a key that it
// made. It must have nothing to say.
func (c *cluster) checkNamedConf(t *testing.T, f *faults, program string) {
	t.Helper()
	dir := t.TempDir()
	makeKey(t, program, dir)
	path := filepath.Join(dir, "named.conf")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(c.namedConf(), "/etc/bind", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "--check-config", "-v", path).CombinedOutput()
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
