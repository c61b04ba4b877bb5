package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// bothLogsConf logs queries and responses into a file.
const bothLogsConf = `
logging {
    channel lines { file "{dir}/lines.log"; severity info; print-category yes; };
    category queries { lines; };
    category responses { lines; };
};
`

// respondedProbes are queries that have a line each in both logs, with results that are
// the same with BIND.
func respondedProbes() (list []probe) {
	ask := func(name string, qtype uint16, change func(*query)) {
		q := usual(name, qtype)
		if change != nil {
			change(&q)
		}
		for range 2 { // a miss and a hit
			list = append(list, overBoth(fmt.Sprint(name, qtype), q.pack())...)
		}
	}
	for _, name := range []string{fewNames[0], strings.ToUpper(fewNames[0]), "nothing.awslab.mycompany.corp.", `odd\ \.name.host.test.`, "host.test.", "."} {
		ask(name, dns.TypeA, nil)
		ask(name, dns.TypeA, func(q *query) { q.edns = false })
		ask(name, dns.TypeMX, func(q *query) { q.flags |= flagCD })
	}
	ask(fewNames[0], 65280, nil)
	ask(fewNames[0], 200, nil)
	ask("version.bind.", dns.TypeTXT, func(q *query) { q.class = dns.ClassCHAOS })
	return append(list, from(refused, every(3, slices.Clone(list)))...)
}

// TestResponseLog holds that each query has a line in each log, alike but for what came
// of it, which is what the client got.
func TestResponseLog(t *testing.T) {
	t.Parallel()
	_, upstream := startResolver(t)
	ours := freeAddr(t)
	path := startLogged(t, "the forwarder", lab.BuildForwarder(t), differentialText(upstream, "responselog yes;")+bothLogsConf, ours)
	var want []string
	probes := respondedProbes()
	for i, p := range betweenMarks(probes) {
		p.packet[0], p.packet[1] = byte(i>>8), byte(i)
		m := new(dns.Msg)
		if err := m.Unpack(exchange(p.packet, ours, p, faultWait).packet); err != nil {
			t.Fatalf("%s: %v", p.title, err)
		}
		want = append(want, fmt.Sprintf("%s %d %d %d", dns.RcodeToString[m.Rcode], len(m.Answer), len(m.Ns), len(m.Extra)))
	}
	queries, responses := bothLogs(t, path)
	if len(queries) != len(probes) || len(responses) != len(probes) {
		t.Fatalf("%d queries and %d responses are logged, want %d", len(queries), len(responses), len(probes))
	}
	for i, w := range want[1 : len(want)-1] {
		head, flags, _ := cutLast(queries[i])
		if expected := strings.Replace(head, ": query: ", ": response: ", 1) + " " + w + " " + flags; strings.Replace(responses[i], "responses: ", "queries: ", 1) != expected {
			t.Errorf("%s: response is\n%s\nwant\n%s", probes[i].title, responses[i], expected)
		}
	}
}

// cutLast cuts a query's line behind its type.
func cutLast(line string) (head, flags string, ok bool) {
	words := strings.Split(line, " ")
	i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "+") || strings.HasPrefix(w, "-") })
	if i < 0 {
		return line, "", false
	}
	return strings.Join(words[:i], " "), strings.Join(words[i:], " "), true
}

// bothLogs returns the lines between the marks in each log, once those of the last one
// are there.
func bothLogs(t *testing.T, path string) (queries, responses []string) {
	t.Helper()
	return linesBetweenMarks(t, path, ": query: "), linesBetweenMarks(t, path, ": response: ")
}

// linesBetweenMarks returns the lines with word between the marks.
func linesBetweenMarks(t *testing.T, path, word string) (list []string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		begun, ended := false, false
		list = nil
		for line := range strings.Lines(string(text)) {
			switch {
			case !strings.HasSuffix(line, "\n") || !strings.Contains(line, word):
			case strings.Contains(line, "(first.mark)"):
				begun = true
			case strings.Contains(line, "(last.mark)"):
				ended = true
			case begun:
				list = append(list, strings.TrimSpace(line))
			}
		}
		if ended {
			return list
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has no line%s for the last query", path, word)
		}
	}
}

// betweenMarks are probes between the marks.
func betweenMarks(probes []probe) []probe { return slices.Concat(mark("first"), probes, mark("last")) }

