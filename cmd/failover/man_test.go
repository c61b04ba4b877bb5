package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// The page is what groff and mandoc take, and has all verbs and exit statuses.
func TestManualPage(t *testing.T) {
	status, page, stderr := command("man")
	if status != 0 || stderr != "" {
		t.Fatalf("failover man = %d, %q", status, stderr)
	}
	path := filepath.Join(t.TempDir(), "failover.8")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, v := range verbs() {
		if !strings.Contains(page, ".SS failover "+strings.ReplaceAll(v.name, "-", `\-`)+"\n") {
			t.Errorf("the page lacks failover %s", v.name)
		}
	}
	for _, o := range outcomes {
		if !strings.Contains(page, o.meaning) {
			t.Errorf("the page lacks an exit status: %s", o.meaning)
		}
	}
	for _, tool := range [][]string{{"mandoc", "-Tlint", "-W", "warning"}, {"groff", "-man", "-ww", "-Tutf8", "-z"}} {
		out, err := exec.Command(workbench.Need(t, tool[0]), append(tool[1:], path)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", tool[0], err, out)
		}
	}
}
