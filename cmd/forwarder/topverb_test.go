package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/workbench"
)

// terminal is a tmux of its own in which forwarder top runs.
type terminal struct {
	t      *testing.T
	socket string
}

// newTerminal runs a command line of the shell in one of this size.
func newTerminal(t *testing.T, width, height int, command string) *terminal {
	t.Helper()
	workbench.Need(t, "tmux")
	term := &terminal{t, filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", term.socket, "kill-server").Run() })
	term.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), command+"; echo ended with $?; read line")
	return term
}

func (m *terminal) tmux(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (m *terminal) keys(keys ...string) {
	m.t.Helper()
	m.tmux(append([]string{"send-keys"}, keys...)...)
}

// shows waits for a text on the screen, and returns all of it.
func (m *terminal) shows(text string) (screen string) {
	m.t.Helper()
	for range 200 {
		if screen = m.tmux("capture-pane", "-p"); strings.Contains(screen, text) {
			return screen
		}
		time.Sleep(100 * time.Millisecond)
	}
	m.t.Fatalf("no %q on the screen, which has at last\n%s", text, screen)
	return ""
}

// startShown starts a forwarder whose metrics are at an address.
func startShown(t *testing.T, addr, shown, upstream netip.AddrPort) *lab.Process {
	t.Helper()
	conf := strings.NewReplacer(`include "{dir}/keys";`, "controls { };", "{upstream}", portText(upstream)).Replace(corpConf)
	p := lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-g", "-c", writeConf(t, conf, addr),
		"--metrics-address", host.Address(shown), "--watch", "app.corp.test"))
	p.WaitFor(t, addr)
	return p
}

// In a real terminal the server is seen live, also while it is away and when it is back;
// names that others ask for do nothing to the terminal.
func TestTopInTerminal(t *testing.T) {
	t.Parallel()
	workbench.Need(t, "tmux")
	resolver, upstream := startResolver(t)
	if err := resolver.Set("app.corp.test. 60 IN A 10.79.1.5", `\027]0\;owned\007\027[2Jx.corp.test. 60 IN A 10.79.1.6`); err != nil {
		t.Fatal(err)
	}
	addr, shown := freeAddr(t), freeAddr(t)
	p := startShown(t, addr, shown, upstream)
	command := lab.BuildForwarder(t) + " top --server " + host.Address(shown)
	screens := map[string]*terminal{
		"colours": newTerminal(t, 80, 24, "TERM=screen-256color "+command),
		"none":    newTerminal(t, 120, 40, "NO_COLOR=1 TERM=screen-256color "+command),
		"narrow":  newTerminal(t, 30, 8, "TERM=screen "+command),
	}
	for range 200 {
		for _, name := range []string{"app.corp.test.", `\027]0\;owned\007\027[2Jx.corp.test.`} {
			if _, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), addr.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, m := range screens {
		m.shows("[overview]")
		m.keys("2")
		m.shows("[names]")
		if name != "narrow" {
			m.shows("10.79.1.5")
		}
		m.keys("/", "n", "o", "n", "e", "Enter")
		m.shows("no name is ")
		m.keys("Escape")
		m.shows("app")
		m.keys("?")
		m.shows("tab, right")
		m.keys("4")
	}
	hot := screens["colours"].shows(`\027]0\;owned\007\027[2jx.corp.test`)
	if !strings.Contains(hot, "[hot]") || !strings.Contains(hot, "app.corp.test") {
		t.Errorf("the screen has\n%s", hot)
	}
	if title := screens["colours"].tmux("display-message", "-p", "#{pane_title}"); strings.Contains(title, "owned") {
		t.Errorf("the terminal's title is %q", title)
	}
	if raw := screens["none"].tmux("capture-pane", "-p", "-e"); strings.Contains(raw, "[31") || strings.Contains(raw, "[38") {
		t.Errorf("with NO_COLOR:\n%q", raw)
	}
	m := screens["narrow"]
	m.tmux("resize-window", "-x", "100", "-y", "30")
	m.shows(`owned\007\027[2jx.corp.test  A`)

	p.Kill()
	for _, m := range screens {
		m.shows("AWAY since ")
	}
	p = startShown(t, addr, shown, upstream)
	for _, m := range screens {
		m.keys("1")
		waitFor(t, "the server back on the screen", func() bool { return !strings.Contains(m.tmux("capture-pane", "-p"), "AWAY") })
	}
	p.Signal(t, syscall.SIGSTOP) // it hangs
	screens["colours"].shows("it says nothing")
	p.Signal(t, syscall.SIGCONT)
	for _, key := range []string{"q", "C-c"} {
		m := newTerminal(t, 80, 24, "TERM=screen "+command)
		m.shows("[overview]")
		m.keys(key)
		m.shows("ended with 0")
	}
	newTerminal(t, 80, 24, "TERM=dumb "+command).shows("ended with 0")
}

// Where there is no terminal a frame is printed; what cannot be had is said in a line.
func TestTopOnce(t *testing.T) {
	t.Parallel()
	_, upstream := startResolver(t)
	addr, shown := freeAddr(t), freeAddr(t)
	startShown(t, addr, shown, upstream)
	for _, args := range [][]string{{"--once"}, nil} {
		code, stdout, stderr := outputs(t, exec.Command(lab.BuildForwarder(t), append([]string{"top", "-s", host.Address(shown)}, args...)...))
		if code != 0 || stderr != "" || strings.ContainsRune(stdout, '\x1b') {
			t.Errorf("top %q = %d, %q, %q", args, code, stdout, stderr)
		}
		wantMatch(t, stdout, `^forwarder .* serving, up `, `^queries +`, `^upstream +127\.0\.0\.1#`, `^NAME +TYPE +GIVEN`, `^app\.corp\.test`)
	}
	for args, want := range map[string]string{
		"-s 127.0.0.1#1":                      "forwarder top: asking 127.0.0.1#1: connect: connection refused\n",
		"-s x/y":                              "forwarder top: address \"x/y\" is not like 127.0.0.1#9153\n",
		"-s 127.0.0.1#0":                      "is not like",
		"-s 127.0.0.1#dns":                    "is not like",
		"x":                                   "unexpected argument",
		"--interval 3":                        "unknown flag",
		"-s " + "127.0.0.1#" + portText(addr): "forwarder top: asking ", // which speaks DNS
	} {
		code, stdout, stderr := outputs(t, exec.Command(lab.BuildForwarder(t), append([]string{"top", "--once"}, strings.Fields(args)...)...))
		if code != exitFailure || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("top %s = %d, %q, %q, want %q", args, code, stdout, stderr, want)
		}
	}
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1:9153", "10.0.0.1#80": "10.0.0.1:80", "::1": "[::1]:9153", "::1#80": "[::1]:80", "[::1]:80": "[::1]:80",
		"localhost": "localhost:9153", "localhost:80": "localhost:80", "": "", "#80": "", "a b": "",
	} {
		if got, err := metricsServer(text); got != want || (err == nil) != (want != "") {
			t.Errorf("metricsServer(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}
