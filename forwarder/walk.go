package forwarder

import (
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/local"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// maxLinks is how many links of a chain are looked up after the first (BIND's
// max-query-restarts).
const maxLinks = 11

// edeLoop is what BIND says of a chain without end.
var edeLoop = ede{0, "max. restarts reached"}

// walk is the way along a chain of CNAMEs whose links have more than one source:
// zones served here, the cache, the servers of each link's own zone. It belongs to
// one client's query, and is done anew for each: what a zone here says is never
// kept.
type walk struct {
	parts     []part
	passed    []string     // owners of the CNAMEs in parts: wire names
	links     int          // looked up after the first
	link      query        // to be looked up next
	beside    local.Beside // what the client gets of zones here
	delegated bool         // link is below a delegation of the zone here

	pins    *watch.Pins // in force when it was looked whether one has come for what it has passed
	watched bool        // it passes through a watched name

	authoritative bool // the first owner is a zone's here
	endless       bool
	rejected      bool // link is; for that reason
	reason        reason
	from          Source
	zone          uint16 // under which the reply is counted
	why           ede
}

// part is what one source says of a chain: a zone here, or upstream of a question.
// It is small: many may wait with theirs.
type part struct {
	zone *dns.Msg // nil: upstream
	response
	question []byte
}

// newWalk begins a walk for q with q itself as the link to be looked up.
func newWalk(q *query, w *worker) *walk {
	k := &walk{from: SourceLocal, zone: q.zoneNumber(), pins: w.watches.Pins()}
	k.link = query{client: q.client, may: q.may, Query: q.Query}
	k.link.EDNS = wire.EDNS{DO: q.EDNS.DO}
	k.beside = w.beside(q)
	k.leadTo(w, wire.AppendLower(nil, q.Name()))
	k.links = 0
	return k
}

// leadTo makes a wire name the next link, and reports whether it may be.
func (k *walk) leadTo(w *worker, name []byte) bool {
	if slices.Contains(k.passed, string(name)) || k.links == maxLinks {
		k.endless, k.why = true, edeLoop
		return false
	}
	k.links++
	k.delegated = false
	k.link.Question = append(name, k.link.Question[len(k.link.Question)-4:]...)
	k.link.setKey(w.cache)
	return true
}

// advance goes on with k until all that is to be had is there (replied), or the
// next link must be asked for upstream (waiting).
func (w *worker) advance(k *walk) outcome {
	for more := true; more; {
		z := w.zoneOf(&k.link)
		if p := w.pinFor(&k.link, z); p != nil {
			r := w.pinned(p, k.link.Type)
			more = w.take(k, &r)
			continue
		}
		if z != nil && !k.delegated {
			more = w.readZone(k, z)
			continue
		}
		f := w.find(k)
		switch {
		case f.rejected:
			k.rejected, k.reason = true, f.reason
			return replied
		case f.what == waiting:
			return waiting
		}
		more = w.take(k, &f.response)
	}
	return replied
}

// find looks for an answer to k's link.
func (w *worker) find(k *walk) found {
	q := &k.link
	if !q.may.cache {
		return found{rejected: true, reason: cacheProhibited}
	}
	e, ok := w.cache.Get(q.hash, q.key)
	fresh := ok && w.now < e.Expires()
	if fresh && suits(e, q.EDNS.DO) {
		return w.fresh(e, q)
	}
	if other, isThere := findOther(w.cache, q.key, q.EDNS.DO, fresh, w.now); isThere {
		return w.fresh(other, q)
	}
	return w.beyond(e, ok, q)
}

// take adds what upstream or the cache says of k's link, and reports whether the
// chain goes on.
func (w *worker) take(k *walk, r *response) (more bool) {
	p := part{response: *r, question: k.link.Question}
	k.watched = k.watched || w.watches.Wants(k.link.name())
	said := w.unpack(k, &p)
	k.add(p, said)
	k.noteSource(r.from)
	if r.why != (ede{}) {
		k.why = r.why
	}
	return r.forDO(k.link.EDNS.DO).Open() && k.leadTo(w, endOf(said.Answer, k.link.name()))
}

// unpack returns what a part says now.
func (w *worker) unpack(k *walk, p *part) *dns.Msg {
	if p.zone != nil {
		return p.zone
	}
	q := wire.Query{Question: p.question}
	m := new(dns.Msg)
	if m.Unpack(wire.AppendReply(nil, &q, wire.QR, p.forDO(k.link.EDNS.DO), w.aging(&p.response), &w.order)) != nil {
		m.Rcode = dns.RcodeServerFailure
	}
	return m
}

// endOf returns the name to which the CNAMEs in a part lead from name, or one of a
// loop: wire names.
func endOf(rrs []dns.RR, name []byte) []byte {
	end := string(name)
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok && wire.PackName(c.Hdr.Name) == end {
			end = wire.PackName(c.Target)
		}
	}
	return []byte(end)
}

// add adds a part, and notes the names that the chain has passed with it.
func (k *walk) add(p part, said *dns.Msg) {
	k.parts = append(k.parts, p)
	for _, rr := range said.Answer {
		if rr.Header().Rrtype == dns.TypeCNAME {
			k.passed = append(k.passed, wire.PackName(rr.Header().Name))
		}
	}
}

