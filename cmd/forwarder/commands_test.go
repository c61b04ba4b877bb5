package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/rndc"
)

// commandsConf is a forwarder whose commands are tried. {dir} is its directory.
const commandsConf = `
controls { };
options {
	directory "{dir}";
	pid-file none;
	listen-on port {port} { {address}; };
	listen-on-v6 { none; };
	forwarders { {upstream}; };
	forward only;
	empty-zones-enable no;
	minimal-responses no-auth;
	{more}
};
zone "here.test" { type primary; file "{dir}/host.zone"; };
zone "awslab.mycompany.corp" { type forward; forward only; forwarders { {upstream}; }; };
`

// commanded is a server in this process whose commands are called as the control
// channel does.
type commanded struct {
	*daemon
	t        testing.TB
	dir      string
	addr     netip.AddrPort
	resolver *vpcresolver.Resolver
}

// startCommanded starts a server with options of named.conf more.
func startCommanded(t testing.TB, more string) *commanded {
	t.Helper()
	t.Chdir(t.TempDir()) // and back, as the configuration names a directory
	resolver, upstream := startResolver(t)
	addr := freeAddr(t)
	text := strings.NewReplacer("{upstream}", "127.0.0.1 port "+portText(upstream), "{more}", more).Replace(commandsConf)
	conf := writeConf(t, text, addr)
	f, err := parseFlags([]string{"-g", "-c", conf})
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{flags: f, startup: newStartup(t.Output()), notify: newNotifier(func(string) string { return "" }), calls: make(chan func())}
	d.members = newMembers(d)
	if err := errors.Join(d.openLogs(), d.start()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.server.Serve(ctx) }()
	<-d.server.Ready()
	t.Cleanup(d.askMembers()) // here, and only here
	var calls sync.WaitGroup
	calls.Go(func() { d.answerCalls(ctx) })
	t.Cleanup(func() {
		stop()
		calls.Wait()
		if err := errors.Join(<-ended, d.logs.Close()); err != nil {
			t.Error(err)
		}
	})
	return &commanded{d, t, filepath.Dir(conf), addr, resolver}
}

// answerCalls runs what is to run on the daemon's goroutine, until ctx ends.
func (d *daemon) answerCalls(ctx context.Context) {
	for {
		select {
		case call := <-d.calls:
			call()
		case <-ctx.Done():
			return
		}
	}
}

func portText(a netip.AddrPort) string { return a.String()[strings.LastIndexByte(a.String(), ':')+1:] }

// try runs a command line.
func (c *commanded) try(line string) (string, error) {
	words := strings.Fields(line)
	cmd := commandNamed(words[0])
	if cmd == nil {
		return "", rndc.UnknownCommand.With("")
	}
	ctx, stop := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer stop()
	return cmd.execute(ctx, c.daemon, words[1:])
}

// run runs a command line, which must succeed, and returns its text.
func (c *commanded) run(line string) string {
	c.t.Helper()
	text, err := c.try(line)
	if err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	return text
}

// ask returns the answer to a question.
func (c *commanded) ask(name string, qtype uint16) *dns.Msg {
	c.t.Helper()
	client := dns.Client{Timeout: 10 * time.Second}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, qtype), c.addr.String())
	if err != nil {
		c.t.Fatal(err)
	}
	return reply
}

func (c *commanded) read(file string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// wantMatch wants a text in which each pattern is found, in this order.
func wantMatch(t *testing.T, text string, patterns ...string) {
	t.Helper()
	rest := text
	for _, p := range patterns {
		at := regexp.MustCompile("(?m)" + p).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("no %q, or not in this place, in\n%s", p, text)
		}
		rest = rest[at[1]:]
	}
}

