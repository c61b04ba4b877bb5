package main

import (
	"io"
	"strings"
	"testing"

	"vpcdns/forwarder/manual"
)

// Each help fits a terminal, and that of the program names all verbs.
func TestHelpFits(t *testing.T) {
	helps := map[string]string{"": newFlags().usage()}
	for _, v := range verbs() {
		var text strings.Builder
		if status := v.start([]string{"--help"}, &text, io.Discard); status != 0 {
			t.Errorf("forwarder %s --help: status %d", v.name, status)
		}
		helps[v.name] = text.String()
		if !strings.Contains(helps[""], "\n  "+v.name+" ") {
			t.Errorf("forwarder --help does not list %s", v.name)
		}
	}
	for name, text := range helps {
		for line := range strings.Lines(text) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > manual.Columns || strings.Contains(line, "true|false") {
				t.Errorf("forwarder %s --help has %q, want %d columns at most and no values for switches", name, line, manual.Columns)
			}
		}
	}
}
