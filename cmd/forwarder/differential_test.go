package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// differentialConf is the reference configuration on loopback. Clients in
// 127.0.9.0/24 are refused and those in 127.0.8.0/24 unheard. `forward only`
// and no validation keep BIND from asking the Internet.
const differentialConf = `
acl goodclients { !127.0.9.0/24; 10.0.0.0/8; localhost; localnets; };
controls { };
options {
    directory "{dir}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} { {address}; };
    listen-on-v6 { none; };
    version "not currently available";
    allow-query { goodclients; };
    blackhole { 127.0.8.0/24; };
    dnssec-validation no;
    cookie-algorithm siphash24;
    cookie-secret "4a7d3c1f5b2e6a9088c1d2e3f4a5b6c7";
    forwarders { {upstream}; };
    forward only;
    {more}
};
zone "us-east-1.compute.internal" IN { type forward; forward only; forwarders { {upstream}; }; };
zone "awslab.mycompany.corp." IN { type forward; forward only; forwarders { {upstream}; }; };
zone "host.test" { type primary; file "{dir}/host.zone"; };
`

func differentialText(upstream netip.AddrPort, more string) string {
	forwarder := fmt.Sprintf("%s port %d", upstream.Addr(), upstream.Port())
	return strings.NewReplacer("{upstream}", forwarder, "{more}", more).Replace(differentialConf)
}

// phase is a set of probes that may be sent in any order, after those of the
// phase before.
type phase struct {
	name   string
	wait   time.Duration // how long an answer may take
	fresh  bool          // nobody asked for these names before: TTLs must be the same
	local  bool          // of zones here: but what is not authoritative was asked for before
	timed  bool          // what takes much longer than with BIND is a difference
	probes []probe
}

const (
	usualWait = 1500 * time.Millisecond
	faultWait = 13 * time.Second // BIND gives up after 12
)

var (
	refused = netip.MustParseAddr("127.0.9.1")
	unheard = netip.MustParseAddr("127.0.8.1")
)

func phases() []phase {
	cold := typeProbes()
	warm := slices.Concat(cold, caseProbes(), flagProbes(), ednsProbes(), classProbes(), malformedProbes(), mutations(2000))
	odd := slices.Concat(zoneProbes(), recordProbes(), signedProbes())
	return []phase{
		{name: "TTLs", fresh: true, probes: ttlProbes()},
		{name: "cold cache", probes: cold},
		{name: "warm cache", probes: every(5, cold)},
		{name: "letter case and odd types", probes: caseProbes()},
		{name: "ANY", probes: anyProbes()},
		{name: "header flags", probes: flagProbes()},
		{name: "RD=0 and not cached", probes: unaskedProbes()},
		{name: "EDNS", probes: ednsProbes()},
		{name: "class and opcode", probes: classProbes()},
		{name: "NOTIFY, UPDATE and zones", probes: zoneProbes()},
		{name: "records behind questions", probes: recordProbes()},
		{name: "signatures", probes: signedProbes()},
		{name: "several questions", probes: questionProbes()},
		{name: "CHAOS", probes: chaosProbes()},
		{name: "malformed", probes: malformedProbes()},
		{name: "mutated", probes: mutations(2000)},
		{name: "refused client", probes: from(refused, every(3, warm))},
		{name: "refused client, odd queries", probes: from(refused, every(5, odd))},
		{name: "unheard client", probes: from(unheard, every(300, warm))},
		{name: "upstream faults, first time", wait: faultWait, timed: true, probes: faultProbes()},
		{name: "upstream faults, again", wait: faultWait, probes: faultProbes()},
	}
}

// TestDifferential sends BIND and the forwarder the same queries: every
// difference is one of the deviations, or a failure.
func TestDifferential(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	resolver, upstream := startResolver(t)
	setTTLs(t, resolver)
	setFaults(t, resolver)
	conf := differentialText(upstream, "")
	both := servers{named: freeAddr(t), ours: freeAddr(t)}
	startNamed(t, program, conf, both.named)
	startForwarder(t, lab.BuildForwarder(t), conf, both.ours)
	both.run(t, phases(), deviations)
}

