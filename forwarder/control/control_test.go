package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/rndc"
)

const (
	secret      = "z3SmzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s="
	otherSecret = "AAAAzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s="
)

func keyStatement(name, secret string) string {
	return fmt.Sprintf("key %q { algorithm hmac-sha256; secret %q; };\n", name, secret)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The key of a file is found as rndc and named find it, or it is said what lacks.
func TestKeys(t *testing.T) {
	one, two := keyStatement("one", secret), keyStatement("two", otherSecret)
	for name, tt := range map[string]struct{ text, host, want string }{
		"rndc.key":           {one, "a", "one"},
		"default":            {one + two + `options { default-key "two"; default-port 953; };`, "a", "two"},
		"server":             {one + two + `options { default-key "two"; }; server "A" { key "one"; };`, "a", "one"},
		"named.conf":         {two + one + `options { directory "/tmp"; forwarders { 10.0.0.2; }; }; controls { inet 127.0.0.1 port 953 allow { any; } keys { "one"; }; }; zone "x" { type forward; }; server 10.0.0.1 { edns no; };`, "a", "one"},
		"several":            {one + two, "a", "error: has the keys one, two, and does not say which is for a"},
		"none":               {`options { directory "/tmp"; };`, "a", "error: has no key"},
		"a key that is gone": {one + `options { default-key "three"; };`, "a", "error: no key definition for name three"},
		"bad secret":         {`key "x" { algorithm hmac-sha256; secret "*"; };`, "a", "error: bad base64"},
		"bad syntax":         {`key "x" {`, "a", "error: could not load"},
	} {
		keys, err := LoadKeys(write(t, "conf", tt.text))
		got := ""
		if err == nil {
			var k *rndc.Key
			if k, err = keys.For(tt.host); err == nil {
				got = k.Name
			}
		}
		if wantErr, fails := strings.CutPrefix(tt.want, "error: "); fails != (err != nil) || fails && !strings.Contains(err.Error(), wantErr) || !fails && got != tt.want {
			t.Errorf("%s: key %q, %v, want %s", name, got, err, tt.want)
		}
	}
	if _, err := LoadKeys("/nonexistent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadKeys of a file that is not there: %v", err)
	}
}

func TestLookup(t *testing.T) {
	for s, want := range map[string]string{
		"10.0.0.1": "10.0.0.1:953", "10.0.0.1:9953": "10.0.0.1:9953", "10.0.0.1#9953": "10.0.0.1:9953", "::1": "[::1]:953", "[::1]": "[::1]:953",
		"[::1]:9953": "[::1]:9953", "fd00::1#5": "[fd00::1]:5", "localhost:1": "127.0.0.1:1",
		"": "", ":53": "", "10.0.0.1:0": "", "10.0.0.1:x": "", "10.0.0.1#": "", "10.0.0.1:99999": "", "[::1]x": "",
	} {
		got, err := Lookup(context.Background(), s, Port)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("Lookup(%q) = %v, %v, want %q", s, got, err, want)
		}
	}
}
