package watch

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// line is a virtual line of time on which a table lives. Its script has a step a
// line:
//
//	t=3 upstream 10.0.0.2          the name itself is answered so ("none": denied, "failed")
//	t=3 upstream 10.0.0.2 10.0.0.3 ttl=60
//	t=3..30 upstream 10.0.0.2      once a second
//	t=3 pin 10.0.0.2               what clients are given ("none")
//	t=3 override 10.0.0.2 for=60s lease=x set=2 by=b
//	t=3 confirm x | withdraw x | delete | clear
//	t=3 verify 10.0.0.2 for=60s
//	t=3 refuses override 10.0.0.2 set=1     the step fails
//	t=3 guard on | guard off | varies | steady
//	t=3 asks | idle                upstream is asked once a second, or not
//	t=3 current 10.0.0.2           what upstream said and is believed
//	t=3 log words                  an event since the last such step has them
//	t=3 quiet words                none has
//	t=3 restart                    the state goes through AppendState and Load
//
// Time passes in seconds; each begins with Due. Answers of upstream have TTL 10.
type line struct {
	*testing.T
	*Table
	name  string
	epoch time.Duration // of the server's clock
	now   time.Duration
	ticks time.Duration // the next whole second
	asked []Question    // by the latest Due
	log   []string
	at    int // line of the script
}

var day = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func (l *line) moment() Moment { return Moment{l.epoch + l.now, day.Add(l.now)} }

func newLine(t *testing.T) *line {
	l := &line{T: t, Table: newTable(), name: "www.corp.example", epoch: 1000 * time.Second}
	if err := l.Watch(l.name, l.moment()); err != nil {
		t.Fatal(err)
	}
	return l
}

func newTable() *Table {
	return New(Options{MayOverride: func(name string) bool { return strings.HasSuffix(name, ".corp.example.") }})
}

// play plays a script.
func play(t *testing.T, script string) *line {
	t.Helper()
	l := newLine(t)
	l.play(script)
	return l
}

func (l *line) play(script string) {
	l.Helper()
	for i, step := range strings.Split(script, "\n") {
		l.at = i
		if step = strings.TrimSpace(step); step != "" {
			l.step(step)
		}
	}
}

func (l *line) step(step string) {
	l.Helper()
	when, what, _ := strings.Cut(strings.TrimPrefix(step, "t="), " ")
	from, to, many := strings.Cut(when, "..")
	first := seconds(from)
	last := first
	if many {
		last = seconds(to)
	}
	for at := first; at <= last; at += time.Second {
		l.pass(at)
		if err := l.do(strings.TrimSpace(what)); err != "" {
			l.Fatalf("line %d: t=%v %s: %s\nlog:\n%s", l.at+1, at.Seconds(), what, err, strings.Join(l.log, "\n"))
		}
	}
}

func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return time.Duration(f * float64(time.Second))
}

// pass lets time pass, with a Due on each second.
func (l *line) pass(to time.Duration) {
	for ; l.ticks <= to; l.ticks += time.Second {
		l.now = l.ticks
		l.asked = l.Due(l.moment())
		l.events()
	}
	l.now = max(l.now, to)
}

func (l *line) events() {
	for _, e := range l.Events() {
		l.log = append(l.log, fmt.Sprintf("t=%v %v %s", l.now.Seconds(), e.Level, e.Text))
	}
}

// words splits data from options "key=value".
func words(list []string) (data []string, opt map[string]string) {
	opt = make(map[string]string)
	for _, w := range list {
		if key, value, ok := strings.Cut(w, "="); ok {
			opt[key] = value
		} else {
			data = append(data, w)
		}
	}
	return data, opt
}

