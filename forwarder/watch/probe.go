package watch

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// probe is what random labels beside a name show. The zero value has not been tried.
type probe struct {
	state probeState
	why   string        // it is left aside
	next  time.Duration // trial
	asked int           // for the name itself, before the trial
	told  bool          // that it is left aside
	began bool          // was on once, which was told

	data     data // as last answered
	at       Moment
	denied   int    // in a row
	differed string // key of data that one answer had, which is to be repeated
	contrary run    // of answers with one data that a guard refuses
	against  data   // that data
}

type probeState uint8

const (
	probeNone probeState = iota
	probeOn
	probeAside
)

// lesson is what probes taught and the name itself has not said yet.
type lesson struct{ at time.Duration }

const (
	// teachFor is how long it is believed without.
	teachFor = 120 * time.Second

	// unanimous is how long all probes must have shown what a guard refuses before it
	// is believed, and how many.
	unanimous      = 10 * time.Second
	unanimousCount = 10

	// contraryFor is how long they may do so while the name itself never does.
	contraryFor = 20 * time.Second

	// maxDenied are the denials in a row after which a wildcard is taken as gone.
	maxDenied = 3
)

func (p *probe) on() bool { return p.state == probeOn }

// observeProbe takes the answer to a probe.
func (t *Table) observeProbe(o *Observation, m Moment) {
	n := t.names[o.Question.For]
	if n == nil || o.Failed {
		return
	}
	r, p := n.sets[o.Type], &n.probe
	if r == nil || !r.known || r.current.empty() {
		return
	}
	d := dataOf(o)
	if d.empty() {
		t.probeDenied(n, m)
		return
	}
	d.rename(o.Name, n.wire)
	p.data, p.at, p.denied = d, m, 0
	switch {
	case r.changes.varies:
		t.setAside(n, "the name itself varies", m)
	case !p.on():
		t.tryProbe(n, r, &d, m)
	case d.same(&r.current):
		p.differed = ""
		p.contrary.end()
	default:
		t.probeDiffers(n, r, d, o, m)
	}
}

// rename makes a probe's records the name's own.
func (d *data) rename(from, to string) {
	for _, rr := range d.rrs {
		if h := rr.Header(); wire.PackName(h.Name) == from {
			h.Name = dns.Fqdn(text(to))
		}
	}
}

// tryProbe looks whether a wildcard shows what the name has.
func (t *Table) tryProbe(n *node, r *record, d *data, m Moment) {
	p := &n.probe
	switch {
	case !d.same(&r.current):
		t.setAside(n, fmt.Sprintf("it has %v, the name itself %v", d, &r.current), m)
	case t.probing >= maxProbes:
		p.state, p.why = probeAside, fmt.Sprintf("%d names are probed already, which is the most", maxProbes)
	default:
		t.probing++
		began, told := p.began, p.told
		*p = probe{state: probeOn, next: p.next, began: true, told: told, data: p.data, at: p.at}
		if !began {
			t.events.add(slog.LevelInfo, "%s: *.%s.%s has its data, so a label below it is asked each second", r, t.label, n.name)
		}
	}
}

// setAside leaves a wildcard alone but for a trial each minute. That is told once.
func (t *Table) setAside(n *node, why string, m Moment) {
	p := &n.probe
	if p.on() {
		t.probing--
	}
	told := p.told
	*p = probe{state: probeAside, why: why, next: m.Now + trialEach, told: true, began: p.began, data: p.data, at: p.at}
	if !told {
		t.events.add(slog.LevelWarn, "%s: the wildcard *.%s.%s is left aside (tried each minute): %s", n.name, t.label, n.name, why)
	}
}

func (t *Table) probeDenied(n *node, m Moment) {
	p := &n.probe
	p.differed = ""
	p.contrary.end()
	if p.denied++; p.on() && p.denied >= maxDenied {
		t.setAside(n, "it has vanished", m)
	}
}

// probeDiffers takes a probe that shows other data than the name has.
func (t *Table) probeDiffers(n *node, r *record, d data, o *Observation, m Moment) {
	p := &n.probe
	if !o.Question.Repeat && len(t.again) < maxProbes {
		t.again = append(t.again, t.probeQuestion(n, true)...)
	}
	if r.guard.refuses(&d) || t.relapse(r, &d, m) {
		r.guard.quiet.end() // some of the zone's servers have it still
		p.differed = ""
		t.probeAgainst(n, r, d, o, m)
		return
	}
	p.contrary.end()
	if p.differed != d.key {
		p.differed = d.key
		return
	}
	t.learn(r, d, o, m)
}

// probeAgainst takes a probe that shows earlier data. While a change spreads some
// servers are old; ten seconds without any other answer are a way back, unless the
// name itself says nothing of it: then the wildcard was not changed with it.
func (t *Table) probeAgainst(n *node, r *record, d data, o *Observation, m Moment) {
	p := &n.probe
	if !d.same(&p.against) {
		p.contrary.end()
	}
	p.against = d
	p.contrary.add(m.Now)
	lasted := p.contrary.length()
	said := r.guard.lastOld >= p.contrary.first && r.said.same(&d)
	switch {
	case lasted >= unanimous && p.contrary.n >= unanimousCount && said:
		r.admit(&d)
		t.learn(r, d, o, m)
	case lasted >= max(contraryFor, unanimous+r.guard.lasts) && !said && r.guard.lastNew > p.contrary.first:
		t.setAside(n, fmt.Sprintf("it still has %v, the name itself %v", &d, &r.current), m)
	}
}

// learn takes what probes show as the name's data, until upstream says the same of
// the name itself.
func (t *Table) learn(r *record, d data, o *Observation, m Moment) {
	p := &r.node.probe
	p.differed = ""
	p.contrary.end()
	t.change(r, d, o.Asked, Probe, m)
	if !r.changes.varies {
		r.taught = &lesson{m.Now}
		if !r.verify.running() {
			r.beginVerify(d, defaultVerify, m)
		}
	}
	t.settle(r, m)
}

// lapse goes back to what upstream says of the name itself.
func (t *Table) lapse(r *record, m Moment) {
	was := r.current
	r.taught, r.guard = nil, guard{}
	r.current, r.known, r.since, r.until = r.said, r.heard, m, m.Now
	t.setAside(r.node, fmt.Sprintf("it showed %v, which the name itself did not say in %v", &was, teachFor), m)
	t.note(r, &was, &r.current, Upstream, "what the probe showed lapsed", m)
	t.events.add(slog.LevelWarn, "%s: two probes showed %v, but upstream did not say so of the name itself in %v: back to %v", r, &was, teachFor, &r.current)
	t.version++
}

func (p *probe) status(label string) ProbeStatus {
	s := ProbeStatus{State: p.why, Label: label, Data: p.data.list(), At: ms(p.at.Wall)}
	switch p.state {
	case probeNone:
		s.State = "none"
	case probeOn:
		s.State = "on"
	}
	return s
}
