package main

import (
	"bytes"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
)

const (
	here  = "127.0.0.1"
	there = "127.0.0.2"
)

// serveAt takes connections at addresses of loopback, at one port, which it returns.
func serveAt(t *testing.T, addresses ...string) (port string) {
	t.Helper()
	port = "0"
	for _, a := range addresses {
		l, err := net.Listen("tcp", net.JoinHostPort(a, port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		_, port, _ = net.SplitHostPort(l.Addr().String())
	}
	return port
}

// quick are flags of watch with which a test need not wait.
func quick(more ...string) []string {
	return append([]string{"watch", "--name", app, "--interval", "100ms", "--fall", "2"}, more...)
}

func TestWatchSwitches(t *testing.T) {
	s := account(t, route53.Options{}, record(here), route53.Simple(appProbe, "A", 10, here))
	port := serveAt(t, there)
	succeeds(t, "was switched as often as --limit allows (1)", quick("--check", "tcp://127.0.0.1:"+port, "--standby", "127.0.0.3", "--standby", there)...)
	holds(t, s, app, there)
	holds(t, s, "x.now."+app, there)
	if n := len(s.Requests("ChangeResourceRecordSets")); n != 1 {
		t.Errorf("%d changes were sent, want 1", n)
	}
}

// The check of a name is that of the address that its record has.
func TestWatchName(t *testing.T) {
	s := account(t, route53.Options{}, record(here))
	port := serveAt(t, there)
	succeeds(t, "127.0.0.1 is down", quick("--check", "tcp://:"+port, "--standby", there)...)
	holds(t, s, app, there)
}

func TestWatchDryRun(t *testing.T) {
	s := account(t, route53.Options{}, record(here))
	port := serveAt(t, there)
	succeeds(t, "and would get 127.0.0.2", quick("--check", "tcp://127.0.0.1:"+port, "--standby", there, "--dry-run")...)
	holds(t, s, app, here)
}

// Whoever else has switched is right.
func TestWatchOfAnothersRecord(t *testing.T) {
	s := account(t, route53.Options{}, record("10.0.0.9"))
	port := serveAt(t, there)
	succeeds(t, "has 10.0.0.9 now, not 127.0.0.1: somebody switched it", quick("--check", "tcp://127.0.0.1:"+port, "--standby", there)...)
	holds(t, s, app, "10.0.0.9")
}

func TestWatchRefuses(t *testing.T) {
	weighted := record(here)
	weighted.SetIdentifier, weighted.Weight = "one", new(int64)
	for want, sets := range map[string][]route53.RecordSet{
		"weighted":              {weighted},
		"one address is wanted": {record(here, there)},
		"it has no A record":    nil,
	} {
		account(t, route53.Options{}, sets...)
		fails(t, 2, want, quick("--check", "tcp://127.0.0.1:9", "--standby", there)...)
	}
}

// The change is not made for want of the API, and then it is.
func TestWatchOutlastsTheAPI(t *testing.T) {
	s := account(t, route53.Options{}, record(here))
	s.Break(route53.Fault{Action: "ChangeResourceRecordSets", Code: "ExpiredToken", Times: 1})
	port := serveAt(t, there)
	succeeds(t, "trying again in 1s", quick("--check", "tcp://127.0.0.1:"+port, "--standby", there)...)
	holds(t, s, app, there)
}

// While nobody can read the record nothing is switched, and it is said what an operator
// can type; likewise where only the change fails.
func TestWatchNamesTheWayOut(t *testing.T) {
	port := serveAt(t, there)
	for _, action := range []string{"", "ChangeResourceRecordSets"} {
		s := account(t, route53.Options{}, record(here))
		s.Break(route53.Fault{Action: action, Code: "AccessDenied"})
		cmd, _ := programCommand(t, quick("--check", "tcp://127.0.0.1:"+port, "--standby", there, "--zone-id", "ZPRIVATE", "--forwarder", "127.0.0.1:1", "--key", pairKeyFile(t))...)
		out := &lines{}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		want := "\n  failover override add " + app + " A 127.0.0.2 --forwarder 127.0.0.1:1 --key "
		for deadline := time.Now().Add(time.Minute); !strings.Contains(out.String(), want) && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if text := out.String(); !strings.Contains(text, want) || strings.Contains(text, "override in force") {
			t.Errorf("the API denies %q: %s\nwant %q", action, text, want)
		}
		holds(t, s, app, here)
	}
}

// pairKeyFile is one with the key of a pair.
func pairKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rndc.key")
	text := `key "pair" { algorithm hmac-sha256; secret "z3SmzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s="; };`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWatchUsage(t *testing.T) {
	account(t, route53.Options{}, record(here))
	check := []string{"watch", "--name", app, "--check", "tcp://127.0.0.1:80"}
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"--check is missing", []string{"watch", "--name", app}},
		{"--standby", check},
		{"--name is missing", []string{"watch"}},
		{"named twice", append(check, "--standby", here)},
		{"named twice", append(check, "--standby", there, "--standby", there)},
		{"IPv6", append(check, "--standby", "fd00::1")},
		{"--standby", append(check, "--standby", "app2")},
		{"--rise", append(check, "--standby", there, "--rise", "0")},
		{"--interval", append(check, "--standby", there, "--interval", "1ms")},
		{"--timeout", append(check, "--standby", there, "--timeout", "0s")},
		{"--timeout", append(check, "--standby", there, "--timeout", "11s")},
		{"--hold-down", append(check, "--standby", there, "--hold-down", "1s")},
		{"no port", []string{"watch", "--name", app, "--check", "tcp://127.0.0.1", "--standby", there}},
	} {
		fails(t, 1, tt.want, tt.args...)
	}
}

// lines is what a running program prints.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The built program, with the system's certificates and a name in one of them; it
// ends by SIGTERM.
func TestWatchHTTPS(t *testing.T) {
	account(t, route53.Options{}, record(here))
	server := httptest.NewTLSServer(http.HandlerFunc(pages))
	defer server.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	cmd, _ := programCommand(t, "watch", "--name", app, "--check", "https://example.com:"+port+"/ok", "--standby", there, "--timeout", "10s")
	out := &lines{}
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "SSL_CERT_FILE="+roots), out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if strings.Contains(out.String(), "127.0.0.1 is up") && strings.Contains(out.String(), "127.0.0.2 is down") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "127.0.0.1 is up") || !strings.Contains(out.String(), "stopped by a signal") {
		t.Errorf("failover watch: %v\n%s", err, out)
	}
}
