package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/control"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/workbench"
)

// memberConf has a control channel of its own address, and a key that a member limits.
const memberConf = corpConf + `controls { inet {control} port {controlport} allow { any; } keys { "hmac-sha1"; "hmac-sha256"; }; };
`

// memberLab is forwarders at 127.0.0.11 and so on, all with the same port for control.
type memberLab struct {
	t        *testing.T
	program  string
	resolver *vpcresolver.Resolver
	upstream netip.AddrPort
	control  uint16
	command  func(args ...string) *exec.Cmd // starts the next member
	conf     string                         // of the next member
	flags    []string                       // and beside it
}

func newMemberLab(t *testing.T) *memberLab {
	resolver, upstream := startResolver(t)
	if err := resolver.Set("app.corp.test. 10 IN A 10.79.1.5", "www.corp.test. 10 IN A 10.79.1.6"); err != nil {
		t.Fatal(err)
	}
	program := lab.BuildForwarder(t)
	command := func(args ...string) *exec.Cmd { return exec.Command(program, args...) }
	return &memberLab{t, program, resolver, upstream, freeAddr(t).Port(), command, memberConf, []string{"--control-key", "hmac-sha1=status,history"}}
}

// fleetMember is one of them.
type fleetMember struct {
	watched
	at, http string
	before   chan string // what /readyz said until it was ready
}

// start starts one, which asks these members.
func (f *memberLab) start(at string, members ...string) *fleetMember {
	f.t.Helper()
	return f.startAt(at, freeAddr(f.t), members...)
}

// startAt starts one that serves DNS there.
func (f *memberLab) startAt(at string, addr netip.AddrPort, members ...string) *fleetMember {
	f.t.Helper()
	status := freeAddr(f.t)
	text := strings.NewReplacer("{upstream}", portText(f.upstream), "{controlport}", fmt.Sprint(f.control), "{control}", at).Replace(f.conf)
	conf := writeConf(f.t, text, addr)
	m := &fleetMember{at: at, http: "http://" + status.String(), before: make(chan string, 1), watched: watched{t: f.t, controlled: controlled{dir: filepath.Dir(conf), conf: conf, addr: addr}}}
	write(f.t, filepath.Join(m.dir, "keys"), keyStatements())
	write(f.t, filepath.Join(m.dir, "rndc.conf"), keyStatements()+`options { default-key "hmac-sha256"; };`)
	args := []string{"-g", "-c", conf, "--metrics-address", status.String(), "--state-file", m.state()}
	args = append(args, f.flags...)
	for _, a := range members {
		args = append(args, "--member", a)
	}
	go m.untilReady()
	m.Process = lab.Start(f.t, at, f.command(args...))
	m.WaitToSay(f.t, "command channel listening on "+at)
	m.WaitFor(f.t, addr)
	return m
}

// untilReady gathers what is said before the member is ready.
func (m *fleetMember) untilReady() {
	all := ""
	for m.t.Context().Err() == nil {
		r, err := http.Get(m.http + "/readyz")
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		body, _ := io.ReadAll(r.Body) // a part is as good
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			break
		}
		all += string(body)
	}
	m.before <- all
}

// lie serves a control channel that says the same to all.
func (f *memberLab) lie(at, reply string) {
	f.t.Helper()
	a, err := rndc.ParseAlgorithm("hmac-sha256")
	if err != nil {
		f.t.Fatal(err)
	}
	secret, err := base64.StdEncoding.DecodeString(testSecret)
	if err != nil {
		f.t.Fatal(err)
	}
	s := rndc.NewServer(rndc.Options{Handler: liar(reply), Log: slog.New(slog.DiscardHandler)})
	f.t.Cleanup(s.Close)
	s.Serve([]rndc.Channel{{Addr: netip.AddrPortFrom(netip.MustParseAddr(at), f.control), Keys: []*rndc.Key{rndc.NewKey("any", a, secret)}}})
}

type liar string

func (l liar) Command(context.Context, rndc.Request) (string, error) { return string(l), nil }

func (f *memberLab) address(at string) string { return fmt.Sprintf("%s#%d", at, f.control) }

// tell gives a member a command.
func (m *fleetMember) tell(f *memberLab, args ...string) (code int, stdout, stderr string) {
	m.t.Helper()
	all := append([]string{"rndc", "-c", filepath.Join(m.dir, "rndc.conf"), "-s", m.at, "-p", fmt.Sprint(f.control)}, args...)
	return outputs(m.t, exec.Command(f.program, all...))
}

func (m *fleetMember) ok(f *memberLab, args ...string) string {
	m.t.Helper()
	code, stdout, stderr := m.tell(f, args...)
	if code != 0 {
		m.t.Fatalf("rndc %q at %s = %d: %s", args, m.at, code, stderr)
	}
	return stdout
}

