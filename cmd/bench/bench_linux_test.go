package main

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/workbench"
)

func TestAppendAnswer(t *testing.T) {
	a := appendQuery(nil, 0x1234, "host", 42)
	withOPT := append(append([]byte{}, a...), 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0)
	withOPT[11] = 1
	mx := append([]byte{}, a...)
	mx[len(mx)-3] = byte(dns.TypeMX)
	for _, test := range []struct {
		name         string
		query        []byte
		answers, opt int
	}{
		{name: "A", query: a, answers: 1},
		{name: "A with EDNS", query: withOPT, answers: 1, opt: 1},
		{name: "MX", query: mx},
	} {
		var m dns.Msg
		if err := m.Unpack(appendAnswer(nil, test.query)); err != nil {
			t.Errorf("%s: appendAnswer(): %v", test.name, err)
			continue
		}
		if !m.Response || m.Id != 0x1234 || m.Question[0].Name != "host42.awslab.mycompany.corp." || len(m.Answer) != test.answers || len(m.Extra) != test.opt {
			t.Errorf("%s: appendAnswer() = %v, want %d answers and %d in the additional section", test.name, &m, test.answers, test.opt)
		}
	}
	if got := appendAnswer(nil, appendAnswer(nil, a)); got != nil {
		t.Errorf("appendAnswer(an answer) = %x, want nil", got)
	}
}

// An answer has the question that was asked, whole.
func FuzzAppendAnswer(f *testing.F) {
	f.Add(appendQuery(nil, 1, "host", 1))
	f.Fuzz(func(t *testing.T, query []byte) {
		answer := appendAnswer([]byte("before"), query)
		if answer == nil {
			return
		}
		end := questionEnd(query)
		if string(answer[:6]) != "before" || string(answer[6+headerLen:6+end]) != string(query[headerLen:end]) {
			t.Errorf("appendAnswer(%x) = %x, want its question after what was there before", query, answer)
		}
	})
}

func TestDue(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		name         string
		traffic      traffic
		seq, waiting int
		now          time.Duration
		due          int
		last         bool
	}{
		{name: "window empty", traffic: traffic{window: 8, length: second}, due: 8},
		{name: "window full", traffic: traffic{window: 8, length: second}, seq: 20, waiting: 8, due: 20},
		{name: "window, two came", traffic: traffic{window: 8, length: second}, seq: 20, waiting: 6, due: 22},
		{name: "window, few left", traffic: traffic{window: 8, length: second, count: 21}, seq: 20, waiting: 6, due: 21},
		{name: "count reached", traffic: traffic{window: 8, length: second, count: 20}, seq: 20, waiting: 6, due: 20, last: true},
		{name: "time over", traffic: traffic{window: 8, length: second}, seq: 20, now: second, due: 20, last: true},
		{name: "rate", traffic: traffic{rate: 1000, length: second}, seq: 20, waiting: 20, now: 30 * time.Millisecond, due: 30},
	} {
		due, next := test.traffic.due(test.seq, test.waiting, test.now)
		if due != test.due || (next == 0) != test.last {
			t.Errorf("%s: due() = %d, %v, want %d, and the end: %v", test.name, due, next, test.due, test.last)
		}
	}
}

