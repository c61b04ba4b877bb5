package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Findings are shown to others than those who may read the file: wherever a secret
// stands in it, they have its place and not a piece of it.
func TestFindingsShowNoSecret(t *testing.T) {
	const first, second = "c2VjcmV0b25l", "dHdvdHdvdHdv"
	const secret = first + second
	for name, text := range map[string]string{
		"no keyword":             `key "k" { algorithm hmac-sha256; "SECRET"; };`,
		"no keyword, no quotes":  `key "k" { algorithm hmac-sha256; SECRET; };`,
		"as algorithm":           `key "k" { algorithm "SECRET"; secret "b25l"; };`,
		"as algorithm, no quote": `key "k" { algorithm SECRET; };`,
		"split":                  `key "k" { algorithm hmac-sha256; secret FIRST SECOND; };`,
		"split, quoted":          `key "k" { algorithm hmac-sha256; secret "FIRST" "SECOND"; };`,
		"split by a semicolon":   `key "k" { algorithm hmac-sha256; secret FIRST; SECOND; };`,
		"split by a slash":       `key "k" { algorithm hmac-sha256; secret FIRST/SECOND; };`,
		"behind the algorithm":   `key "k" { algorithm hmac-sha256 "SECRET"; };`,
		"misspelt":               `key "k" { algorithm hmac-sha256; secrt "SECRET"; };`,
		"keyword misplaced":      `key "k" { algorithm hmac-sha256; "SECRET" secret; };`,
		"before the block":       `key "k" "SECRET" { algorithm hmac-sha256; };`,
		"no block":               `key "k" secret "SECRET";`,
		"no name":                `key { algorithm hmac-sha256; "SECRET"; };`,
		"no semicolon before":    `options { } key "k" { algorithm hmac-sha256; "SECRET"; };`,
		"block within":           `key "k" { algorithm { "SECRET"; }; };`,
		"no end":                 `key "k" { algorithm hmac-sha256; secret "b25l"; "SECRET"`,
		"no quote":               `key "k { "SECRET"; }; };`,
		"no quote at the name":   `key "k { SECRET "; };`,
		"not":                    `key "k" { ! "SECRET"; };`,
		"in a view":              `view v { key "k" { algorithm hmac-sha256; SECRET; }; };`,
		"cookie-secret":          `options { cookie-secret "00112233445566778899aabbccddeeff" "SECRET"; };`,
		"in the algorithm":       `key "k" { algorithm "hmac-sha256; secret SECRET; }; "; };`,
		"at the algorithm":       `key "k" { algorithm hmac-sha256:SECRET; };`,
		"behind the block":       `key "k" { algorithm hmac-sha256; } "SECRET";`,
		"behind, no quotes":      `key "k" { algorithm hmac-sha256; } SECRET;`,
		"behind the end":         `key "k" { algorithm hmac-sha256; }; "SECRET"; };`,
		"behind, in a view":      `view v { key "k" { algorithm hmac-sha256; }; "SECRET"; }; };`,
		"behind an include":      `include "/dev/null" "SECRET";`,
		"in rndc.conf":           `options { default-key "k"; }; server localhost { key "k"; }; key "k" { algorithm hmac-sha256; "SECRET"; };`,
	} {
		text = strings.NewReplacer("SECRET", secret, "FIRST", first, "SECOND", second).Replace(text)
		path := filepath.Join(t.TempDir(), "conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, report, err := Load(path)
		_, errKey := LoadKey(path)
		if err == nil || errKey == nil || !strings.Contains(err.Error(), path+":1:") {
			t.Errorf("%s: Load = %v, LoadKey = %v, want the place", name, err, errKey)
		}
		said := fmt.Sprint(report.Findings, err, errKey)
		for n := range len(secret) - 4 {
			if piece := secret[n : n+4]; strings.Contains(said, piece) {
				t.Errorf("%s: %q is shown: %s", name, piece, said)
				break
			}
		}
	}
}
