package version

import (
	"regexp"
	"runtime/debug"
	"testing"
)

// rpm compares versions by their numbers; a hyphen would begin the release.
func TestNumber(t *testing.T) {
	if !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(Number) {
		t.Errorf("Number = %q, want three numbers", Number)
	}
}

func TestRevision(t *testing.T) {
	type settings = []debug.BuildSetting
	commit, clean, changed := debug.BuildSetting{Key: "vcs.revision", Value: "c0ffee"},
		debug.BuildSetting{Key: "vcs.modified", Value: "false"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, tt := range []struct {
		settings settings
		want     string
	}{
		{settings{}, ""},
		{settings{commit, clean}, "c0ffee"},
		{settings{commit, changed}, "c0ffee-modified"},
	} {
		if got := revision(tt.settings); got != tt.want {
			t.Errorf("revision(%v) = %q, want %q", tt.settings, got, tt.want)
		}
	}
}