func (m *fleetMember) ready() string { return waitStatus(m.t, m.http+"/readyz", http.StatusOK) }

func (m *fleetMember) gives(name, want string) bool {
	return strings.Contains(m.dig("+short", name), want)
}

// A newcomer knows what members were told, from its first ready moment on, and what they
// are told while nobody knows it.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	workbench.Need(t, "dig")
	f := newMemberLab(t)
	first := f.start("127.0.0.11", "127.0.0.11#"+fmt.Sprint(f.control)) // itself alone
	first.ready()
	first.ok(f, "override", "add", "app.corp.test", "A", "10.0.0.1")
	waitFor(t, "a confirmation in time", func() bool {
		first.ok(f, "override", "add", "www.corp.test", "A", "10.0.0.2", "lease", "secret-token")
		code, _, _ := first.tell(f, "override", "confirm", "www.corp.test", "secret-token")
		return code == 0
	})
	first.ok(f, "watch", "db.corp.test")
	all := []string{f.address("127.0.0.11"), f.address("127.0.0.12"), f.address("127.0.0.13")} // the last is dead
	newcomer := f.start("127.0.0.12", all...)
	newcomer.ready()
	if !newcomer.gives("app.corp.test", "10.0.0.1") || !newcomer.gives("www.corp.test", "10.0.0.2") {
		t.Errorf("the newcomer is ready, and gives %q and %q", newcomer.dig("+short", "app.corp.test"), newcomer.dig("+short", "www.corp.test"))
	}
	newcomer.WaitToSay(t, "member "+all[0]+": took over 2 overrides, 1 watched name")
	newcomer.WaitToSay(t, "member "+all[2]+": "+all[2]+" is unreachable: connection refused")
	wantMatch(t, newcomer.ok(f, "summary"), `^members +1 of 2 others answered; last fetch at `, `taken over: 2\s+overrides, 1 watched name`)
	wantMatch(t, waitStatus(t, newcomer.http+"/metrics", http.StatusOK), `^forwarder_member_changes_total\{kind="override"\} 2$`, `^forwarder_members 2$`, `^forwarder_members_answered 1$`)

	first.ok(f, "override", "withdraw", "www.corp.test", "secret-token")
	first.ok(f, "override", "delete", "app.corp.test")
	first.ok(f, "override", "add", "db.corp.test", "A", "10.0.0.3")
	waitFor(t, "what the member was told since", func() bool {
		return newcomer.gives("db.corp.test", "10.0.0.3") && newcomer.gives("app.corp.test", "10.79.1.5") && newcomer.gives("www.corp.test", "10.79.1.6")
	})

	third := f.start("127.0.0.13", all...)
	third.ready()
	if !third.gives("db.corp.test", "10.0.0.3") || !third.gives("app.corp.test", "10.79.1.5") || !third.gives("www.corp.test", "10.79.1.6") {
		t.Errorf("the third has %s", third.ok(f, "override", "list"))
	}
	if text := first.ok(f, "watch", "export"); strings.Contains(text, "secret-token") || !strings.Contains(text, `"db.corp.test"`) {
		t.Errorf("watch export = %s", text)
	}
	if code, _, stderr := first.tell(f, "-y", "hmac-sha1", "watch", "export"); code != 1 || !strings.Contains(stderr, "limited to status, history") {
		t.Errorf("watch export with a limited key = %d: %s", code, stderr)
	}
	for _, line := range []string{"watch export x", "watch export unless", "watch export from a b c"} {
		if code, _, stderr := first.tell(f, strings.Fields(line)...); code != 1 || !strings.Contains(stderr, "it is used as") {
			t.Errorf("%s = %d: %s", line, code, stderr)
		}
	}
}

// What a newcomer answers first is what a member was told that is known by address, though
// that takes a while to say so.
func TestNewcomerOfAPair(t *testing.T) {
	t.Parallel()
	workbench.Need(t, "dig")
	f := newMemberLab(t)
	first := f.start("127.0.0.11")
	first.ok(f, "override", "add", "app.corp.test", "A", "10.0.0.1")
	addr := freeAddr(t)
	early := make(chan string, 1)
	f.relay("127.0.0.13", "127.0.0.11", func() {
		out, _ := exec.Command("dig", "+short", "+tries=1", "+timeout=1", "-p", portText(addr), "@127.0.0.1", "app.corp.test").Output()
		early <- string(out)
	})
	newcomer := f.startAt("127.0.0.12", addr, f.address("127.0.0.13"))
	if got := <-early; strings.Contains(got, "10.79.1.5") {
		t.Errorf("before it knows the override it answers %q", got)
	}
	if !newcomer.gives("app.corp.test", "10.0.0.1") {
		t.Errorf("the first answer is %q", newcomer.dig("+short", "app.corp.test"))
	}
}