func (l *line) do(what string) (failure string) {
	verb, rest, _ := strings.Cut(what, " ")
	data, opt := words(strings.Fields(rest))
	defer l.events()
	switch verb {
	case "upstream":
		l.upstream(data, opt)
	case "pin":
		return l.want("pin", l.pinned(), data)
	case "current":
		return l.want("current", l.status().Upstream, data)
	case "log", "quiet":
		found := slices.ContainsFunc(l.log, func(s string) bool { return strings.Contains(s, rest) })
		if found != (verb == "log") {
			return fmt.Sprintf("logged: %v", found)
		}
		l.log = nil
	case "refuses":
		if err := l.command(strings.Fields(rest)); err == nil {
			return "accepted"
		}
	case "guard", "varies", "steady", "asks", "idle":
		return l.state(what)
	case "restart":
		l.restart()
	default:
		if err := l.command(strings.Fields(what)); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (l *line) want(what string, got, want []string) string {
	if slices.Equal(want, []string{"none"}) {
		want = nil
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Sprintf("%s = %v", what, got)
	}
	return ""
}

func (l *line) command(w []string) error {
	data, opt := words(w[1:])
	switch m := l.moment(); w[0] {
	case "override":
		o := Override{Name: l.name, Type: dns.TypeA, Data: data, By: opt["by"], Lease: opt["lease"], For: duration(opt["for"])}
		if opt["set"] != "" {
			o.Set = day.Add(seconds(opt["set"]))
		}
		return l.AddOverride(o, m)
	case "confirm":
		return l.ConfirmOverride(l.name, data[0], m)
	case "withdraw":
		return l.WithdrawOverride(l.name, data[0], m)
	case "delete":
		return l.DeleteOverride(l.name, 0, m)
	case "clear":
		return l.ClearGuard(l.name, m)
	case "verify":
		return l.Verify(l.name, dns.TypeA, data, duration(opt["for"]), m)
	}
	return fmt.Errorf("no such step")
}

func duration(s string) time.Duration {
	d, _ := time.ParseDuration(s)
	return d
}

func (l *line) state(what string) string {
	s := l.status()
	asks := slices.ContainsFunc(l.asked, func(q Question) bool { return !q.Probe })
	switch {
	case what == "guard on" && s.Guard == nil, what == "guard off" && s.Guard != nil,
		what == "varies" && !s.Varies, what == "steady" && s.Varies, what == "asks" && !asks, what == "idle" && asks:
		return fmt.Sprintf("guard %+v, varies %v, asks %v", s.Guard, s.Varies, asks)
	}
	return ""
}

func (l *line) status() SetStatus {
	s, err := l.Status(l.name, false, l.moment())
	if err != nil {
		return SetStatus{}
	}
	for _, set := range s.Sets {
		if set.Type == "A" {
			return set
		}
	}
	return SetStatus{}
}

func (l *line) pinned() []string {
	pin := l.Pins().Find([]byte(wire.PackName(l.name)), dns.TypeA, l.moment().Now)
	if pin == nil {
		return nil
	}
	return texts(pin.RRs)
}

func texts(rrs []RR) (list []string) {
	for _, rr := range rrs {
		list = append(list, rdataText(rr))
	}
	return list
}

func (l *line) upstream(data []string, opt map[string]string) {
	ttl := uint32(10)
	if opt["ttl"] != "" {
		ttl = uint32(seconds(opt["ttl"]) / time.Second)
	}
	asked := l.now
	if opt["asked"] != "" {
		asked = seconds(opt["asked"])
	}
	o := Observation{Name: wire.PackName(l.name), Type: dns.TypeA, TTL: ttl, Asked: l.epoch + asked}
	switch {
	case slices.Equal(data, []string{"failed"}):
		o.Failed = true
	case !slices.Equal(data, []string{"none"}):
		o.RRs = records(l.name, ttl, data...)
	}
	l.Observe(o, l.moment())
}

func records(name string, ttl uint32, data ...string) (list []RR) {
	for _, d := range data {
		rr, err := dns.NewRR(fmt.Sprintf("%s. %d IN A %s", name, ttl, d))
		if err != nil {
			panic(err)
		}
		list = append(list, rr)
	}
	return list
}

func (l *line) given(client string, ttl uint32) {
	l.Given([]byte(wire.PackName(l.name)), dns.TypeA, netip.MustParseAddr(client), ttl, l.moment().Now)
}

// restart is that of a process: another table, and a clock of its own.
func (l *line) restart() {
	l.Helper()
	state, err := l.AppendState(nil, l.moment())
	if err != nil {
		l.Fatal(err)
	}
	l.Table = newTable()
	l.epoch += 500 * time.Second
	if err := l.Load(state, l.moment()); err != nil {
		l.Fatalf("Load(%s) = %v", state, err)
	}
}
