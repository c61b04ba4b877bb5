package watch

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// zone is what stands behind upstream: authoritative servers that change one by
// one, and a cache between them and the forwarder.
type zone struct {
	*line
	rng     *rand.Rand
	changes []zoneChange
	wild    func(at time.Duration, server int) string // what the wildcard has; nil: what the name has
	cached  string
	until   time.Duration
	down    bool

	own     string // the forwarder's cache
	ownEnds time.Duration
	given   []string // to a client that asks four times a second
	packets int      // in the latest second
	most    int
}

// zoneChange is what one server has from a time on.
type zoneChange struct {
	at     time.Duration
	server int
	data   string
}

const (
	servers = 4
	zoneTTL = 10
)

func newZone(t *testing.T, seed uint64, changes ...zoneChange) *zone {
	return &zone{line: newLine(t), rng: rand.New(rand.NewPCG(seed, 1)), changes: changes}
}

// spread is a change that reaches the servers after so many seconds each.
func spread(data string, after ...int) (list []zoneChange) {
	for server, at := range after {
		list = append(list, zoneChange{time.Duration(at) * time.Second, server, data})
	}
	return list
}

func (z *zone) has(server int) string {
	data := "10.0.0.1"
	for _, c := range z.changes {
		if c.server == server && c.at <= z.now {
			data = c.data
		}
	}
	return data
}

// run lets a second pass at a time, and a client ask four times in each.
func (z *zone) run(to time.Duration) {
	for ; z.ticks <= to; z.ticks += time.Second {
		z.now, z.packets = z.ticks, 0
		z.answer(z.Due(z.moment()))
		for range 4 {
			z.now += 249 * time.Millisecond
			z.ask()
		}
		z.most = max(z.most, z.packets)
		z.events()
	}
}

func (z *zone) answer(questions []Question) {
	for i := range questions {
		z.now += 2 * time.Millisecond
		z.observe(&questions[i])
		z.answer(z.Again())
	}
}

func (z *zone) observe(q *Question) (data string) {
	z.packets++
	o := Observation{Name: q.Name, Type: q.Type, Asked: z.moment().Now, Question: q}
	switch server := z.rng.IntN(servers); {
	case z.down:
		o.Failed = true
	case q.Probe && z.wild != nil:
		data, o.TTL = z.wild(z.now, server), zoneTTL
	case q.Probe:
		data, o.TTL = z.has(server), zoneTTL
	default:
		if z.now >= z.until {
			z.cached, z.until = z.has(server), z.now+zoneTTL*time.Second
		}
		data, o.TTL = z.cached, uint32((z.until-z.now)/time.Second)
	}
	if data != "" {
		o.RRs = records(strings.TrimSuffix(wire.NameText([]byte(q.Name)), "."), o.TTL, data)
	}
	z.Observe(o, z.moment())
	return data
}

// ask is a client's question: pinned, cached, or asked.
func (z *zone) ask() {
	if p := z.pinned(); p != nil {
		z.own = ""
		z.given = append(z.given, p[0])
		return
	}
	if z.own == "" || z.now >= z.ownEnds {
		z.own = z.observe(&Question{Name: wire.PackName(z.name), Type: dns.TypeA})
		z.ownEnds = z.until
		z.answer(z.Again())
		if p := z.pinned(); p != nil {
			z.own = p[0]
		}
	}
	z.given = append(z.given, z.own)
}

// after counts what clients were given before the first of data, and what else
// after it.
func (z *zone) after(data string) (before, others int) {
	found := false
	for _, got := range z.given {
		switch {
		case got == data:
			found = true
		case !found:
			before++
		default:
			others++
		}
	}
	return before, others
}

// The zone's servers change one after the other: no old answer after the first new
// one, and that soon after two of them have it.
func TestProbeSpread(t *testing.T) {
	for seed := range uint64(20) {
		z := newZone(t, seed, spread("10.0.0.2", 20, 30, 40, 50)...)
		z.run(200 * time.Second)
		before, old := z.after("10.0.0.2")
		if old > 0 || before > 4*51 {
			t.Errorf("seed %d: %d seconds until the first new answer, then %d old ones\n%s", seed, before/4, old, strings.Join(z.log, "\n"))
		}
		if z.most > 3 {
			t.Errorf("seed %d: %d packets in a second", seed, z.most)
		}
		if got := z.status(); got.Guard != nil || got.Upstream[0] != "10.0.0.2" {
			t.Errorf("seed %d: in the end %+v", seed, got)
		}
	}
}

