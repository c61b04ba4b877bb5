package pair

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/control"
	"vpcdns/forwarder/workbench"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A real BIND: it is told by flushname, and each failure is said.
func TestNamed(t *testing.T) {
	named := workbench.Need(t, "named")
	channel, dns := workbench.FreeAddr(t), workbench.FreeAddr(t)
	conf := lab.Key + fmt.Sprintf(`
		controls { inet 127.0.0.1 port %d allow { 127.0.0.1; } keys { "rndc-key"; }; };
		options { directory %q; pid-file none; session-keyfile none; recursion yes; forward only; forwarders { 127.0.0.1 port 1; };
			listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no; };`, channel.Port(), t.TempDir(), dns.Port())
	path := write(t, "named.conf", conf)
	p := lab.Start(t, "named", exec.Command(named, "-g", "-c", path))
	p.WaitToSay(t, "all zones loaded")
	ctx := context.Background()
	keysOf := func(path string) func() (control.Keys, error) {
		return func() (control.Keys, error) { return control.LoadKeys(path) }
	}
	find := func(path string) Server {
		found, err := control.Find(ctx, channel.String(), keysOf(path))
		if err != nil {
			t.Fatal(err)
		}
		return Server{found[0]}
	}
	s := find(path)
	if err := s.Null(ctx); err != nil {
		t.Errorf("null: %v", err)
	}
	if err := s.Add(ctx, testOrder(), true); !errors.Is(err, control.ErrUnknown) {
		t.Errorf("override add = %v, want %v", err, control.ErrUnknown)
	}
	bad := find(write(t, "rndc.key", strings.Replace(lab.Key, "secret \"", "secret \"AAAA", 1)))
	if err := bad.Null(ctx); !errors.Is(err, control.ErrUnreachable) || !strings.Contains(err.Error(), "does not know the key") {
		t.Errorf("null with another key = %v", err)
	}
	c, err := ParseCorporate(ctx, "rndc:"+channel.String(), keysOf(path))
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
	if _, err := f.Standing(); !errors.Is(err, control.ErrUnreachable) || said() != "failed flushed unreachable" {
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
