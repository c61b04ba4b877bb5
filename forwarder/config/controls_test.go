package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/acl"
)

const someKeys = `key one { algorithm hmac-sha256; secret "b25l"; };
	key "Two." { secret "dH dv"; algorithm HMAC-MD5.SIG-ALG.REG.INT; };
	key three { algorithm hmac-sha512-256; secret "dGhyZWU="; };
	`

func TestControls(t *testing.T) {
	cfg := load(t, `acl us { 10/8; };
		controls {
			inet 127.0.0.1 allow { us; !any; } keys { ONE.; two; };
			inet * port 1953 allow { localhost; } keys { three; } read-only yes;
		};
		controls { inet ::1 port 0 allow { any; }; inet ::1 port * allow { none; } keys { }; };
		`+someKeys)
	one, two, three := Key{"one", "hmac-sha256", []byte("one")}, Key{"Two.", "hmac-md5", []byte("two")}, Key{"three", "hmac-sha512", []byte("three")}
	want := []struct {
		addr     string
		keys     []Key
		readOnly bool
	}{{"127.0.0.1:953", []Key{one, two}, false}, {"0.0.0.0:1953", []Key{three}, true}, {"[::1]:953", nil, false}}
	if len(cfg.Controls) != len(want) || cfg.NoControls {
		t.Fatalf("Controls = %v, NoControls = %v, want %v", cfg.Controls, cfg.NoControls, want)
	}
	for i, w := range want {
		c := cfg.Controls[i]
		same := c.Addr == netip.MustParseAddrPort(w.addr) && c.ReadOnly == w.readOnly && len(c.Keys) == len(w.keys)
		for j := range min(len(c.Keys), len(w.keys)) {
			same = same && c.Keys[j].Name == w.keys[j].Name && c.Keys[j].Algorithm == w.keys[j].Algorithm && bytes.Equal(c.Keys[j].Secret, w.keys[j].Secret)
		}
		if !same {
			t.Errorf("Controls[%d] = %+v, want %+v", i, c, w)
		}
	}
	if a := cfg.Controls[0].Allow.Compile(acl.Env{}); !a.Match(netip.MustParseAddr("10.1.2.3")) || a.Match(netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("allow = %v, want 10/8", cfg.Controls[0].Allow)
	}
	if a := cfg.Controls[2].Allow.Compile(acl.Env{}); a.Match(netip.MustParseAddr("::1")) {
		t.Error("of two channels of one address the first counts, want the last")
	}
}

func TestDefaultControls(t *testing.T) {
	if cfg := load(t, ""); !cfg.NoControls || cfg.Controls != nil {
		t.Errorf("without controls: %v, %v", cfg.NoControls, cfg.Controls)
	}
	if cfg := load(t, "controls { };"); cfg.NoControls || cfg.Controls != nil {
		t.Errorf("with none in controls: %v, %v", cfg.NoControls, cfg.Controls)
	}
	if list := DefaultControls(); len(list) != 2 || list[0].Addr.String() != "127.0.0.1:953" || list[1].Addr.String() != "[::1]:953" {
		t.Errorf("DefaultControls() = %v", list)
	}
}

// named logs "invalid file" for this one, and starts without.
func TestControlAtMappedAddress(t *testing.T) {
	cfg, report, err := Load(writeConf(t, someKeys+"controls { inet ::ffff:127.0.0.1 allow { any; } keys { one; }; };"))
	if err != nil || len(cfg.Controls) != 0 || !strings.Contains(fmt.Sprint(report.Findings), "write 127.0.0.1") {
		t.Errorf("Load: %v, %v, %v", cfg.Controls, report.Findings, err)
	}
}

func TestLoadKey(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"good", `key "rndc-key" { algorithm hmac-sha256; secret "b25l"; };`, ""},
		{"two", `key a { algorithm hmac-sha256; secret "b25l"; }; key b { algorithm hmac-sha256; secret "b25l"; };`, "one key statement expected"},
		{"none", ``, "one key statement expected"},
		{"other", `options { };`, "one key statement expected"},
		{"no secret", `key a { algorithm hmac-sha256; };`, "must have both"},
		{"algorithm", `key a { algorithm foo; secret "b25l"; };`, "1:19: unknown algorithm '????????'"},
		{"base64", `key a { algorithm hmac-sha1; secret "b"; };`, "bad base64"},
		{"base64 with bits left over", `key a { algorithm hmac-sha1; secret "1s=="; };`, "bad base64"},
		{"syntax", `key a { algorithm`, "unexpected end"},
		{"without block", `key a;`, "'{' expected"},
	} {
		path := filepath.Join(t.TempDir(), "rndc.key")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := LoadKey(path)
		switch {
		case tt.want == "" && (err != nil || key.Name != "rndc-key" || key.Algorithm != "hmac-sha256" || string(key.Secret) != "one"):
			t.Errorf("%s: LoadKey = %+v, %v", tt.name, key, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: LoadKey = %v, want %q", tt.name, err, tt.want)
		case tt.want != "" && strings.Contains(err.Error(), "b25l"):
			t.Errorf("%s: the error shows the secret: %v", tt.name, err)
		}
	}
	if _, err := LoadKey("/nonexistent/rndc.key"); err == nil {
		t.Error("a missing file is no error")
	}
}
