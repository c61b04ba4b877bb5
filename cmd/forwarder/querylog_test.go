package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// loggedConf logs queries, and those that are denied, into a file.
const loggedConf = `
logging {
    channel lines { file "{dir}/lines.log"; severity info; print-category yes; };
    category queries { lines; };
    category security { lines; };
};
`

// logged6Conf is a configuration that serves IPv6 in place of IPv4.
func logged6Conf(upstream netip.AddrPort, more string) string {
	const four, six = "listen-on port {port} { {address}; };\n    listen-on-v6 { none; };", "listen-on { none; };\n    listen-on-v6 port {port} { {address}; };"
	return strings.Replace(differentialText(upstream, more), four, six, 1)
}

func loggedViewConf(upstream netip.AddrPort, more string) string {
	forwarder := fmt.Sprintf("%s port %d", upstream.Addr(), upstream.Port())
	return strings.ReplaceAll(strings.Replace(viewConf, "options {", "options {\n    "+more, 1), "{upstream}", forwarder)
}

// loggedWays are ways to serve whose lines differ.
var loggedWays = []struct {
	name   string
	conf   func(upstream netip.AddrPort, more string) string
	addr   netip.Addr
	probes func() []probe
}{
	{"IPv4", differentialText, loopback, loggedProbes},
	{"IPv6", logged6Conf, netip.IPv6Loopback(), func() []probe { return sourceless(every(4, loggedProbes())) }},
	{"view", loggedViewConf, loopback, func() []probe {
		some := every(4, loggedProbes())
		return append(some, from(unmatched, every(5, some))...)
	}},
}

func sourceless(probes []probe) []probe {
	return slices.DeleteFunc(probes, func(p probe) bool { return p.source.IsValid() })
}

// TestQueryLog sends BIND and the forwarder the same queries: their logs have the
// same lines.
func TestQueryLog(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	_, upstream := startResolver(t)
	for _, way := range loggedWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			needAddr(t, way.addr)
			conf := way.conf(upstream, "querylog yes; require-server-cookie yes;") + loggedConf
			named, ours := freeAddrAt(t, way.addr), freeAddrAt(t, way.addr)
			namedLog := startLogged(t, "named", program, conf, named)
			ourLog := startLogged(t, "the forwarder", lab.BuildForwarder(t), conf, ours)
			probes := append(way.probes(), withCookie(t, named)...)
			for i, p := range betweenMarks(probes) {
				p.packet[0], p.packet[1] = byte(i>>8), byte(i)
				exchange(p.packet, named, p, faultWait)
				exchange(p.packet, ours, p, faultWait)
			}
			compareLogs(t, logged(t, namedLog), logged(t, ourLog))
			if denied := strings.Contains(readIfAny(ourLog), noView); denied != (way.name == "view") {
				t.Errorf("it is said that a client was in no view: %v", denied)
			}
		})
	}
}

func compareLogs(t *testing.T, want, got []string) {
	t.Helper()
	for i := range min(len(want), len(got)) {
		if got[i] != want[i] {
			t.Fatalf("line %d is\n%s\nwant BIND's\n%s\nbehind\n%s", i, got[i], want[i], strings.Join(want[max(0, i-3):i], "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
	if text := strings.Join(got, "\n"); !strings.Contains(text, "E(0)V") || !strings.Contains(text, "E(0)TV") {
		t.Error("no line tells of a cookie that is valid")
	}
}

// freeAddrAt is freeAddr at another address of the machine.
func freeAddrAt(t *testing.T, addr netip.Addr) netip.AddrPort {
	t.Helper()
	return netip.AddrPortFrom(addr, freeAddr(t).Port())
}

// needAddr skips the test where the machine has no such address.
func needAddr(t *testing.T, addr netip.Addr) {
	t.Helper()
	l, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		t.Skipf("this machine has no %v: %v", addr, err)
	}
	l.Close()
}

// withCookie are queries with a cookie of a server, whose secret the other has too.
func withCookie(t *testing.T, server netip.AddrPort) []probe {
	t.Helper()
	_, text := askWithCookie(t, server, "0102030405060708")
	cookie, err := hex.DecodeString(text)
	if err != nil || len(cookie) != 24 {
		t.Fatalf("cookie %q of the server is none of 24 octets", text)
	}
	q := usual(fewNames[0], dns.TypeA)
	q.flags, q.options = 0, []option{{10, cookie}}
	return overBoth("valid cookie", q.pack())
}

// mark is a query that is found in the log.
func mark(label string) []probe {
	q := usual(label+".mark.", dns.TypeA)
	q.flags = 0
	return []probe{{title: label, packet: q.pack()}}
}

// startLogged starts a server and returns the path of the log that its
// configuration names.
func startLogged(t *testing.T, name, program, conf string, addr netip.AddrPort) string {
	t.Helper()
	path := writeConf(t, conf, addr)
	p := lab.Start(t, name, exec.Command(program, "-f", "-n", "1", "-c", path)) // with one thread lines are in the order of queries
	p.WaitFor(t, addr)
	return filepath.Join(filepath.Dir(path), "lines.log")
}

// loggedProbes are queries of all kinds, those of them too that get no line.
func loggedProbes() []probe {
	var probes []probe
	for _, p := range []([]probe){every(3, classProbes()), every(2, signedProbes()), every(20, flagProbes())} {
		probes = append(probes, p...)
	}
	ask := func(title string, change func(*query)) {
		q := usual(fewNames[0], dns.TypeA)
		q.flags = 0
		change(&q)
		probes = append(probes, overBoth(title, q.pack())...)
	}
	for rtype := range uint16(270) {
		ask(fmt.Sprint("type ", rtype), func(q *query) { q.qtype = rtype })
	}
	for title, change := range ednsVariants() {
		ask(title, change)
	}
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	octets := wireName(string(all[:63]), string(all[63:126]))
	probes = append(probes,
		probe{title: "odd octets", packet: message(0, [4]uint16{1}, record(octets, dns.TypeA, dns.ClassINET, nil))},
		probe{title: "more odd octets", packet: message(0, [4]uint16{1}, record(wireName(string(all[126:189]), string(all[189:252]), string(all[252:])), dns.TypeA, dns.ClassINET, nil))},
		probe{title: "root", packet: message(0, [4]uint16{1}, record([]byte{0}, dns.TypeA, dns.ClassINET, nil))})
	return append(probes, from(refused, every(9, probes))...)
}

var clientPointer = regexp.MustCompile(`client @0x[0-9a-f]+ ([0-9a-f.:]+)#[0-9]+`)

// logged returns the lines about queries between the marks in a log, once the
// last one is there.
func logged(t *testing.T, path string) (list []string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "(first.mark)")
		if lines, _, ok := strings.Cut(rest, "(last.mark)"); ok {
			return aboutQueries(lines)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has no line for the last query", path)
		}
	}
}

// noView ends the line about a query that no view matches: of that BIND says nothing.
const noView = " denied (match-clients of the view did not match)"

// aboutQueries returns the lines that tell of a query or its denial.
func aboutQueries(text string) (list []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, ": query: ") || strings.Contains(line, " denied") && !strings.Contains(line, noView) {
			list = append(list, clientPointer.ReplaceAllString(strings.TrimSpace(line), "client $1"))
		}
	}
	return list
}
