package top

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpcdns/cmd/forwarder/page"
	"vpcdns/forwarder/manual"
)

// indent is where the values of the overview begin.
const indent = 10

// rows are lines of a name and a value, wrapped to a width.
type rows struct {
	width int
	list  []line
}

// maxValue bounds a value, in octets: the largest that a forwarder has are two sets of
// data.
const maxValue = 4000

func (r *rows) add(m mark, name, format string, args ...any) {
	for text := range slices.Values(manual.Wrap(cut(clean(fmt.Sprintf(format, args...)), maxValue), max(10, r.width-indent))) {
		r.list = append(r.list, line{fmt.Sprintf("%-*s%s", indent, name, text), m})
		name = ""
	}
}

// markIf is how something looks that is wrong or not.
func markIf(wrong bool) mark {
	if wrong {
		return bad
	}
	return plain
}

// overview is who answers what, and what is wrong, what matters most at the top.
func (s *screen) overview() []line {
	d, r := s.doc, &rows{width: s.width}
	for _, t := range d.Troubles {
		r.add(bad, "trouble", "%s, since %s%s", t.Text, clock(t.Since), hurt(&t))
	}
	for _, why := range d.Server.Reasons {
		r.add(bad, "not ready", "%s", why)
	}
	if !d.Config.OK {
		r.add(bad, "config", "the last reload failed: %s", d.Config.Said)
	}
	q := &d.Queries
	r.add(plain, "queries", "%.4g/s in 1 s, %.4g/s in 10 s, %.4g/s in a minute; hits %.1f %%", q.PerSecond.Last1, q.PerSecond.Last10, q.PerSecond.Last60, 100*q.HitRatio)
	s.latency(r)
	for i := range d.Upstreams {
		u := &d.Upstreams[i]
		r.add(markIf(u.State != "up"), "upstream", "%s %s since %s, RTT %s, p99 %s", u.Server, u.State, clock(u.Since), lasted(u.RTT), lasted(u.Latency.P99))
	}
	for i := range d.Peers {
		addPeer(r, &d.Peers[i])
	}
	for _, o := range d.Overrides {
		r.add(head, "override", "%s %s: %s, by %s, ends at %s; upstream says %s", o.Name, o.Type, orNone(o.Data), o.By, moment(o.Expires, d.Now), orNone(o.Upstream))
	}
	for _, c := range d.Changes[:min(3, len(d.Changes))] { // the newest first
		r.add(plain, "changed", "%s %s %s: %s, before %s (%s)", clock(c.At), c.Name, c.Type, orNone(c.New), orNone(c.Old), c.Source)
	}
	s.rest(r)
	return r.list
}

// hurt says whom a trouble hurts.
func hurt(t *page.Trouble) string {
	switch {
	case t.Failed > 0:
		return fmt.Sprintf("; %d of %d queries failed", t.Failed, t.Queries)
	case !t.Now:
		return "; gone at the moment"
	}
	return ""
}

// latency are the sources of answers that matter to clients.
func (s *screen) latency(r *rows) {
	var parts []string
	for _, source := range []string{"hit", "miss", "joined", "stale", "failed", "override"} {
		if q, ok := s.doc.Latency.Clients[source]; ok && q.Samples > 0 {
			parts = append(parts, fmt.Sprintf("%s p50 %s, p99 %s", source, lasted(q.P50), lasted(q.P99)))
		}
	}
	if len(parts) > 0 {
		r.add(plain, "latency", "%s", strings.Join(parts, "; "))
	}
}

func addPeer(r *rows, p *page.Peer) {
	text := fmt.Sprintf("%s %s since %s, %d of %d compared", p.Address, p.State, clock(p.Since), p.Compared, p.Names)
	if p.State == "agrees" && p.Compared == 0 && p.Names > 0 {
		text = fmt.Sprintf("%s answers: nothing to compare, as not both have one of %s cached", p.Address, plural(p.Names, "name"))
	}
	if p.State == "down" {
		text = fmt.Sprintf("%s down since %s: it %s", p.Address, clock(p.Since), p.Fault)
	}
	r.add(markIf(p.State == "down" || p.State == "disagrees"), "peer", "%s", text)
	for _, n := range p.Disagreeing {
		r.add(bad, "", "%s %s: %s there, %s here, since %s", n.Name, n.Type, orNone(n.Theirs), orNone(n.Ours), clock(n.Since))
	}
}

// rest is what is looked at last.
func (s *screen) rest(r *rows) {
	d := s.doc
	r.add(plain, "watching", "names: %d, guards: %d, verifications: %d, probes: %d", d.Watch.Watched, d.Watch.Guards, d.Watch.Verifications, d.Watch.Probes)
	for _, b := range d.Budgets {
		limit := "no limit"
		if b.Limit > 0 {
			limit = fmt.Sprintf("of %d", b.Limit)
		}
		r.add(markIf(b.Refused > 0), "budget", "%s %d packets to upstream in the last second, %s, %d wait", b.Interface, b.Sent, limit, b.Waiting)
	}
	r.add(plain, "cache", "%s, %s of %s", plural(d.Cache.Entries, "answer"), size(d.Cache.Bytes), size(d.Cache.MaxBytes))
	var rcodes []string
	for _, rcode := range slices.Sorted(maps.Keys(d.Queries.ByRcode)) {
		if n := d.Queries.ByRcode[rcode]; n > 0 {
			rcodes = append(rcodes, fmt.Sprintf("%s %d", rcode, n))
		}
	}
	r.add(plain, "rcodes", "%s", orNone(rcodes))
	r.add(plain, "refused", "%d by an access list, %d malformed, %d lost in the kernel", d.Queries.Refused, d.Queries.Malformed, d.Queries.Lost)
	if m := d.Members; m != nil {
		r.add(plain, "members", "%d of %d others answered", m.Answered, m.Known)
	}
	r.add(plain, "serving", "%s", strings.Join(d.Server.Served, ", "))
	r.add(plain, "config", "%s, loaded at %s, warnings: %d", d.Config.File, clock(d.Config.Loaded), len(d.Config.Warnings)+d.Config.WarningsMore)
}
