package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTable holds the table to its own rules: one row for an option in a place,
// a reason for each that is not honoured, and none honoured that nothing reads.
func TestTable(t *testing.T) {
	readOtherwise := strings.Fields("acl include type port directory view match-clients template key algorithm secret")
	onlyChecked := strings.Fields("dnssec-validation dnssec-enable managed-keys trust-anchors trusted-keys " +
		"fstrm-set-buffer-hint fstrm-set-flush-timeout fstrm-set-input-queue-size fstrm-set-output-notify-threshold fstrm-set-output-queue-size")
	seen := make(map[string]place)
	for _, o := range options() {
		if twice := seen[o.name] & o.in; twice != 0 {
			t.Errorf("option %s has two rows for %v", o.name, twice)
		}
		seen[o.name] |= o.in
		read := (o.apply != nil || slices.Contains(readOtherwise, o.name) && o.why == "") && !slices.Contains(onlyChecked, o.name)
		if honoured := o.treatment == Honoured; honoured != read {
			t.Errorf("option %s in %v is honoured: %t, but read: %t", o.name, o.in, honoured, read)
		}
		if o.treatment != Honoured && o.why == "" {
			t.Errorf("option %s in %v is %v without a reason", o.name, o.in, o.treatment)
		}
	}
}

// TestNormalOrder holds the table's order to named-checkconf -p.
func TestNormalOrder(t *testing.T) {
	for in, frame := range frames {
		t.Run(in.String(), func(t *testing.T) {
			block := exampleBlock(in)
			if zone := frameTypes[in]; zone != "" {
				block = "{ type " + zone + ";" + block[1:]
			}
			conf := fmt.Sprintf(frame, block)
			code, want, messages := namedCheckconf(t, conf)
			if code != 0 {
				t.Fatalf("named-checkconf refuses the examples:\n%s\n%s", messages, conf)
			}
			normal, messages := normalOf(t, conf)
			if squeeze(normal) != squeeze(want) {
				t.Errorf("normal form of %s:\n%s\nwant\n%s\n%s", conf, normal, want, messages)
			}
		})
	}
}