// A restart while the change spreads and the guard runs changes nothing.
func TestProbeSpreadRestart(t *testing.T) {
	for seed := range uint64(20) {
		z := newZone(t, seed, spread("10.0.0.2", 20, 30, 40, 50)...)
		for _, at := range []time.Duration{19, 24, 33, 42, 51, 60} {
			z.run(at * time.Second)
			z.restart()
		}
		z.run(200 * time.Second)
		if _, old := z.after("10.0.0.2"); old > 0 {
			t.Errorf("seed %d: %d old answers after the first new one\n%s", seed, old, strings.Join(z.log, "\n"))
		}
	}
}

// All servers at once: the next whole second has it.
func TestProbeQuick(t *testing.T) {
	z := newZone(t, 1, spread("10.0.0.2", 20, 20, 20, 20)...)
	z.run(100 * time.Second)
	if before, old := z.after("10.0.0.2"); before > 4*20 || old > 0 {
		t.Errorf("%d quarter seconds until the first new answer, then %d old ones", before, old)
	}
	s, _ := z.Status(z.name, false, z.moment())
	if s.Probe.State != "on" || len(s.History) != 1 || s.History[0].Source != Probe || s.Sets[0].Verify == nil || !s.Sets[0].Verify.Done {
		t.Errorf("status %+v", s)
	}
}

// One probe says nothing, not even twice if another came between.
func TestProbeOnce(t *testing.T) {
	z := newZone(t, 1)
	n := 0
	z.wild = func(at time.Duration, _ int) string {
		if n++; at >= 20*time.Second && n%2 == 0 {
			return "10.0.0.2"
		}
		return "10.0.0.1"
	}
	z.run(100 * time.Second)
	if before, _ := z.after("10.0.0.2"); before != len(z.given) {
		t.Errorf("given after %d quarters of a second", before)
	}
}

// A name that nobody asked for lately is asked for before its trial.
func TestProbeTrialOfOldData(t *testing.T) {
	z := newZone(t, 1, spread("10.0.0.2", 25, 25, 25, 25)...)
	z.wild = func(at time.Duration, server int) string {
		if at < 30*time.Second {
			return ""
		}
		return z.has(server)
	}
	z.run(20 * time.Second)
	for ; z.ticks < 130*time.Second; z.ticks += time.Second { // without a client
		z.now = z.ticks
		z.answer(z.Due(z.moment()))
		z.events()
	}
	z.play("t=130 quiet left aside")
	if s, _ := z.Status(z.name, false, z.moment()); s.Probe.State != "on" {
		t.Errorf("probe %+v", s.Probe)
	}
}

// A way back is believed after ten seconds of probes that agree.
func TestProbeBack(t *testing.T) {
	changes := append(spread("10.0.0.2", 20, 20, 20, 20), spread("10.0.0.1", 30, 30, 30, 30)...)
	z := newZone(t, 1, changes...)
	z.run(29 * time.Second)
	z.given = nil
	z.run(100 * time.Second)
	before, others := z.after("10.0.0.1")
	if before < 4*9 || before > 4*13 || others > 0 {
		t.Errorf("back after %d quarter seconds, then %d others\n%s", before, others, strings.Join(z.log, "\n"))
	}
}

// A wildcard of its own that was not changed with the name is no way back.
func TestProbeStaleWildcard(t *testing.T) {
	z := newZone(t, 1, spread("10.0.0.2", 20, 20, 20, 20)...)
	z.wild = func(time.Duration, int) string { return "10.0.0.1" }
	z.run(200 * time.Second)
	if _, others := z.after("10.0.0.2"); others > 0 {
		t.Errorf("%d other answers after the new one", others)
	}
	z.play("t=200 log left aside (tried each minute): it still has 10.0.0.1, the name itself 10.0.0.2")
	if strings.Count(strings.Join(z.log, "\n"), "left aside") > 0 {
		t.Error("told more than once")
	}
}

// A wildcard that was changed without the name: what it taught lapses.
func TestProbeLapses(t *testing.T) {
	z := newZone(t, 1)
	z.wild = func(at time.Duration, _ int) string {
		if at >= 20*time.Second {
			return "10.0.0.2"
		}
		return "10.0.0.1"
	}
	z.run(300 * time.Second)
	if before, others := z.after("10.0.0.2"); before > 4*20 || others < 4*150 {
		t.Errorf("taken after %d quarters of a second, %d others after it", before, others)
	}
	z.play("t=300 log back to 10.0.0.1\n t=301 pin none\n t=301 current 10.0.0.1")
	if s, _ := z.Status(z.name, false, z.moment()); !strings.Contains(s.Probe.State, "it has 10.0.0.2") {
		t.Errorf("the probe is %+v", s.Probe)
	}
}

// What a probe taught lapses over a restart too.
func TestProbeLapsesAfterRestart(t *testing.T) {
	z := newZone(t, 1)
	z.wild = func(at time.Duration, _ int) string {
		return map[bool]string{false: "10.0.0.1", true: "10.0.0.2"}[at >= 20*time.Second]
	}
	z.run(60 * time.Second)
	z.play("t=60 pin 10.0.0.2\n t=60 restart\n t=60 pin 10.0.0.2")
	z.run(139 * time.Second)
	z.play("t=139 pin 10.0.0.2")
	z.run(142 * time.Second)
	z.play("t=142 current 10.0.0.1\n t=142 log back to 10.0.0.1")
}