func TestChildTime(t *testing.T) {
	for _, test := range []struct {
		name, stat string
		want       time.Duration
	}{
		{"blanks in the name", "7 (a) b c) S 1 7 7 0 -1 4194304 0 0 0 0 11 12 3 4 20 0 1 0 0 0 0", 70 * time.Millisecond},
		{"cut off", "7 (a) S 1", 0},
		{"empty", "", 0},
	} {
		if got := childTime([]byte(test.stat)); got != test.want {
			t.Errorf("%s: childTime(%q) = %v, want %v", test.name, test.stat, got, test.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	o := outcome{}
	if got := o.percentile(0.99); got != 0 {
		t.Errorf("percentile(0.99) of nothing = %v, want 0", got)
	}
	for i := 1000; i >= 0; i-- {
		o.rtt = append(o.rtt, time.Duration(i))
	}
	if got := o.percentile(0.99); got != 990 {
		t.Errorf("percentile(0.99) = %v, want 990ns", got)
	}
}

// Clients hear every answer of an upstream that loses none, or count it as lost.
func TestClients(t *testing.T) {
	addr, stop, err := startUpstream()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c, err := newClients(addr, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, load := range []traffic{
		{window: 1, count: 100, length: time.Minute},
		{window: 64, count: 2000, length: time.Minute},
		{rate: 10_000, count: 500, length: time.Minute},
	} {
		load.query = pick(10)
		o := c.run(load)
		if o.answered == 0 || o.answered+o.lost < load.count || len(o.rtt) != o.answered {
			t.Errorf("run(%+v) = %d answered, %d lost, %d round trips, want %d in all", load, o.answered, o.lost, len(o.rtt), load.count)
		}
	}
}

// A server that never answers is given up, and each try's losses count.
func TestSilentServer(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := newClients(silent.LocalAddr().(*net.UDPAddr).AddrPort(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, test := range []struct {
		name string
		load traffic
		lost int
	}{
		{"no time", traffic{window: 8}, 0},
		{"two tries", traffic{window: 8, count: 8, length: longest / 2}, 16},
	} {
		test.load.query = pick(10)
		if o := c.run(test.load); o.answered != 0 || o.lost != test.lost {
			t.Errorf("%s: run() = %d answered, %d lost, want 0, %d", test.name, o.answered, o.lost, test.lost)
		}
	}
}

// The whole run in small. The numbers mean nothing.
func TestMeasure(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	o := options{rounds: 1, time: 20 * time.Millisecond, names: 2000}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where workbench looks too
	for _, program := range []string{"cc", "dnsperf", "taskset", "unbound"} {
		workbench.Need(t, program)
	}
	o.peers = []string{"unbound"}
	results, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []string{hitTest, "miss", "TCP hit, pipelined", "round trip of a lone client, p99", "start to first answer"} {
		for _, server := range []string{ours, "unbound"} {
			if s := results.find(test, 0, server); s == nil || len(s.Values) != 1 || s.Values[0] <= 0 {
				t.Errorf("measure() found %+v for %q of %s, want one number", s, test, server)
			}
		}
	}
	if s := results.find(socketsTest, 10_000, ours); s == nil {
		t.Errorf("measure() tried no 10,000 sockets")
	}
}

// Each way of being seen runs, and the table has a row of figures for it.
func TestObserved(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	for _, program := range []string{"dnsperf", "taskset", "fstrm_capture"} {
		workbench.Need(t, program)
	}
	results, err := measureObserved(t.Context(), options{rounds: 1, time: 20 * time.Millisecond}, ways)
	if err != nil {
		t.Fatal(err)
	}
	table := strings.Split(strings.TrimSpace(results.Observed()), "\n")
	rows := table[len(table)-len(ways):]
	for i, w := range ways {
		cells := strings.Split(rows[i], "|")
		if len(cells) != 9 || strings.TrimSpace(cells[1]) != w.name || slices.ContainsFunc(cells[2:8], func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("row %d is %q, want %s with six figures", i, rows[i], w.name)
		}
	}
	gone := way{name: "gone", options: "no-such-option; };"}
	if _, err := measureObserved(t.Context(), options{rounds: 1, time: time.Millisecond}, []way{gone}); err == nil {
		t.Error("measureObserved() of a configuration that is wrong = nil, want an error")
	}
}

// The arguments are those of the verb, and an unknown word among them is refused at once.
func TestCompareFlags(t *testing.T) {
	o, err := compareFlags([]string{"-rounds", "2", "unbound", "named"})
	if err != nil || o.rounds != 2 || !slices.Equal(o.peers, []string{"unbound", "named"}) {
		t.Errorf("compareFlags(-rounds 2 unbound named) = %+v, %v, want these", o, err)
	}
	for _, args := range []string{"observd", "-rounds 2 nobody", "unbound -rounds 2", "-test.v", "-rounds x"} {
		if o, err := compareFlags(strings.Fields(args)); err == nil {
			t.Errorf("compareFlags(%s) = %+v, want an error", args, o)
		}
	}
}

// An error is said once, and the status tells a command line that is wrong from work
// that failed.
func TestExecuteFails(t *testing.T) {
	for _, tc := range []struct {
		args, want string
		status     int
	}{
		{"-rounds 2 observed", "observed has to come before all flags and peers: bench observed [flags]", 2},
		{"unbound sizing", "sizing has to come before all flags and peers: bench sizing [flags]", 2},
		{"observd", `"observd" is neither observed nor sizing, nor a peer: `, 2},
		{"-gone", "flag provided but not defined: -gone", 2},
		{"observed -gone", "flag provided but not defined: -gone", 2},
		{"sizing -gone", "flag provided but not defined: -gone", 2},
		{"observed unbound", "bench observed takes flags only", 2},
		{"sizing more", `"more" is not expected`, 2},
		{"-from /nonexistent", "open /nonexistent: ", 1},
		{"sizing -qps 0", "0 queries a second", 1},
	} {
		var out strings.Builder
		status := execute(strings.Fields(tc.args), &out)
		if said := out.String(); status != tc.status || !strings.HasPrefix(said, "bench: ") || strings.Count(said, tc.want) != 1 {
			t.Errorf("bench %s says %q with status %d, want %q once, with %d", tc.args, said, status, tc.want, tc.status)
		}
	}
}

func TestStartServerFails(t *testing.T) {
	if _, err := startServer(peer{name: "gone", program: "/nonexistent"}, t.TempDir(), serverCore, netip.AddrPort{}); err == nil {
		t.Error("startServer(a program that is missing) = nil, want an error")
	}
}