// TestDifferentialOptions does so with the options that change replies.
func TestDifferentialOptions(t *testing.T) {
	t.Parallel()
	program := workbench.Need(t, "named")
	ours := lab.BuildForwarder(t)
	for _, options := range []string{
		"minimal-responses yes; minimal-any yes; server-id \"a\"; hostname none;",
		"require-server-cookie yes; max-udp-size 512; edns-udp-size 512;",
		"answer-cookie no; max-cache-ttl 60; min-cache-ttl 30; max-ncache-ttl 40; max-udp-size 4096;",
		"recursion no;",
		"allow-recursion { none; }; hostname \"h\"; server-id hostname;",
	} {
		t.Run(options, func(t *testing.T) {
			resolver, upstream := startResolver(t)
			setTTLs(t, resolver)
			conf := differentialText(upstream, options)
			both := servers{named: freeAddr(t), ours: freeAddr(t)}
			startNamed(t, program, conf, both.named)
			startForwarder(t, ours, conf, both.ours)
			both.run(t, somePhases(), deviations)
		})
	}
}

// somePhases are a sample of phases.
func somePhases() []phase {
	cold := every(3, typeProbes())
	rest := slices.Concat(every(3, ednsProbes()), every(20, flagProbes()), every(5, classProbes()), every(20, zoneProbes()), every(20, signedProbes()))
	return []phase{
		{name: "TTLs", fresh: true, probes: ttlProbes()},
		{name: "cold cache", probes: cold},
		{name: "EDNS, flags, classes", probes: rest},
		{name: "ANY", probes: anyProbes()},
		{name: "CHAOS", probes: chaosProbes()},
		{name: "refused client", probes: from(refused, every(5, rest))},
	}
}

// TestDifferentialOfNamedAndNamed proves the harness: two of the same kind must
// show no difference at all, but that BIND is late.
func TestDifferentialOfNamedAndNamed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("tests the test, and takes half a minute")
	}
	program := workbench.Need(t, "named")
	resolver, upstream := startResolver(t)
	setTTLs(t, resolver)
	setFaults(t, resolver)
	conf := differentialText(upstream, "")
	both := servers{named: freeAddr(t), ours: freeAddr(t)}
	startNamed(t, program, conf, both.named)
	startNamed(t, program, conf, both.ours)
	both.run(t, phases(), []deviation{{
		"BIND keeps its clients waiting for as long as 12 s",
		func(_ *finding, d difference) bool { return d.field == "time" },
	}})
}

// servers are the two that are compared.
type servers struct {
	named, ours netip.AddrPort
	start       time.Time // before the first query
}

func (s servers) run(t *testing.T, phases []phase, allowed []deviation) {
	s.start = time.Now()
	excused := map[string]int{}
	total := 0
	for _, p := range phases {
		t.Run(p.name, func(t *testing.T) {
			total += len(p.probes)
			findings := s.probeAll(p)
			for i := range findings {
				findings[i].excuse(allowed, excused)
			}
			report(t, findings)
		})
	}
	t.Logf("%d queries compared", total)
	for _, reason := range slices.Sorted(maps.Keys(excused)) {
		t.Logf("%5d differences on purpose: %s", excused[reason], reason)
	}
}

// finding is a probe whose replies differ.
type finding struct {
	probe
	named, ours reply
	differences []difference
}

// excuse removes the differences that are on purpose. Silence and garbage have
// no excuse.
func (f *finding) excuse(allowed []deviation, excused map[string]int) {
	if f.named.msg == nil || f.ours.msg == nil {
		return
	}
	f.differences = slices.DeleteFunc(f.differences, func(d difference) bool {
		i := slices.IndexFunc(allowed, func(v deviation) bool { return v.fits(f, d) })
		if i >= 0 {
			excused[allowed[i].reason]++
		}
		return i >= 0
	})
}

