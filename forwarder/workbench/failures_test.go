package workbench

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// What .ci/run says at its end names the tests that failed, with the beginning and the
// end of what each said; of a part without tests it shows the end.
func TestFailures(t *testing.T) {
	var long strings.Builder
	for i := range 40 {
		fmt.Fprintf(&long, "\tline %d\n", i)
	}
	for _, tt := range []struct {
		name, log    string
		want, wantNo []string
	}{
		{
			name: "tests",
			log: "\n== tests\nok  \tvpcdns/acl\t1.0s\n--- FAIL: TestOuter (1.00s)\n    --- FAIL: TestOuter/inner (0.50s)\n        a_test.go:1: f(1) = 2, want 3\n" +
				"--- PASS: TestGood (0.10s)\n    a_test.go:9: a note\nFAIL\nexit status 1\nFAIL\tvpcdns/cache\t2.0s\nok  \tvpcdns/cmd\t1.0s\nFAIL\n",
			want:   []string{"--- FAIL: TestOuter/inner (0.50s)", "f(1) = 2, want 3", "FAIL\tvpcdns/cache"},
			wantNo: []string{"vpcdns/acl", "a note", "exit status"},
		},
		{
			name:   "a long one",
			log:    "--- FAIL: TestLong (1.00s)\n" + long.String() + "FAIL\nFAIL\tvpcdns/acl\t1s\n",
			want:   []string{"line 0\n", "line 39\n", "\t...\n"},
			wantNo: []string{"line 20\n"},
		},
		{
			name: "a package that does not build, and one that ends",
			log:  "ok  \tvpcdns/acl\t1.0s\n# vpcdns/cache\ncache.go:1:1: syntax error\nFAIL\tvpcdns/cache [build failed]\npanic: test timed out after 1h\n\trunning tests:\n\t\tTestSlow (59m)\n" + long.String() + "FAIL\tvpcdns/cmd\t3600s\n",
			want: []string{"cache.go:1:1: syntax error", "FAIL\tvpcdns/cache [build failed]", "TestSlow (59m)", "line 39\n"},
		},
		{
			name:   "no tests",
			log:    "\n== lint\n" + long.String(),
			want:   []string{"line 39\n", "line 20\n"},
			wantNo: []string{"line 19\n", "tests"},
		},
	} {
		cmd := exec.Command("../../.ci/failures")
		cmd.Stdin = strings.NewReader(tt.log)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: .ci/failures: %v\n%s", tt.name, err, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: .ci/failures lacks %q:\n%s", tt.name, want, out)
			}
		}
		for _, no := range tt.wantNo {
			if strings.Contains(string(out), no) {
				t.Errorf("%s: .ci/failures has %q:\n%s", tt.name, no, out)
			}
		}
	}
}