// relay passes control channels on, the first of them after a call.
func (f *memberLab) relay(at, to string, first func()) {
	f.t.Helper()
	port := fmt.Sprint(f.control)
	l, err := net.Listen("tcp", net.JoinHostPort(at, port))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { l.Close() })
	go func() {
		var once sync.Once
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			once.Do(first)
			if out, err := net.Dial("tcp", net.JoinHostPort(to, port)); err == nil {
				go func() { defer out.Close(); _, _ = io.Copy(out, in) }()
				go func() { defer in.Close(); _, _ = io.Copy(in, out) }()
			}
		}
	}()
}

// Members that do not answer, or wrongly, keep nobody from being ready, and are said.
func TestBadMembers(t *testing.T) {
	t.Parallel()
	f := newMemberLab(t)
	f.lie("127.0.0.21", "no JSON")
	f.lie("127.0.0.22", `{"version":2}`)
	f.lie("127.0.0.23", `{"version":1,"at":"2001-01-01T00:00:00Z"}`)
	var members []string
	for i := range 4 {
		members = append(members, f.address(fmt.Sprint("127.0.0.2", i)))
	}
	m := f.start("127.0.0.11", members...)
	for _, text := range []string{"127.0.0.20#%[1]d is unreachable", "member 127.0.0.21#%[1]d: merging watched names: invalid character", "of version 2, this program knows 1", "the clocks differ by", "no member answers yet: ready without"} {
		m.WaitToSay(t, strings.ReplaceAll(text, "%[1]d", fmt.Sprint(f.control)))
	}
	m.ready()
	if got := <-m.before; !strings.Contains(got, "not ready: fetching overrides from members\n") {
		t.Errorf("/readyz was %q before", got)
	}
	wantMatch(t, m.ok(f, "summary"), `^members +0 of 4 others answered; asked until `)
}

// What a member says is logged in a line, without what moves a terminal's cursor.
func TestMemberFault(t *testing.T) {
	err := &control.Refusal{Server: "10.0.0.1#953", Command: "watch export", Result: "failure", Text: "no\nyes\x1b[2J\u202e" + strings.Repeat("x", 1<<20)}
	got := memberFault(err)
	if want := "10.0.0.1#953 refuses 'watch export': failure: no; yes?[2J?xxx"; !strings.HasPrefix(got, want) || len(got) > 500 {
		t.Errorf("memberFault = %.100q, %d octets, want %q and so on", got, len(got), want)
	}
}

// The process that takes over is as ready as the one before it was, though no member
// answers; one without a former waits for them.
func TestSuccessorIsReady(t *testing.T) {
	for _, sockets := range []string{"", socketsName, earlyName} {
		c := startCommanded(t, "")
		c.daemon.flags.members = memberFlags{"127.0.0.9"}
		c.daemon.members = newMembers(c.daemon)
		if sockets != "" {
			c.daemon.inherited.add(sockets, nil)
		}
		stop := c.daemon.askMembers()
		if got, want := c.daemon.members.isReady(), sockets == socketsName; got != want {
			t.Errorf("with inherited sockets %q it is ready at once: %v, want %v", sockets, got, want)
		}
		stop()
	}
}

// A process that no member has told leaves sockets to none that would be ready at once.
func TestEarlySockets(t *testing.T) {
	c := startCommanded(t, "")
	path, next := listenNotify(t)
	d := c.daemon
	d.notify.socket, d.members = path, newMembers(d)
	if err := d.storeSockets(); err != nil {
		t.Fatal(err)
	}
	if got := d.socketsAre(); got != earlyName {
		t.Errorf("the sockets are %q, want %q", got, earlyName)
	}
	if err := d.notify.status("next"); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != "STATUS=next" {
		t.Errorf("the service manager hears %q before members have told, want nothing", got)
	}
	close(d.members.ready)
	if err := d.storeSockets(); err != nil {
		t.Fatal(err)
	}
	if got := next(); !strings.HasPrefix(got, "FDSTORE=1") || d.socketsAre() != socketsName {
		t.Errorf("the service manager hears %q then, and the sockets are %q", got, d.socketsAre())
	}
}

// Once members had their time the sockets are stored.
func TestSocketsAreStoredLate(t *testing.T) {
	socket, next := listenNotify(t)
	addr := freeAddr(t)
	cmd := exec.Command(lab.BuildForwarder(t), "-f", "--metrics-address=", "--member", "127.0.0.9", "-c", writeConf(t, daemonConf, addr))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	p := lab.Start(t, "the forwarder", cmd)
	p.WaitFor(t, addr)
	for range 100 { // beside what it says of its state
		if strings.HasPrefix(next(), "FDSTORE=1\nFDNAME="+socketsName) {
			return
		}
	}
	t.Error("the service manager was given no sockets")
}
