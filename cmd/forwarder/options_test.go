package main

import (
	"strings"
	"testing"

	"vpcdns/forwarder/config"
)

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		name, option   string
		status         int
		stdout, stderr string
	}{
		{
			name: "one row", option: "recursion",
			stdout: "OPTION     HERE      IN             VALUE    WHY\n" +
				"recursion  honoured  options, view  boolean\n",
		},
		{
			name: "in any case, two blocks", option: "Delegation-Only",
			stdout: "OPTION           HERE     IN                       VALUE    WHY\n" +
				"delegation-only  ignored  forward zone, hint zone  boolean  deprecated; " +
				"only forwarders are asked, never a zone's own name servers; 'no' is fine\n",
		},
		{
			name: "several rows", option: "dlz",
			stdout: "OPTION  HERE     IN               VALUE  WHY\n" +
				"dlz     refused  top level, view  …      zones come from files only\n" +
				"dlz     refused  primary zone     name   zones come from files only\n",
		},
		{
			name: "unknown", option: "frobnicate",
			status: 1, stderr: "forwarder: unknown option 'frobnicate' of named.conf\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			got := run([]string{"--options", test.option}, &stdout, &stderr)
			if got != test.status || stdout.String() != test.stdout || stderr.String() != test.stderr {
				t.Errorf("run(--options %s) = %d with\n%s%s\nwant %d with\n%s%s", test.option,
					got, &stdout, &stderr, test.status, test.stdout, test.stderr)
			}
		})
	}
}

func TestAllOptions(t *testing.T) {
	var stdout, stderr strings.Builder
	if got := run([]string{"--options"}, &stdout, &stderr); got != 0 || stderr.Len() > 0 {
		t.Fatalf("run(--options) = %d with %q, want 0 and silence", got, &stderr)
	}
	if got, want := strings.Count(stdout.String(), "\n"), len(config.Options())+1; got != want {
		t.Errorf("run(--options) printed %d lines, want %d", got, want)
	}
	column := strings.Index(stdout.String(), "HERE")
	for line := range strings.Lines(stdout.String()) {
		if line[column-1] != ' ' || line[column] == ' ' {
			t.Errorf("HERE is not at column %d in %q", column, line)
		}
	}
}
