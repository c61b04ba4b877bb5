package main

import (
	"fmt"
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

// TestQueryLog sends BIND and the forwarder the same queries: their logs have the
// same lines.
func TestQueryLog(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	_, upstream := startResolver(t)
	conf := differentialText(upstream, "require-server-cookie yes;") + loggedConf
	named, ours := freeAddr(t), freeAddr(t)
	namedLog := startLogged(t, "named", program, conf, named)
	ourLog := startLogged(t, "the forwarder", lab.BuildForwarder(t), conf, ours)
	for i, p := range slices.Concat(mark("first"), loggedProbes(), mark("last")) {
		p.packet[0], p.packet[1] = byte(i>>8), byte(i)
		exchange(p.packet, named, p, usualWait)
		exchange(p.packet, ours, p, usualWait)
	}
	want, got := logged(t, namedLog), logged(t, ourLog)
	for i := range min(len(want), len(got)) {
		if got[i] != want[i] {
			t.Fatalf("line %d is\n%s\nwant BIND's\n%s\nbehind\n%s", i, got[i], want[i], strings.Join(want[max(0, i-3):i], "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
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
	p := lab.Start(t, name, exec.Command(program, "-f", "-c", path))
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

var clientPointer = regexp.MustCompile(`client @0x[0-9a-f]+ ([0-9.]+)#[0-9]+`)

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

// aboutQueries returns the lines that tell of a query or its denial.
func aboutQueries(text string) (list []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, ": query: ") || strings.Contains(line, " denied") {
			list = append(list, clientPointer.ReplaceAllString(strings.TrimSpace(line), "client $1"))
		}
	}
	return list
}
