package watch

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

func (t *Table) tellOverride(r *record, v, was *override) {
	what := fmt.Sprintf("%s: override with %v for %v by %s", r, &v.data, v.For, v.by())
	if v.lease > 0 {
		what += fmt.Sprintf(", ends in %v unless it is confirmed", v.LeaseFor)
	}
	switch {
	case was != nil && was.data.same(&v.data):
		what += "; it was in force already"
	case was != nil:
		what += fmt.Sprintf("; it replaces %v by %s", &was.data, was.by())
	}
	t.events.add(slog.LevelWarn, "%s", what)
}

func (v *override) by() string {
	if v.By == "" {
		return "an unknown operator"
	}
	return v.By
}

// judgeOverride compares upstream's answer with the override, which may end by it.
func (t *Table) judgeOverride(r *record, d *data, asked time.Duration, m Moment) {
	v := r.override
	if asked < v.began.Now {
		v.leave(d) // on its way when the override was set
		return
	}
	if !v.judged {
		v.judged, v.late, v.already = true, true, d.same(&v.data)
		v.leave(d)
	}
	if v.late || slices.Contains(v.before, d.key) {
		v.lasts = max(v.lasts, d.lasts()) // a cache gives what is left of the TTL
	}
	if d.same(&v.data) {
		v.thirds.end()
		v.agree.add(m.Now)
		if v.lease == 0 && v.agree.length() >= v.agreesFor() {
			t.endOverride(r, fmt.Sprintf("upstream has agreed for %v", v.agree.length().Round(time.Second)), m)
		}
		return
	}
	v.agree.end()
	if d.empty() || slices.Contains(v.before, d.key) || r.guard.refuses(d) {
		v.thirds.end()
		return
	}
	if !d.same(&v.third) {
		v.third = *d
		v.thirds.end()
	}
	v.thirds.add(m.Now)
	if v.thirds.length() >= v.old() {
		t.endByThird(r, d, m)
	}
}

// endByThird ends an override after which somebody switched again.
func (t *Table) endByThird(r *record, d *data, m Moment) {
	v := r.override
	t.endOverride(r, fmt.Sprintf("upstream has said a third thing, %v, for %v", d, v.thirds.length().Round(time.Second)), m)
	if !r.changes.varies {
		r.guard.begin(d, []data{v.earlier()}, m.Now)
	}
}

// old is how long what upstream had before may live in caches.
func (v *override) old() time.Duration { return max(v.lasts, time.Second) }

func (v *override) agreesFor() time.Duration {
	if v.already {
		return max(2*v.old(), alreadyFor)
	}
	return 2 * v.old()
}

// tickOverride ends what time ends.
func (t *Table) tickOverride(r *record, m Moment) {
	v := r.override
	switch {
	case m.Now >= v.expires:
		t.endOverride(r, fmt.Sprintf("it was set for %v", v.For), m)
	case v.lease > 0 && m.Now >= v.lease:
		t.withdraw(r, fmt.Sprintf("it was not confirmed in %v", v.LeaseFor), m)
	case t.mayOverride == nil || !t.mayOverride(r.node.name+"."):
		t.endOverride(r, ErrNotAllowed.Error()+" any more", m)
	case !v.warned && v.For > warnBefore && v.expires-m.Now <= warnBefore:
		v.warned = true
		t.version++
		t.events.add(slog.LevelWarn, "%s: the override with %v by %s expires in %v; upstream says %v", r, &v.data, v.by(), (v.expires - m.Now).Round(time.Second), &r.current)
	}
}

// endOverride ends an override for good.
func (t *Table) endOverride(r *record, why string, m Moment) {
	t.gone.add(r.key(), r.override.goneAt(m), false, m.Now)
	t.dropOverride(r, why, m)
}

