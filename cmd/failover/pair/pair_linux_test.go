package pair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/workbench"
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

// freePort is one that nobody has at the moment, over TCP.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
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
		got, err := Lookup(context.Background(), s, ControlPort)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("Lookup(%q) = %v, %v, want %q", s, got, err, want)
		}
	}
}

// A real BIND: it is told by flushname, and each failure is said.
func TestNamed(t *testing.T) {
	named := workbench.Need(t, "named")
	control, dns := freePort(t), freePort(t)
	conf := keyStatement("one", secret) + fmt.Sprintf(`
		controls { inet 127.0.0.1 port %d allow { 127.0.0.1; } keys { "one"; }; };
		options { directory %q; pid-file none; session-keyfile none; recursion yes; forward only; forwarders { 127.0.0.1 port 1; };
			listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no; };`, control.Port(), t.TempDir(), dns.Port())
	path := write(t, "named.conf", conf)
	p := lab.Start(t, "named", exec.Command(named, "-g", "-c", path))
	p.WaitToSay(t, "all zones loaded")
	ctx := context.Background()
	keysOf := func(path string) func() (Keys, error) { return func() (Keys, error) { return LoadKeys(path) } }
	s, err := Named(ctx, control.String(), keysOf(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Null(ctx); err != nil {
		t.Errorf("null: %v", err)
	}
	if err := s.Add(ctx, testOrder(), true); !errors.Is(err, ErrUnknown) {
		t.Errorf("override add = %v, want %v", err, ErrUnknown)
	}
	bad, err := Named(ctx, control.String(), keysOf(write(t, "rndc.key", keyStatement("one", otherSecret))))
	if err != nil {
		t.Fatal(err)
	}
	if err := bad.Null(ctx); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "does not know the key") {
		t.Errorf("null with another key = %v", err)
	}
	c, err := ParseCorporate(ctx, "rndc:"+control.String(), keysOf(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(ctx, testOrder()); err != nil {
		t.Error(err)
	}
	p.WaitToSay(t, "received control channel command 'flushname app.corp.example'")

	old := true
	f, said := follow(s)
	f.StillOld = func() bool { return old }
	f.Want(Lease)
	f.Step(ctx)
	f.Want(Firm)
	f.Step(ctx)
	old = false
	f.Step(ctx)
	reached, err := f.Standing()
	if got := said(); !reached || err != nil || got != "failed flushed" {
		t.Errorf("a BIND is told: %q, reached %v, %v", got, reached, err)
	}
	p.End(t)
	f.flushAgain()
	f.Step(ctx)
	f.Step(ctx)
	if _, err := f.Standing(); !errors.Is(err, ErrUnreachable) || said() != "failed flushed unreachable" {
		t.Errorf("a BIND that is gone: %v, %s", err, said())
	}
}

// flushAgain lets the next step talk to the server.
func (f *Follower) flushAgain() { f.seen.flushed = false }

// Commands of corporate servers: the environment, failures and time.
func TestCorporateExec(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	for text, want := range map[string]string{
		`exec:echo "$NAME $TYPE $ADDRESS" > ` + out: "",
		"exec:echo no such zone >&2; exit 3":        "exit status 3: no such zone",
		"exec:/nonexistent/program":                 "exit status 127",
		"unbound-control:127.0.0.1@1":               "unbound-control",
	} {
		c, err := ParseCorporate(context.Background(), text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(context.Background(), testOrder()); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if got, _ := os.ReadFile(out); string(got) != "app.corp.example A 10.79.2.2\n" {
		t.Errorf("the command saw %q", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	c, _ := ParseCorporate(ctx, "exec:sleep 60 & wait", nil)
	if err := c.Flush(ctx, testOrder()); err == nil || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("a command that hangs: %v", err)
	}
	for _, text := range []string{"", "exec:", "exec: ", "named:10.0.0.1", "10.0.0.1"} {
		if _, err := ParseCorporate(ctx, text, nil); err == nil {
			t.Errorf("ParseCorporate(%q) takes it", text)
		}
	}
}
