package watch

import "log/slog"

// mergeOverrides takes what is in force there, and was set later than what is here.
func (g *merger) mergeOverrides(n *node) {
	for _, theirs := range n.sorted() {
		if v := theirs.override.remaining(g.gone.last(theirs.key())); v != nil {
			g.mergeOverride(theirs.key(), v)
		}
	}
}

func (g *merger) mergeOverride(k Key, v *override) {
	if n := g.names[k.Name]; n != nil && n.sets[k.Type] != nil && n.sets[k.Type].override != nil {
		ours := n.sets[k.Type].override
		switch {
		case ours.isSame(v):
			g.mergeLease(n.sets[k.Type], v)
			return
		case ours.laterThan(&v.Override, &v.data, g.now):
			g.putUnder(n.sets[k.Type], v)
			return
		}
	}
	wanted := g.wants(k.Name)
	r, err := g.overridable(k.Name, &v.Override, &v.data, g.now)
	if err != nil {
		g.got.leaveOut("%s %s: override with %v: %v", v.Name, typeText(v.Type), &v.data, err)
		return
	}
	g.got.Wanted = g.got.Wanted || !wanted
	g.takeOverride(r, v)
}

// isSame reports whether both are of one command.
func (v *override) isSame(o *override) bool { return v.Set.Equal(o.Set) && v.data.same(&o.data) }

// mergeLease takes a confirmation, and a renewal, of what is in force here too.
func (g *merger) mergeLease(r *record, theirs *override) {
	ours := r.override
	switch {
	case ours.lease == 0:
	case theirs.lease == 0:
		ours.lease, ours.under, ours.expires = 0, nil, max(ours.expires, theirs.expires)
		g.events.add(slog.LevelWarn, "%s: the override with %v by %s is confirmed, as %s has it", r, &ours.data, ours.by(), g.from)
		g.got.Overrides++
	case theirs.Lease == ours.Lease && theirs.lease > ours.lease:
		ours.lease = theirs.lease
	}
}

// putUnder keeps what a later lease would have replaced here, had it been known.
func (g *merger) putUnder(r *record, theirs *override) {
	ours := r.override
	if ours.lease == 0 || theirs.lease > 0 || ours.under != nil && !theirs.laterThan(&ours.under.Override, &ours.under.data, g.now) {
		return
	}
	if ours.under != nil && ours.under.isSame(theirs) || g.overrideOctets()-ours.under.octets()+theirs.octets() > maxAllOctets {
		return
	}
	theirs.forget()
	ours.under = theirs
	g.got.Overrides++
}

// takeOverride puts theirs in force.
func (g *merger) takeOverride(r *record, v *override) {
	was := r.override
	v.forget()
	if v.under != nil {
		v.under.forget()
	}
	if v.lease > 0 && v.under == nil && was != nil && was.lease == 0 {
		v.under = was
	}
	if v.under != nil && g.overrideOctets()+v.data.octets()+v.under.data.octets() > maxAllOctets {
		v.under = nil
	}
	if r.known {
		v.leave(&r.current)
	}
	if was != nil {
		v.leave(&was.data)
	}
	if was == nil || !was.data.same(&v.data) {
		g.note(r, r.given(), &v.data, Operator, v.By, g.now)
		r.supersede(was, &v.data, max(r.guard.began, v.began.Now)) // as it was there
		g.endCleared(r)
	}
	r.override = v
	g.got.Overrides++
	g.events.add(slog.LevelWarn, "%s: override with %v by %s, as %s has it", r, &v.data, v.by(), g.from)
}

// forget leaves out what another upstream showed.
func (v *override) forget() {
	v.agree, v.thirds, v.third, v.By = run{}, run{}, data{}, cleaned(v.By)
}