// report fails the test with the findings, with a few examples of each kind.
func report(t *testing.T, findings []finding) {
	const examples = 2
	seen := map[string]int{}
	for _, f := range findings {
		for _, d := range f.differences {
			kind := d.kind()
			if seen[kind]++; seen[kind] <= examples {
				t.Errorf("%s: %s:\n   named: %s\n   ours:  %s\n   query: %x", f.title, d.field, d.named, d.ours, f.packet)
			}
		}
	}
	for kind, n := range seen {
		if n > examples {
			t.Errorf("%d differences in %s", n, kind)
		}
	}
}

// kind tells differences apart of which one example is enough.
func (d difference) kind() string {
	if long := 80; len(d.named) > long || len(d.ours) > long || strings.HasSuffix(d.field, "TTL") {
		return d.field
	}
	return fmt.Sprintf("%s: %s, not %s", d.field, d.ours, d.named)
}

// probeAll sends all probes of a phase, some at a time.
func (s servers) probeAll(p phase) []finding {
	workers := 24 // few enough for UDP on loopback to lose nothing
	if p.wait == faultWait {
		workers = 120 // which mostly wait
	}
	jobs := make(chan int)
	results := make([]finding, len(p.probes))
	late := lab.WatchMachine()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range jobs {
				results[i] = s.probe(p, i)
			}
		})
	}
	for i := range p.probes {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	busy := late.Allowance()
	for i := range results {
		if f := &results[i]; p.timed {
			f.differences = differ(f.differences, "time", onTime, f.lateness(busy))
		}
	}
	return slices.DeleteFunc(results, func(f finding) bool { return len(f.differences) == 0 })
}

// probe compares the replies to a phase's probe. Silence of one server must be
// seen twice, and for long: the packet may have been lost, and the machine busy.
func (s servers) probe(p phase, i int) finding {
	f := s.once(p, i, uint16(i), max(p.wait, usualWait))
	if p.wait == 0 && slices.ContainsFunc(f.differences, func(d difference) bool { return d.field == "reply" }) {
		f = s.once(p, i, uint16(i+1<<15), lab.Room/2)
	}
	return f
}

// slack is how many seconds TTLs may differ. The servers ask upstream one after
// the other, since a time, and round. Of names that were asked for before, or that
// others lead to, one may hold a record for longer than the other.
func (s servers) slack(p phase, named reply, since time.Time) uint32 {
	const rounding = 2
	cached := p.local && (named.msg == nil || !named.msg.Authoritative)
	if !p.fresh || cached {
		since = s.start
	}
	return rounding + uint32(time.Since(since)/time.Second)
}

func (s servers) once(p phase, i int, id uint16, wait time.Duration) finding {
	f := finding{probe: p.probes[i]}
	packet := slices.Clone(f.packet)
	if len(packet) >= 2 {
		binary.BigEndian.PutUint16(packet, id)
	}
	since := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() { f.named = exchange(packet, s.named, f.probe, wait) })
	wg.Go(func() { f.ours = exchange(packet, s.ours, f.probe, wait) })
	wg.Wait()
	f.differences = compare(f.named, f.ours, s.slack(p, f.named, since))
	return f
}

const onTime = "on time"

// lateness says whether our answer took too long: a stub resolver gives up after 5 s,
// and BIND should not have been much faster; but for what a busy machine added.
func (f *finding) lateness(busy time.Duration) string {
	const most, more = 7 * time.Second, 3 * time.Second
	if took := f.ours.took - busy; took > most || took > f.named.took+more {
		return fmt.Sprintf("%.0f s, with BIND %.0f s", took.Seconds(), f.named.took.Seconds())
	}
	return onTime
}
