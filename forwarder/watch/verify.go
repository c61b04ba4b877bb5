package watch

import (
	"fmt"
	"log/slog"
	"time"
)

const (
	defaultVerify = 2 * time.Minute
	maxVerify     = time.Hour

	// showVerify is how long the outcome of a verification is kept.
	showVerify = 10 * time.Minute
)

// verify watches upstream, never an override, take to one value. Nil is none.
type verify struct {
	want     data
	began    Moment
	ends     time.Duration
	need     time.Duration // new answers without a break: the old TTL
	asked    int
	new, old int
	third    int
	cameBack int // old or third after new
	firstNew time.Time
	lastOld  time.Time
	lastData data // that was not the wanted one
	steady   run
	known    bool   // what upstream had as it began
	before   string // its key
	over     bool
}

// Verify asks upstream for a name once a second until it has steadily given the
// data, for a duration (0: two minutes, one hour at most).
func (t *Table) Verify(name string, rtype uint16, list []string, for_ time.Duration, m Moment) error {
	w, err := parseName(name)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	d, err := parseData(w, rtype, list, t.ttl)
	if err != nil {
		return fmt.Errorf("verifying %s: %w", name, err)
	}
	if for_ == 0 {
		for_ = defaultVerify
	}
	if for_ < time.Second || for_ > maxVerify {
		return fmt.Errorf("verifying %s for %v: from 1s to %v are possible", name, for_, maxVerify)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.names[w]
	if n == nil {
		n = t.add(w, m)
	}
	if n == nil {
		return fmt.Errorf("verifying %s: %w", name, ErrTooMany)
	}
	r := n.record(rtype, true)
	if r == nil {
		return fmt.Errorf("verifying %s: %d types of the name are in use, which is the most", name, maxSets)
	}
	r.beginVerify(d, for_, m)
	t.settle(r, m)
	t.reindex()
	t.version++
	return nil
}

func (r *record) beginVerify(want data, lasts time.Duration, m Moment) {
	r.verify = &verify{want: want, began: m, ends: m.Now + lasts, need: time.Second}
	if r.known {
		r.verify.known, r.verify.need, r.verify.before = true, r.current.lasts(), r.current.key
	}
}

func (v *verify) running() bool { return v != nil && !v.over }

// forgotten reports whether its outcome is no longer shown.
func (v *verify) forgotten(now time.Duration) bool { return v.over && now >= v.ends+showVerify }

func (v *verify) failed() {
	if v.running() {
		v.asked++
	}
}

// judge takes an answer of upstream's to a question that was asked since.
func (v *verify) judge(d *data, asked time.Duration, m Moment) {
	if !v.running() || asked < v.began.Now {
		return
	}
	v.asked++
	if !v.known || !d.same(&v.want) {
		v.need = max(v.need, d.lasts())
	}
	if d.same(&v.want) {
		if v.new++; v.new == 1 {
			v.firstNew = m.Wall
		}
		v.steady.add(m.Now)
		return
	}
	if v.before == "" {
		v.before = d.key
	}
	if v.new > 0 {
		v.cameBack++
	}
	if d.key == v.before {
		v.old++
	} else {
		v.third++
	}
	v.lastOld, v.lastData = m.Wall, *d
	v.steady.end()
}

// done reports whether upstream gives nothing else any more.
func (v *verify) done() bool { return v.steady.n > 0 && v.steady.length() >= v.need }

func (t *Table) endVerify(r *record, m Moment) {
	v := r.verify
	v.over = true
	t.version++
	if v.done() {
		t.events.add(slog.LevelInfo, "%s: verified: upstream gave only %v in its last %d answers", r, &v.want, v.steady.n)
		return
	}
	t.events.add(slog.LevelWarn, "%s: not verified: %s", r, v.failure())
}

// failure says why it is not done, in words.
func (v *verify) failure() string {
	switch {
	case v.asked == 0 || v.new+v.old+v.third == 0:
		return "upstream gave no answer"
	case v.new == 0:
		return fmt.Sprintf("upstream gave %v, never %v", &v.lastData, &v.want)
	case v.steady.n == 0:
		return fmt.Sprintf("upstream gave %v at last, after %v came %s", &v.lastData, &v.want, times(v.new))
	}
	return fmt.Sprintf("upstream gave %v without a break for %v only, %v are needed", &v.want, v.steady.length().Round(time.Second), v.need)
}