// A wildcard that is not there costs a packet a minute, one that vanishes is told
// of once, and found when it is there again.
func TestProbeVanishes(t *testing.T) {
	z := newZone(t, 1)
	z.wild = func(time.Duration, int) string { return "" }
	z.run(130 * time.Second)
	probes := func() (n int) {
		for range 60 {
			for _, q := range z.Due(z.moment()) {
				if n += one(q.Probe); q.Probe {
					z.observe(&q)
				}
			}
			z.ticks += time.Second
			z.now = z.ticks
			z.ask() // keeps the name's data fresh
		}
		return n
	}
	if n := probes(); n != 1 {
		t.Errorf("%d probes in a minute without a wildcard", n)
	}
	z.wild = nil
	z.run(z.ticks + 70*time.Second)
	z.play(fmt.Sprintf("t=%d log a label below it is asked each second", z.ticks/time.Second))
	z.wild = func(time.Duration, int) string { return "" }
	z.run(z.ticks + 20*time.Second)
	z.play(fmt.Sprintf("t=%d log it has vanished", z.ticks/time.Second))
	z.wild = nil
	z.run(z.ticks + 70*time.Second)
	if n := probes(); n != 60 {
		t.Errorf("%d probes in a minute, want 60", n)
	}
}

// A wildcard of another address is told of once.
func TestProbeOfAnother(t *testing.T) {
	z := newZone(t, 1)
	z.wild = func(time.Duration, int) string { return "10.9.9.9" }
	z.run(200 * time.Second)
	if got := strings.Join(z.log, "\n"); strings.Count(got, "left aside") != 1 || !strings.Contains(got, "it has 10.9.9.9, the name itself 10.0.0.1") {
		t.Errorf("log:\n%s", got)
	}
	if _, others := z.after("10.0.0.1"); others > 0 {
		t.Error("clients were given something else")
	}
}

// With an override nobody is given anything else, whatever the probes show.
func TestProbeUnderOverride(t *testing.T) {
	z := newZone(t, 1, spread("10.0.0.2", 20, 30, 40, 50)...)
	z.run(14 * time.Second)
	z.play("t=14.9 override 10.0.0.2")
	z.run(200 * time.Second)
	if _, others := z.after("10.0.0.2"); others > 0 {
		t.Errorf("%d old answers after the first new one", others)
	}
	z.play("t=200 pin none\n t=200 log upstream has agreed for")
}

// Fifty names are probed each second, and a trial is no burst.
func TestProbeBounds(t *testing.T) {
	table := newTable()
	m := Moment{time.Hour, day}
	for i := range 200 {
		if err := table.Watch(fmt.Sprintf("n%d.corp.example", i), m); err != nil {
			t.Fatal(err)
		}
	}
	probes := 0
	for range 300 {
		m.Now += time.Second
		m.Wall = m.Wall.Add(time.Second)
		probes = 0
		due := table.Due(m)
		for i := range due {
			q := &due[i]
			probes += one(q.Probe)
			o := Observation{Name: q.Name, Type: q.Type, TTL: 60, Asked: m.Now, Question: q}
			o.RRs = records(strings.TrimSuffix(wire.NameText([]byte(q.Name)), "."), 60, "10.0.0.1")
			table.Observe(o, m)
		}
		if len(due) > maxProbes+maxTrials {
			t.Fatalf("%d questions in a second", len(due))
		}
	}
	if n := table.Stats().Probes; n != maxProbes || probes < maxProbes || probes > maxProbes+maxTrials {
		t.Errorf("%d names, %d probes in a second, want %d", n, probes, maxProbes)
	}
}

// The labels are random, below the name, and no longer than a name can be.
func TestProbeQuestion(t *testing.T) {
	table := New(Options{Label: "jetzt"})
	n := &node{wire: wire.PackName("www.corp.example")}
	a, b := table.probeQuestion(n, false), table.probeQuestion(n, true)
	text := wire.NameText([]byte(a[0].Name))
	if a[0].Name == b[0].Name || !strings.HasSuffix(text, ".jetzt.www.corp.example.") || len(text) != len("jetzt.www.corp.example.")+labelSize+1 {
		t.Errorf("names %s, %s", text, wire.NameText([]byte(b[0].Name)))
	}
	long := &node{wire: wire.PackName(strings.Repeat("a.", 120) + "b")}
	if got := table.probeQuestion(long, false); got != nil {
		t.Errorf("a probe of %d octets", len(got[0].Name))
	}
}
