package main

import (
	"os"
	"strings"
	"testing"
)

// What the comparison with BIND excuses is what users are told.
func TestDeviationsAreListed(t *testing.T) {
	const path = "../../forwarder/README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deviations {
		if !strings.Contains(string(text), "| "+d.reason+" |") {
			t.Errorf("%s has no line for %q", path, d.reason)
		}
	}
}