// What is wrong with a command has BIND's number and words.
func TestCommandErrors(t *testing.T) {
	c := startCommanded(t, "stale-cache-enable yes;")
	label := strings.Repeat("a", 64)
	for line, want := range map[string]*rndc.Error{
		"flushname":                     rndc.UnexpectedEnd.With(""),
		"flushtree":                     rndc.UnexpectedEnd.With(""),
		"flushname a..b":                rndc.EmptyLabel.With(""),
		"flushname .a":                  rndc.EmptyLabel.With(""),
		"flushname " + label + ".b":     rndc.LabelTooLong.With(""),
		`flushname a\999.b`:             rndc.BadEscape.With(""),
		`flushname a\`:                  rndc.UnexpectedEnd.With(""),
		`flushname a\q.b`:               nil,
		`flushname \065\.b.c`:           nil,
		"flushname @":                   nil,
		"flushtree .":                   nil,
		"flushname a.test nosuch":       rndc.Failure.With(""),
		"flushname a.test _default":     nil,
		"flushname a.test _BIND":        nil,
		"flushtree a.test nosuch":       rndc.Failure.With(""),
		"flush":                         nil,
		"\u017ftats":                    rndc.UnknownCommand.With(""), // an s that is folded to s
		"flush nosuch":                  rndc.NotFound.With(""),
		"flush _default":                nil,
		"querylog maybe":                rndc.Syntax.With(""),
		"serve-stale":                   rndc.UnexpectedEnd.With(""),
		"serve-stale bogus":             rndc.Syntax.With(""),
		"serve-stale status nosuch":     rndc.NotFound.With(""),
		"serve-stale on x y":            rndc.Unknown.With("unknown class 'x'"),
		"serve-stale status IN nosuch":  rndc.NotFound.With(""),
		"serve-stale reset IN _default": nil,
		"trace x":                       rndc.OutOfRange.With(""),
		"trace -1":                      rndc.OutOfRange.With(""),
		"trace 100":                     rndc.OutOfRange.With(""),
		"trace 05":                      nil,
		"notrace x":                     nil,
		"flushname " + strings.Repeat(label[1:]+".", 4): rndc.NoSpace.With(""),
	} {
		_, err := c.try(line)
		if got := new(rndc.Error); want == nil && err != nil || want != nil && (!errors.As(err, &got) || *got != *want) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}

// status has BIND's lines; what other commands change is seen in it.
func TestStatusCommand(t *testing.T) {
	c := startCommanded(t, "recursive-clients 500; tcp-clients 20;")
	c.run("querylog on")
	c.run("trace 7")
	wantMatch(t, c.run("status"), `\Aversion: forwarder \d+\.\d+\.\d+ <id:.*>$`, `^running on .+: Linux .+$`,
		`^boot time: \w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$`, `^last configured: .* GMT$`, `^configuration file: /.*named\.conf$`,
		`^CPUs found: \d+$`, `^worker threads: \d+$`, `^UDP listeners per interface: \d+$`, `^number of zones: 3 \(0 automatic\)$`,
		`^debug level: 7$`, `^xfers running: 0$`, `^xfers deferred: 0$`, `^soa queries in progress: 0$`, `^query logging is ON$`, `^response logging is OFF$`,
		`^recursive clients: 0/450/500$`, `^tcp clients: 0/20$`, `^TCP high-water: 0$`, `^server is up and running\z`)
	conn, err := dns.DialTimeout("tcp", c.addr.String(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	client := dns.Client{Net: "tcp", Timeout: 10 * time.Second}
	if _, _, err := client.ExchangeWithConn(new(dns.Msg).SetQuestion("here.test.", dns.TypeSOA), conn); err != nil {
		t.Fatal(err)
	}
	c.run("querylog")
	c.run("trace")
	wantMatch(t, c.run("status"), `^debug level: 8$`, `^query logging is OFF$`, `^tcp clients: 1/20$`, `^TCP high-water: 1$`)
	conn.Close()
	c.run("notrace")
	c.resolver.SetFaults("silent.awslab.mycompany.corp.", vpcresolver.Faults{Drop: 1})
	go c.server.Exchange(t.Context(), new(dns.Msg).SetQuestion("silent.awslab.mycompany.corp.", dns.TypeA))
	for !strings.Contains(c.run("status"), "recursive clients: 1/") {
		time.Sleep(time.Millisecond)
	}
	wantMatch(t, c.run("status"), `^debug level: 0$`)
}

// flushname takes away chains through a name, flushtree what is below it.
func TestFlushCommands(t *testing.T) {
	c := startCommanded(t, "")
	const alias, end = "alias.awslab.mycompany.corp.", "end.awslab.mycompany.corp."
	if err := c.resolver.Set(alias+" 300 IN CNAME "+end, end+" 300 IN A 10.1.1.1"); err != nil {
		t.Fatal(err)
	}
	asked := func(line string, want int) {
		t.Helper()
		c.run(line)
		before := c.resolver.Queries(alias)
		c.ask(alias, dns.TypeA)
		if got := c.resolver.Queries(alias) - before; got != want {
			t.Errorf("after %s upstream was asked %d times, want %d", line, got, want)
		}
	}
	asked("flush", 1)
	asked("flush _bind", 0)
	asked("flushname other.awslab.mycompany.corp", 0)
	asked("flushname awslab.mycompany.corp", 0)
	asked("flushname END.awslab.mycompany.corp", 1)
	asked("flushname end.awslab.mycompany.corp _bind", 0)
	asked("flushtree other.corp", 0)
	asked("flushtree mycompany.corp _default", 1)
}

// serve-stale holds over what the configuration says, also over a reload, until it is
// reset.
func TestServeStaleCommand(t *testing.T) {
	c := startCommanded(t, "stale-cache-enable yes; stale-answer-ttl 7;")
	const name = "old.awslab.mycompany.corp."
	if err := c.resolver.Set(name + " 1 IN A 10.1.1.1"); err != nil {
		t.Fatal(err)
	}
	c.ask(name, dns.TypeA)
	c.resolver.SetFaults(name, vpcresolver.Faults{Rcode: dns.RcodeServerFailure})
	for c.ask(name, dns.TypeA).Rcode == dns.RcodeSuccess {
		time.Sleep(10 * time.Millisecond)
	}
	const enabled, disabled = "_default: stale cache enabled; stale answers enabled (stale-answer-ttl=7 max-stale-ttl=86400 stale-refresh-time=30)",
		"_default: stale cache enabled; stale answers disabled (stale-answer-ttl=7 max-stale-ttl=86400 stale-refresh-time=30)"
	for _, step := range []struct {
		line, status string
		stale        bool
	}{
		{"serve-stale status", disabled, false},
		{"serve-stale on", enabled, true},
		{"serve-stale status IN _bind", enabled, true},
		{"serve-stale off", disabled, false},
		{"serve-stale yes", enabled, true},
		{"serve-stale reset", disabled, false},
		{"serve-stale enable", enabled, true},
	} {
		c.run(step.line)
		if got := c.run("serve-stale status"); got != step.status {
			t.Errorf("after %s: %q, want %q", step.line, got, step.status)
		}
		reply := c.ask(name, dns.TypeA)
		if got := reply.Rcode == dns.RcodeSuccess && reply.Answer[0].Header().Ttl == 7; got != step.stale {
			t.Errorf("after %s the answer is\n%v\nwant it stale: %v", step.line, reply, step.stale)
		}
	}
	if err := c.replace(); err != nil {
		t.Fatal(err)
	}
	if got := c.run("serve-stale status"); got != enabled {
		t.Errorf("after a reload: %q, want %q", got, enabled)
	}
}
