package config

import (
	"strings"
	"testing"
)

// Queries or responses that are to be logged, and that no channel takes, are lost in silence.
func TestQueryLogWithoutChannel(t *testing.T) {
	const simple = `channel simple { file "x"; severity warning; }; channel all { file "y"; severity info; };
		channel loud { file "z"; severity dynamic; };`
	for _, c := range []struct{ options, logging, want string }{
		{"querylog yes;", "category default { simple; };", "1:42: queries are to be logged, but no channel takes them: 'simple' takes warning and above"},
		{"querylog yes;", "category queries { null; };", "1:42: queries are to be logged, but no channel takes them: 'null' writes none"},
		{"querylog yes;", "category queries { simple; null; };", "'simple' takes warning and above, 'null' writes none"},
		{"", "category queries { simple; };", "3:"},
		{"querylog yes;", "category default { simple; }; category queries { all; };", ""},
		{"querylog yes;", "category default { simple; loud; };", ""},
		{"querylog yes;", "category client { simple; };", ""}, // by default to syslog
		{"querylog yes;", "category queries { default_syslog; };", ""},
		{"querylog no;", "category queries { null; };", ""},
		{"", "category default { simple; };", ""},
		{"responselog yes;", "category default { simple; };", "1:45: responses are to be logged, but no channel takes them: 'simple' takes warning and above; say category responses with"},
		{"responselog yes;", "category default { simple; }; category responses { null; };", "'null' writes none"},
		{"responselog yes;", "category default { simple; }; category responses { all; };", ""},
		{"responselog no;", "category responses { simple; };", ""},
	} {
		conf := opts("dnssec-validation no; "+c.options) + "\nlogging {" + simple + c.logging + "};"
		_, _, got := ours(t, conf)
		got = apartFromRoots(got)
		if !strings.Contains(got, c.want) || c.want == "" && strings.Contains(got, "to be logged") {
			t.Errorf("findings in %q: %q, want %q", conf, got, c.want)
		}
	}
}