// noteSource keeps the source that the reply is counted under: an override outweighs
// that upstream was asked, that what is stale, and that what is fresh.
func (k *walk) noteSource(from Source) {
	switch {
	case from == SourceOverride:
		k.from = from
	case k.from == SourceOverride, k.from == SourceMiss, k.from == SourceJoined, k.from == SourceStale && from == SourceHit:
	default:
		k.from = from
	}
}

// readZone adds what the zone z has of k's link, and reports whether the chain
// goes on.
func (w *worker) readZone(k *walk, z *local.Zone) (more bool) {
	first := len(k.parts) == 0
	if !first && (k.link.Flags&wire.RD == 0 || !k.link.may.recurse || !w.mayRead(z, &k.link)) {
		return false // BIND goes from zone to zone for those alone that want recursion, and may have it
	}
	m := new(dns.Msg)
	rest := z.Answer(m, wire.NameText(k.link.name()), k.link.Type, k.beside)
	k.authoritative = k.authoritative || first && (rest.Kind != local.Delegated || len(m.Answer) > 0)
	k.endless = rest.Kind == local.Endless
	w.besideOverride(m, k, &rest)
	asked := rest.Kind == local.Delegated && k.link.Flags&wire.RD != 0 && k.link.may.recurse
	if asked {
		m.Ns, m.Extra = m.Ns[:rest.Proofs], nil
	}
	if !asked || len(m.Answer) > 0 {
		k.add(part{zone: m}, m)
	}
	switch {
	case k.endless:
		k.why = edeLoop
		return false
	case rest.Kind == local.Failed:
		k.why = edeUnloaded
		return false
	case rest.Kind == local.Alias:
		return k.leadTo(w, []byte(wire.PackName(rest.Name)))
	case asked:
		k.delegated = k.leadTo(w, []byte(wire.PackName(rest.Name)))
		return k.delegated
	}
	return false
}

// replyWalk appends the reply to q, whose walk has come to its end.
func (w *worker) replyWalk(dst []byte, q *query) []byte {
	k := q.walk
	if len(k.parts) == 0 {
		q.zone = k.link.zone
		return w.reject(dst, q, k.reason)
	}
	if k.rejected && k.reason.prohibited() { // the rest of the chain, as in BIND
		w.logDenied(q, k.link.Question, k.reason)
		k.why = w.deniedEDE(k.reason)
	}
	m := w.newReply(q)
	m.Authoritative = k.authoritative
	var proofs []dns.RR
	for i := range k.parts {
		said := w.unpack(k, &k.parts[i])
		m.Answer = append(m.Answer, said.Answer...)
		m.Rcode, m.Ns, m.Extra = said.Rcode, append(proofs, said.Ns...), said.Extra
		if k.parts[i].zone != nil { // of wildcards on the way (RFC 4035, 3.1.3.3)
			proofs = m.Ns
		}
	}
	m.Answer = withoutRepeats(m.Answer)
	k.finish(m)
	k.why = w.withPins(m, q, k.why)
	if k.watched {
		w.shorten(m, k, q)
	}
	w.count(q, k.zone, k.from, m.Rcode)
	return w.appendPacked(dst, m, q, k.why)
}

// withoutRepeats takes away the CNAMEs of names that have one already: those of a
// loop.
func withoutRepeats(rrs []dns.RR) []dns.RR {
	owners := make(map[string]bool)
	return slices.DeleteFunc(rrs, func(rr dns.RR) bool {
		if rr.Header().Rrtype != dns.TypeCNAME {
			return false
		}
		owner := dns.CanonicalName(rr.Header().Name)
		isAgain := owners[owner]
		owners[owner] = true
		return isAgain
	})
}

// finish gives m the rcode of a walk that ended before the chain: an alias whose
// rest the client may not have, or nobody here has, stands alone, as in BIND; that
// of the last link counts otherwise (RFC 6604, 3).
func (k *walk) finish(m *dns.Msg) {
	switch {
	case k.endless:
		m.Rcode = dns.RcodeServerFailure
	case !k.rejected, k.reason.prohibited(), k.reason == noRecursion, k.reason == noForwarders && k.link.zone == nil:
	default:
		m.Rcode, k.why = rejections[k.reason].rcode, rejections[k.reason].ede
	}
	if m.Rcode == dns.RcodeServerFailure && !k.endless {
		m.Authoritative, m.Answer, m.Ns, m.Extra = false, nil, nil, nil
	}
}

// walkFrom begins q's walk with what was found of q itself.
func (w *worker) walkFrom(dst []byte, q *query, f found) ([]byte, outcome) {
	q.walk = newWalk(q, w)
	q.walk.zone = f.zone
	if !w.take(q.walk, &f.response) {
		return w.replyWalk(dst, q), replied
	}
	return w.walkOn(dst, q)
}

// walkOn goes on with q's walk, and appends the reply when it is at its end.
func (w *worker) walkOn(dst []byte, q *query) ([]byte, outcome) {
	if w.advance(q.walk) == waiting {
		return dst, waiting
	}
	return w.replyWalk(dst, q), replied
}
