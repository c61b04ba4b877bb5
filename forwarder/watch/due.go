package watch

import (
	"math/rand/v2"
	"time"

	"vpcdns/forwarder/wire"
)

// Question is what upstream is to be asked. Its answer goes to Observe with it.
type Question struct {
	Name   string // wire, lower case
	Type   uint16
	Probe  bool   // the answer is kept for nobody
	Repeat bool   // of a probe that differed
	For    string // the watched name, wire
}

const (
	// maxProbes are the names whose probes are asked each second.
	maxProbes = 50

	// trialEach is how often a wildcard is looked for.
	trialEach = time.Minute

	// maxTrials are the trials in one second.
	maxTrials = 10

	// maxAsked is how often a name's own data is asked for before its trial.
	maxAsked = 3

	// labelSize is that of a probe's random label: nobody asks for it by chance.
	labelSize = 12
)

// Due returns what is to be asked now: it is called on each whole second of the
// wall clock, so that two forwarders that share nothing find out together. It ticks
// as well.
func (t *Table) Due(m Moment) []Question {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tick(m)
	names := t.sorted()
	t.probing = 0
	for _, n := range names {
		t.probing += one(n.probe.on())
	}
	var list []Question
	trials := maxTrials
	for _, n := range names {
		asked := len(list)
		for _, r := range n.sorted() {
			if r.override != nil || r.guard.on || r.verify.running() {
				list = append(list, Question{Name: n.wire, Type: r.rtype, For: n.wire})
			}
		}
		list = append(list, t.probeDue(n, len(list) > asked, &trials, m)...)
	}
	return list
}

// Again returns what is to be asked at once: it is called after Observe.
func (t *Table) Again() []Question {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.again
	t.again = nil
	return list
}

// probeDue returns a name's probe, its trial, or, as there is nothing to compare
// that with, the question for the name itself.
func (t *Table) probeDue(n *node, asked bool, trials *int, m Moment) []Question {
	p := &n.probe
	if !n.watched && !t.matches(n.wire) {
		*p = probe{}
		return nil
	}
	if p.on() {
		return t.probeQuestion(n, false)
	}
	if m.Now < p.next || *trials == 0 {
		return nil
	}
	*trials--
	if r := n.sets[n.probeType()]; r != nil && r.known && (m.Now < r.until || r.guard.on) {
		p.next, p.asked = m.Now+trialEach, 0
		return t.probeQuestion(n, false)
	}
	p.next = m.Now + time.Second
	if p.asked++; p.asked >= maxAsked {
		p.next, p.asked = m.Now+trialEach, 0
	}
	if asked {
		return nil
	}
	return []Question{{Name: n.wire, Type: n.probeType(), For: n.wire}}
}

// probeType is A, unless the name is known to have AAAA only.
func (n *node) probeType() uint16 {
	has := func(rtype uint16) bool { r := n.sets[rtype]; return r != nil && !r.current.empty() }
	if !has(wire.TypeA) && has(wire.TypeAAAA) {
		return wire.TypeAAAA
	}
	return wire.TypeA
}

func (t *Table) probeQuestion(n *node, repeat bool) []Question {
	name := string(append(append([]byte{labelSize}, randomLabel()...), byte(len(t.label)))) + t.label + n.wire
	if len(name) > maxWireName {
		return nil
	}
	return []Question{{Name: name, Type: n.probeType(), Probe: true, Repeat: repeat, For: n.wire}}
}

// maxWireName is a name's length at most (RFC 1035, 2.3.4).
const maxWireName = 255

func randomLabel() []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	label := make([]byte, labelSize)
	for i := range label {
		label[i] = letters[rand.IntN(len(letters))]
	}
	return label
}
