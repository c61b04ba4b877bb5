package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/workbench"
)

// shadowed is a named with a query log, and the forwarder that its configuration
// makes: both ask the resolver.
type shadowed struct {
	vpc       *vpcresolver.Resolver
	addr      netip.AddrPort
	conf, log string
	program   string // the forwarder's
}

func newShadowed(t *testing.T) *shadowed {
	t.Helper()
	program := workbench.Need(t, "named")
	vpc, upstream := startResolver(t)
	s := &shadowed{vpc: vpc, addr: freeAddr(t), program: lab.BuildForwarder(t)}
	s.conf = writeConf(t, differentialText(upstream, "")+loggedConf, s.addr)
	s.log = filepath.Join(filepath.Dir(s.conf), "lines.log")
	lab.Start(t, "named", exec.Command(program, "-f", "-c", s.conf)).WaitFor(t, s.addr)
	return s
}

// ask asks named as a client does.
func (s *shadowed) ask(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
		if _, _, err := new(dns.Client).Exchange(m, s.addr.String()); err != nil {
			t.Fatal(err)
		}
	}
}

// liar runs a forwarder that has another address for a name.
func (s *shadowed) liar(t *testing.T, record string) netip.AddrPort {
	t.Helper()
	vpc, upstream := startResolver(t)
	if err := vpc.Set(record); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	startForwarder(t, s.program, differentialText(upstream, ""), addr)
	return addr
}

const changedName = "myservice.awslab.mycompany.corp"

// What clients ask named is asked of a forwarder too, and a name for which it has
// another address is found. The end is one line.
func TestShadow(t *testing.T) {
	t.Parallel()
	s := newShadowed(t)
	with := s.liar(t, changedName+". 10 IN A 10.79.252.99")
	cmd := exec.Command(s.program, "shadow", "-c", s.conf, "--named", inBindsWay(s.addr), "--with", inBindsWay(with), "--rate", "200")
	p := lab.Start(t, "forwarder shadow", cmd)
	p.WaitToSay(t, "asking named at ")
	const same = "stable.awslab.mycompany.corp"
	for i := 0; !strings.Contains(p.Tail(), changedName+". A: records: named"); i++ {
		if i == 60 {
			t.Fatalf("no difference is found:\n%s", p.Tail())
		}
		s.ask(t, same, changedName, fmt.Sprintf("new%d.wild.awslab.mycompany.corp", i))
		time.Sleep(time.Second)
	}
	p.Signal(t, syscall.SIGINT)
	<-p.Exited
	if code := p.Cmd.ProcessState.ExitCode(); code != differs {
		t.Errorf("exit status %d, want %d:\n%s", code, differs, p.Tail())
	}
	lines := strings.Split(strings.TrimSpace(p.Tail()), "\n")
	last := regexp.MustCompile(`^\d+ answers compared, 1 differ: 1 records; median, p99, worst: named .* ms; forwarder .* ms$`)
	if end := lines[len(lines)-1]; !last.MatchString(end) {
		t.Errorf("the last line is %q, want %v", end, last)
	}
	if strings.Contains(p.Tail(), same) {
		t.Errorf("a name is said to differ that does not:\n%s", p.Tail())
	}
}

func inBindsWay(a netip.AddrPort) string { return host.Address(a) }

// compareWith compares as migrate-check --compare does.
func (s *shadowed) compareWith(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(append([]string{"migrate-check", "--rate", "200", s.conf}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

// The forwarder that the configuration makes differs from named in nothing: not for
// what clients have asked, and not for what is in named's cache.
func TestCompareWithNamed(t *testing.T) {
	t.Parallel()
	s := newShadowed(t)
	s.ask(t, "stable.awslab.mycompany.corp", changedName, "nothing.awslab.mycompany.corp", "www.awslab.mycompany.corp", "host.test", "stable.awslab.mycompany.corp")
	with := s.liar(t, changedName+". 10 IN A 10.79.252.99")
	list := filepath.Join(t.TempDir(), "names")
	write(t, list, "queue.awslab.mycompany.corp\nbigtext.awslab.mycompany.corp TXT\na100.awslab.mycompany.corp A\n"+changedName+"\n")
	tests := []struct {
		name   string
		args   []string
		status int
		says   string // in either output, as a pattern
	}{
		{"what the configuration knows", []string{"--compare", inBindsWay(s.addr)}, alike, `the configuration's zones and \S*lines.log, 200 a second\n(.*known.*\n)*\d\d answers compared, none differs.*named .* ms; forwarder .* ms\n$`},
		{"a list", []string{"--compare", inBindsWay(s.addr), "--questions", list}, alike, `6 answers compared, none differs`},
		{"a liar", []string{"--compare", inBindsWay(s.addr), "--questions", list, "--with", inBindsWay(with)}, differs,
			changedName + `. A: records: named ` + changedName + `. in a 10.79.252.13; forwarder ` + changedName + `. in a 10.79.252.99\n(?s).*6 answers compared, 1 differ: 1 records;`},
		{"nobody there", []string{"--compare", inBindsWay(freeAddr(t))}, incomparable, `no named answers at 127.0.0.1#\d+: connection refused`},
		{"no forwarder there", []string{"--compare", inBindsWay(s.addr), "--with", inBindsWay(freeAddr(t))}, incomparable, `no forwarder answers at 127.0.0.1#\d+: connection refused`},
		{"no file", []string{"--compare", inBindsWay(s.addr), "--questions", list + "x"}, incomparable, `names?x: no such file`},
		{"no questions", []string{"--compare", inBindsWay(s.addr), "--questions", s.conf}, incomparable, `no query log`},
		{"no rate", []string{"--compare", inBindsWay(s.addr), "--rate", "0"}, incomparable, `rate of 0`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := s.compareWith(t, test.args...)
			if status != test.status || !regexp.MustCompile(test.says).MatchString(stdout+stderr) {
				t.Errorf("exit status %d, want %d, and %q in\n%s%s", status, test.status, test.says, stdout, stderr)
			}
		})
	}
}