// TestResponseLogOfBIND sends BIND 9.20, which has the log, and the forwarder the same
// queries: their logs have the same lines.
func TestResponseLogOfBIND(t *testing.T) {
	t.Parallel()
	program := namedOf920(t)
	_, upstream := startResolver(t)
	for _, way := range loggedWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			needAddr(t, way.addr)
			conf := way.conf(upstream, "querylog yes; responselog yes;") + bothLogsConf
			named, ours := freeAddrAt(t, way.addr), freeAddrAt(t, way.addr)
			namedLog := startLogged(t, "named", program, conf, named)
			ourLog := startLogged(t, "the forwarder", lab.BuildForwarder(t), conf, ours)
			probes := respondedProbes()
			switch way.name {
			case "IPv4":
				waitZone(t, named)
			case "IPv6":
				waitZone(t, named)
				probes = sourceless(probes)
			case "view":
				probes = append(withoutZone(probes), from(unmatched, every(5, probes))...)
			}
			for i, p := range betweenMarks(probes) {
				p.packet[0], p.packet[1] = byte(i>>8), byte(i)
				exchange(p.packet, named, p, faultWait)
				exchange(p.packet, ours, p, faultWait)
			}
			_, want := bothLogs(t, namedLog)
			_, got := bothLogs(t, ourLog)
			compareUnordered(t, unordered(want), unordered(got))
			if len(got) < len(probes)/2 {
				t.Errorf("%d lines for %d queries", len(got), len(probes))
			}
		})
	}
}

// withoutZone leaves out the names of host.test, a zone that the view does not have.
func withoutZone(probes []probe) []probe {
	return slices.DeleteFunc(slices.Clone(probes), func(p probe) bool { return strings.Contains(p.title, "host.test.") })
}

func compareUnordered(t *testing.T, want, got []string) {
	t.Helper()
	for len(want) > 0 && len(got) > 0 {
		switch w, g := want[0], got[0]; {
		case w == g:
			want, got = want[1:], got[1:]
		case w < g:
			t.Errorf("BIND alone has\n%s", w)
			want = want[1:]
		default:
			t.Errorf("we alone have\n%s", g)
			got = got[1:]
		}
	}
	if len(want)+len(got) > 0 {
		t.Errorf("BIND alone has %q, we alone have %q", want, got)
	}
}

// A sample is one of both logs alike, and its first line says so.
func TestQueryLogSample(t *testing.T) {
	t.Parallel()
	_, upstream := startResolver(t)
	addr := freeAddr(t)
	conf := writeConf(t, differentialText(upstream, "responselog yes;")+bothLogsConf, addr)
	lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-f", "--query-log-sample", "4", "--metrics-address=", "-c", conf)).WaitFor(t, addr)
	q := usual("host.test.", dns.TypeA)
	p := probe{packet: q.pack()}
	const sent = 2000
	for range sent {
		if exchange(p.packet, addr, p, faultWait).packet == nil {
			t.Fatal("no reply")
		}
	}
	path := filepath.Join(filepath.Dir(conf), "lines.log")
	text := waitSampled(t, path, sent/8)
	for what, log := range map[string]string{"queries": "queries: ", "responses": "responses: "} {
		line, _, _ := strings.Cut(text[strings.Index(text, log):], "\n")
		if want := fmt.Sprintf("%s1 of 4 %s is logged, chosen at random (--query-log-sample)", log, what); line != want {
			t.Errorf("the first line of %s is %q, want %q", what, line, want)
		}
	}
	if all := strings.Count(text, ": query: "); all > sent/2 {
		t.Errorf("%d of %d queries logged, want about a fourth", all, sent)
	}
}

// waitSampled waits until n responses are logged, and returns the log.
func waitSampled(t *testing.T, path string, n int) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), ": response: ") >= n {
			return string(text)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has fewer than %d responses", path, n)
		}
	}
}

// waitZone waits until a server has host.test: BIND answers before.
func waitZone(t *testing.T, server netip.AddrPort) {
	t.Helper()
	q := usual("host.test.", dns.TypeSOA)
	for range 500 {
		if r := exchange(q.pack(), server, probe{}, faultWait); r.msg != nil && r.msg.Rcode == dns.RcodeSuccess {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%v does not have host.test", server)
}

// namedOf920 skips the test where another named is installed: 9.18 has no log of
// responses, and 9.21 another form of it.
func namedOf920(t *testing.T) string {
	t.Helper()
	program := workbench.Need(t, "named")
	said, err := exec.Command(program, "-v").Output()
	if err != nil {
		t.Fatalf("asking named for its version: %v", err)
	}
	if !strings.HasPrefix(string(said), "BIND 9.20.") {
		t.Skipf("the log is that of BIND 9.20, and %s is %s", program, said)
	}
	return program
}

// unordered are lines without what differs from process to process: BIND's threads do
// not log in the order of the queries.
func unordered(lines []string) (list []string) {
	for _, line := range lines {
		list = append(list, clientPointer.ReplaceAllString(line, "client $1"))
	}
	slices.Sort(list)
	return list
}