// dropOverride lets upstream speak again; a guard that runs stays in force.
func (t *Table) dropOverride(r *record, why string, m Moment) {
	v := r.override
	r.override = nil
	r.admit(&r.current)
	if r.current.empty() {
		r.guard = guard{} // there is nothing to give in place of what it refuses
	}
	next := r.given()
	if !next.same(&v.data) {
		t.note(r, &v.data, next, Operator, "ended: "+why, m)
	}
	t.events.add(slog.LevelWarn, "%s: the override with %v by %s ended: %s; upstream says %v", r, &v.data, v.by(), why, next)
	t.version++
}

// withdraw ends a lease: what it replaced is in force again, if its time is not
// over.
func (t *Table) withdraw(r *record, why string, m Moment) {
	v := r.override
	under := v.under
	if under == nil || m.Now >= under.expires {
		t.dropOverride(r, why, m) // a lease that lapsed may have been confirmed elsewhere
		return
	}
	r.override = under
	r.admit(&under.data)
	if !under.data.same(&v.data) {
		under.agree.end()
		under.thirds.end()
		t.note(r, &v.data, &under.data, Operator, "ended: "+why, m)
	}
	t.events.add(slog.LevelWarn, "%s: the override with %v by %s ended: %s; the one before it, %v by %s, is in force again", r, &v.data, v.by(), why, &under.data, under.by())
	t.version++
}

// ConfirmOverride makes the leases of a token last until they expire.
func (t *Table) ConfirmOverride(name, token string, m Moment) error {
	return t.withToken(name, token, m, func(r *record) {
		if v := r.override; v.lease > 0 {
			v.lease, v.under = 0, nil
			t.events.add(slog.LevelWarn, "%s: the override with %v by %s is confirmed", r, &v.data, v.by())
			t.version++
		}
	})
}

// WithdrawOverride ends the overrides of a token, confirmed or not.
func (t *Table) WithdrawOverride(name, token string, m Moment) error {
	return t.withToken(name, token, m, func(r *record) {
		at := r.override.goneAt(m)
		t.gone.add(r.key(), at, true, m.Now)
		t.withdraw(r, "it was withdrawn", m)
		if r.override != nil {
			r.override.after = later(r.override.after, at)
		}
	})
}

// withToken does something to the overrides of a name that have the token.
func (t *Table) withToken(name, token string, m Moment, do func(r *record)) error {
	has := func(r *record) bool { return r.override.Lease == digest(token) && token != "" }
	return t.eachOverride(name, m, has, do, "has no override with that token: it ended, or another replaced it")
}

// DeleteOverride ends a name's override of a type, or, for type 0, all of it.
func (t *Table) DeleteOverride(name string, rtype uint16, m Moment) error {
	is := func(r *record) bool { return rtype == 0 || rtype == r.rtype }
	return t.eachOverride(name, m, is, func(r *record) {
		t.gone.add(r.key(), r.override.goneAt(m), true, m.Now)
		t.endOverride(r, "it was deleted", m)
	}, "has no such override")
}

// eachOverride does something to those of a name that are meant. That none is, is an
// error in these words.
func (t *Table) eachOverride(name string, m Moment, meant func(r *record) bool, do func(r *record), without string) error {
	n, unlock, err := t.find(name)
	if err != nil {
		return fmt.Errorf("override: %w", err)
	}
	defer unlock()
	found := false
	for _, r := range n.sorted() {
		if r.override != nil && meant(r) {
			found = true
			do(r)
			t.settle(r, m)
		}
	}
	if !found {
		return none(n.name + " " + without)
	}
	return nil
}

// find returns the state of a name, with the table locked until unlock.
func (t *Table) find(name string) (n *node, unlock func(), err error) {
	w, err := parseName(name)
	if err != nil {
		return nil, nil, err
	}
	t.mu.Lock()
	if n = t.names[w]; n == nil {
		t.mu.Unlock()
		return nil, nil, none(text(w) + " is neither watched nor overridden")
	}
	return n, t.mu.Unlock, nil
}

// sorted are a name's records by type.
func (n *node) sorted() []*record {
	list := make([]*record, 0, len(n.sets))
	for _, r := range n.sets {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *record) int { return int(a.rtype) - int(b.rtype) })
	return list
}
