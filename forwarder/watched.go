package forwarder

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// Answers of watched names, and those whose additional section lacks the addresses of
// such, are marked in the cache. A chain is cut where it comes to a watched name, so
// that its data is under its own key alone.

// hitWatched replies with a fresh entry that is open or marked.
func (w *worker) hitWatched(dst []byte, e cache.Entry, q *query) ([]byte, outcome) {
	f := w.fresh(e, q)
	if f.plain.Open() {
		return w.walkFrom(dst, q, f)
	}
	return w.respond(dst, q, &f.response, f.zone), replied
}

// replyWatched appends a reply with ans, which is marked.
func (w *worker) replyWatched(dst []byte, q *query, ans wire.Answer, g wire.Aging, e ede) []byte {
	var buf [maxKey]byte
	if name := wire.AppendLower(buf[:0], q.Name()); w.watches.Wants(name) {
		g = g.AtMost(w.watchTTL)
		if ans.Count(0) > 0 {
			w.noteGiven(q, name, q.Type, g.Of(ans.LongestTTL()))
		}
	}
	if ans.Count(0) > 0 && w.watches.Pins() != nil && scrub.NamesHosts(q.Type) {
		return w.replyWithPins(dst, q, ans, g, e)
	}
	return w.reply(dst, q, ans, g, e)
}

// replyWithPins appends a reply with what is pinned of the hosts that ans names.
func (w *worker) replyWithPins(dst []byte, q *query, ans wire.Answer, g wire.Aging, e ede) []byte {
	said := new(dns.Msg)
	if said.Unpack(wire.AppendReply(nil, &q.Query, wire.QR, ans, g, &w.order)) != nil {
		return w.reply(dst, q, ans, g, e)
	}
	m := w.newReply(q)
	m.Rcode, m.Answer, m.Ns, m.Extra = said.Rcode, said.Answer, said.Ns, said.Extra
	e = w.withPins(m, q, e)
	if len(m.Extra) == 0 {
		return w.reply(dst, q, ans, g, e)
	}
	return w.appendPacked(dst, m, q, e)
}

// noteGiven notes who gets data of a watched name, and for how long.
func (w *worker) noteGiven(q *query, name []byte, rtype uint16, ttl uint32) {
	if q.via != viaExchange && !w.isPeer(q) {
		w.watches.Given(name, rtype, q.addr.Addr(), ttl, w.now)
	}
}

// isPeer reports whether a query is the other forwarder's of a pair, which compares what
// is given: it hands nothing on.
func (w *worker) isPeer(q *query) bool {
	return q.Flags&wire.RD == 0 && slices.Contains(w.peers, q.addr.Addr().Unmap().WithZone(""))
}

// shorten bounds the TTLs of m, the reply at the end of a walk through a watched name.
func (w *worker) shorten(m *dns.Msg, k *walk, q *query) {
	for _, section := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for i, rr := range section {
			if rr.Header().Ttl > w.watchTTL {
				section[i] = withTTL(rr, w.watchTTL) // it may be the zone's
			}
		}
	}
	for i := range k.parts {
		p := &k.parts[i]
		name := p.question[:max(0, len(p.question)-4)]
		if p.zone == nil && p.plain.Count(0) > 0 && w.watches.Wants(name) {
			w.noteGiven(q, name, q.Type, w.aging(&p.response).AtMost(w.watchTTL).Of(p.plain.LongestTTL()))
		}
	}
}

// isOutdated reports whether something that k has passed is pinned since.
func (w *worker) isOutdated(k *walk) (is bool) {
	pins := w.watches.Pins()
	if pins == k.pins {
		return false
	}
	k.pins = pins
	for i := range k.parts {
		p := &k.parts[i]
		if p.zone != nil {
			is = is || slices.ContainsFunc(p.zone.Answer, func(rr dns.RR) bool {
				return w.pinOf([]byte(wire.PackName(rr.Header().Name)), k.link.Type) != nil
			})
			continue
		}
		p.plain.Owners(string(p.question), func(name []byte) bool {
			is = is || w.pinOf(name, k.link.Type) != nil
			return !is
		})
	}
	return is
}

// isApart reports whether the addresses of a name are not kept beside other data.
func (r *resolver) isApart(name []byte) bool {
	is := r.watches.Wants(name)
	r.parted = r.parted || is
	return is
}

// observe tells the watches what the answer in r.msg says of a watched name. What that
// changes is in force when it returns.
func (r *resolver) observe(f *fetch) {
	if f.watched == nil && !r.watches.Wants(f.key.Name()) {
		return
	}
	o := r.observation(f)
	for _, rr := range r.said(f.key.Type(), f.key.Name()) {
		if len(o.RRs) == 0 || rr.Header().Ttl < o.TTL {
			o.TTL = rr.Header().Ttl
		}
		o.RRs = append(o.RRs, rr)
	}
	r.tell(o)
}

// observeFailure tells them that there is no answer.
func (r *resolver) observeFailure(f *fetch) {
	if f.watched != nil || r.watches.Wants(f.key.Name()) {
		o := r.observation(f)
		o.Failed = true
		r.tell(o)
	}
}

func (r *resolver) observation(f *fetch) watch.Observation {
	return watch.Observation{Name: string(f.key.Name()), Type: f.key.Type(), Asked: r.asOf, Question: f.watched}
}

func (r *resolver) tell(o watch.Observation) {
	r.watches.Observe(o, r.moment())
	r.applyPins()
	r.askWatched(r.watches.Again(), &r.misses)
	r.watcher.awake()
}

// said are the records of r.msg that lead from its question, name, to its data, and these.
// An alias that leads to a denial, or back to itself, is one: who guarded it would refuse
// the addresses of before.
func (r *resolver) said(qtype uint16, name []byte) (rrs []dns.RR) {
	m := new(dns.Msg)
	if m.Unpack(r.msg.Msg) != nil || r.class == scrub.Negative {
		return nil
	}
	if r.chain.Hops > 0 && !r.chain.Data && bytes.Equal(endOf(m.Answer, name), name) {
		return nil
	}
	for _, rr := range m.Answer {
		if t := rr.Header().Rrtype; t == qtype || t == dns.TypeCNAME {
			rrs = append(rrs, rr)
		}
	}
	return rrs
}

// isAddress reports whether changes of a type are told of all names.
func isAddress(rtype uint16) bool { return rtype == wire.TypeA || rtype == wire.TypeAAAA }

// noteChange tells the watches of other addresses in the answer to f than the cache had.
func (r *resolver) noteChange(f *fetch, now wire.Answer) {
	if r.former == "" || now.Open() || r.watches.Wants(f.key.Name()) {
		return
	}
	_, before := splitValue(r.former.Value())
	var buf [2][16]netip.Addr
	was, is := before.Addresses(buf[0][:0]), now.Addresses(buf[1][:0])
	slices.SortFunc(was, netip.Addr.Compare)
	slices.SortFunc(is, netip.Addr.Compare)
	if !slices.Equal(was, is) && !before.Open() {
		r.watches.Seen(string(f.key.Name()), f.key.Type(), texts(was), texts(is), r.moment())
	}
}

func texts(addrs []netip.Addr) []string {
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	return list
}

// moment is the worker's now.
func (w *worker) moment() watch.Moment { return watch.Moment{Now: w.now, Wall: time.Now()} }

// apartFrom returns what ends an answer of a zone here: a name that is overridden; nil:
// nothing.
func (w *worker) apartFrom() func(name string) bool {
	if w.watches.Pins() == nil {
		return nil
	}
	return func(name string) bool {
		return w.watches.Pins().Has([]byte(wire.PackName(name)))
	}
}
