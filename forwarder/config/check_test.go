package config

import (
	"fmt"
	"os"
	"testing"
)

// TestAgainstNamedCheckconf compares exit codes, and normal forms of what both
// accept. Where they differ on purpose, they must really differ.
func TestAgainstNamedCheckconf(t *testing.T) {
	for _, s := range snippets {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want, wantNormal, theirs := namedCheckconf(t, s.conf)
			got, normal, findings := ours(t, s.conf)
			if s.differs == "" && got != want {
				t.Errorf("exit code of %q = %d, want %d\nours: %s\ntheirs: %s", s.conf, got, want, findings, theirs)
			}
			if s.differs != "" && got == want && squeeze(normal) == squeeze(wantNormal) {
				t.Errorf("exit code of %q = %d as named-checkconf; the table says it differs: %s", s.conf, got, s.differs)
			}
			if got == 0 && want == 0 && squeeze(normal) != squeeze(wantNormal) {
				t.Errorf("normal form of %q is\n%s\nwant\n%s", s.conf, normal, wantNormal)
			}
		})
	}
}

// TestOptionsAgainstNamedCheckconf tries each row of the table with a good and
// a bad value.
func TestOptionsAgainstNamedCheckconf(t *testing.T) {
	for in, frame := range frames {
		for _, o := range inBlock(in) {
			v, _ := o.value()
			for _, value := range valuesToTry(v) {
				t.Run(fmt.Sprintf("%v/%s %s", in, o.name, value), func(t *testing.T) {
					t.Parallel()
					conf := fmt.Sprintf(frame, "{ "+requires(in)+o.name+" "+value+"; }")
					want, _, theirs := namedCheckconf(t, conf)
					got, _, findings := ours(t, conf)
					if got != want {
						t.Errorf("exit code of %q = %d, want %d\nours: %s\ntheirs: %s", conf, got, want, findings, theirs)
					}
				})
			}
		}
	}
}

// valuesToTry are a good value and bad ones. All of them cost half a minute.
func valuesToTry(good string) []string {
	if os.Getenv("CI") == "true" {
		return []string{good, "bogus-value", good + " bogus-value", ""}
	}
	return []string{"bogus-value"}
}
