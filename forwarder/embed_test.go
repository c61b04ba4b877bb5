package forwarder

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A program of another module embeds the server, has its logs and metrics, and
// stops without a goroutine left.
func TestEmbed(t *testing.T) {
	upstream := answerAll(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "named.conf")
	write(t, conf, fmt.Sprintf(`options { listen-on port 0 { 127.0.0.1; }; listen-on-v6 { none; }; empty-zones-enable no; };
zone "corp.example" { type forward; forward only; forwarders { 127.0.0.1 port %d; }; };`, upstream.Port))
	out := runElsewhere(t, dir, conf, "www.corp.example.", "www.corp.example.", "www.elsewhere.")
	for _, want := range []string{
		"www.corp.example. NOERROR 1\nwww.corp.example. NOERROR 1\nwww.elsewhere. REFUSED 0\n",
		"cached: www.corp.example. A\n",
		"replies: 3\n",
		"goroutines left: 0\n",
		" running", "category=general",
		" shutting down",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the program wrote\n%s\nwithout %q", out, want)
		}
	}
}

// The README's example is part of that program.
func TestReadmeLibrary(t *testing.T) {
	program, err := os.ReadFile("../testdata/embed/main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "<!-- library -->\n```go\n")
	example, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("README.md has no example behind <!-- library -->")
	}
	lines := strings.Fields(string(program))
	if !strings.Contains(strings.Join(lines, " "), strings.Join(strings.Fields(example), " ")) {
		t.Errorf("testdata/embed/main.go does not have the README's\n%s", example)
	}
}

// answerAll is a server that has an address for every name.
func answerAll(t *testing.T) *net.UDPAddr {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 10.79.252.13")
		m.Answer = []dns.RR{rr}
		w.WriteMsg(m)
	})}
	done := make(chan error, 1)
	go func() { done <- s.ActivateAndServe() }()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return conn.LocalAddr().(*net.UDPAddr)
}

// runElsewhere builds testdata/embed as a module of its own in dir and runs it.
func runElsewhere(t *testing.T, dir string, args ...string) string {
	t.Helper()
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("../testdata/embed/main.go")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(ours), "\nrequire (")
	requires, _, _ = strings.Cut(requires, "\ntool ")
	write(t, filepath.Join(dir, "main.go"), string(program))
	write(t, filepath.Join(dir, "go.mod"), "module elsewhere\n\ngo 1.26\n\nrequire vpcdns v0.0.0\nreplace vpcdns => "+here+"\nrequire ("+requires)
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	goCommand(t, dir, "build", "-mod=mod", "-o", "program", ".")
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "program"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("the program: %v\n%s", err, out)
	}
	return string(out)
}

func goCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
