package forwarder

import (
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"

	"vpcdns/forwarder/local"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// What is pinned of a watched or overridden name is answered in place of all other
// sources. Nothing is cached under its key meanwhile: see resolver.keep.

// pinOf returns what is pinned of a lower-case wire name, or nil.
func (w *worker) pinOf(name []byte, qtype uint16) *watch.Pin {
	return w.watches.Pins().Find(name, qtype, w.now)
}

// pinFor returns what is pinned of q's name, which z has if it is in a zone here, unless
// the client may not have it.
func (w *worker) pinFor(q *query, z *local.Zone) *watch.Pin {
	p := w.pinOf(q.name(), q.Type)
	if p == nil || !w.isAbove(p, q.name(), q.Type, z) {
		return nil
	}
	if z == nil && !q.may.cache || z != nil && !w.mayRead(z, q) {
		return nil
	}
	return p
}

// isAbove reports whether p lies above what there is of its name: an override does; what
// upstream was believed to say does no longer where a reload has put another source.
func (w *worker) isAbove(p *watch.Pin, name []byte, qtype uint16, z *local.Zone) bool {
	if p.Override {
		return true
	}
	f := w.st.routes.find(name, qtype)
	return z == nil && f != nil && len(f.servers) > 0
}

// fromPin answers from p, and from where that leads to.
func (w *worker) fromPin(dst []byte, p *watch.Pin, q *query) ([]byte, outcome) {
	q.zone = w.st.routes.find(q.name(), q.Type)
	r := w.pinned(p, q.Type)
	if r.plain.Open() {
		return w.walkFrom(dst, q, found{response: r, zone: q.zoneNumber()})
	}
	return w.respond(dst, q, &r, q.zoneNumber()), replied
}

// pinned is the response that p is to a question of that type.
func (w *worker) pinned(p *watch.Pin, qtype uint16) response {
	r := response{answers: both(w.pins.of(w.watches.Pins(), p, goesOn(p, qtype))), asOf: w.now, from: SourceHit, why: ede{p.EDE, p.EDEText}}
	if p.Override {
		r.from = SourceOverride
	}
	return r
}

// pinAnswers are pins in wire form, each made when it is first asked for. They are
// those of one moment: a later one begins anew.
type pinAnswers struct{ current atomic.Pointer[pinSet] }

type pinSet struct {
	of      *watch.Pins
	answers [2]sync.Map // wire.Answer by *watch.Pin; the second ones are open
}

// of returns the answer that p is, which is one of pins.
func (a *pinAnswers) of(pins *watch.Pins, p *watch.Pin, open bool) wire.Answer {
	s := a.current.Load()
	if s == nil || s.of != pins {
		s = &pinSet{of: pins}
		a.current.Store(s)
	}
	made := &s.answers[0]
	if open {
		made = &s.answers[1]
	}
	if ans, ok := made.Load(p); ok {
		return ans.(wire.Answer)
	}
	ans := pinAnswer(p, open)
	made.Store(p, ans)
	return ans
}

// goesOn reports whether p is a chain that leads on for a question of that type.
func goesOn(p *watch.Pin, qtype uint16) bool {
	return p.RRs[len(p.RRs)-1].Header().Rrtype == dns.TypeCNAME && qtype != dns.TypeCNAME && qtype != dns.TypeANY
}

// pinAnswer writes a pin. It is marked.
func pinAnswer(p *watch.Pin, open bool) wire.Answer {
	owner := dns.CanonicalName(p.RRs[0].Header().Name)
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Compress: true, Question: []dns.Question{{Name: owner, Qtype: dns.TypeA, Qclass: dns.ClassINET}}}
	for _, rr := range p.RRs {
		rr = dns.Copy(rr)
		rr.Header().Name = dns.CanonicalName(rr.Header().Name)
		m.Answer = append(m.Answer, rr)
	}
	msg, err := m.Pack()
	var parsed wire.Message
	if err != nil || !parsed.Parse(msg) || !parsed.Keepable() {
		return servfail
	}
	value, _ := parsed.AppendAnswer(nil, wire.TTLPolicy{Max: p.TTL})
	wire.SetMarked(value)
	if open {
		wire.SetOpen(value)
	}
	return wire.Answer(value)
}

// isPinned reports whether nothing may be kept under key, as something is pinned there.
// inflight.mu is held: a pin that comes after this drops what was kept.
func (w *worker) isPinned(key wire.Key) bool { return w.pinOf(key.Name(), key.Type()) != nil }

// exists reports whether something is pinned of a name, of whatever type: then an
// NXDOMAIN of upstream is none.
func (w *worker) exists(name []byte) bool {
	pins := w.watches.Pins()
	return pins.Has(name) || pins.Find(name, wire.TypeANY, w.now) != nil
}

// cutAlias makes the answer in r.msg NODATA if it says that a name is an alias of which
// what is pinned says that it is none: there is no other data beside a CNAME (RFC 1034,
// 3.6.2), and who kept it would follow it for the pinned type too.
func (r *resolver) cutAlias(f *fetch) {
	isAlias := r.chain.Hops > 0 || r.chain.Data && f.key.Type() == wire.TypeCNAME
	if isAlias && r.watches.Pins().HasData(f.key.Name(), r.now) {
		r.msg.Clear()
		r.class, r.chain = scrub.Negative, wire.Chain{}
	}
}

// dropAliases drops what was kept, and forgets what is under way, of all types of key's
// name where that may be an alias: whether it is one, the pin says.
func (e *engine) dropAliases(key wire.Key) {
	eachType(key, func() {
		e.inflight.forgetKey(key)
		hash := e.cache.Hash(key)
		e.repeats.drop(hash, key)
		if kept, ok := e.cache.Get(hash, key); ok {
			if _, ans := splitValue(kept.Value()); ans.IsAlias() || ans.Count(0)+ans.Count(1) == 0 { // of cutAlias
				dropBits(e.cache, key)
			}
		}
	})
}

// applyPins drops what is cached, and forgets what is under way, of all whose pin has
// changed. What comes from now on finds the pin.
func (e *engine) applyPins() {
	e.watcher.mu.Lock()
	defer e.watcher.mu.Unlock()
	pins := e.watches.Pins()
	if pins == e.watcher.applied {
		return
	}
	for _, k := range pins.Changed(e.watcher.applied) {
		key := append(wire.Key(k.Name), byte(k.Type>>8), byte(k.Type), 0, wire.ClassIN, 0)
		e.dropAliases(key)
		dropBits(e.cache, key)
		dropBits(e.cache, forAllTypes(nil, key))
		key.SetType(wire.TypeANY)
		dropBits(e.cache, key)
	}
	e.watcher.applied = pins
}

// besideOverride makes what a zone here says of other types of an overridden name fit: the
// name exists, else caches deny what is overridden too, and is no alias.
func (w *worker) besideOverride(m *dns.Msg, k *walk, rest *local.Rest) {
	pins := w.watches.Pins()
	if pins == nil {
		return
	}
	if m.Rcode == dns.RcodeNameError && pins.Has(endOf(m.Answer, k.link.name())) {
		m.Rcode = dns.RcodeSuccess
	}
	if len(m.Answer) == 0 || k.link.Type == dns.TypeDNAME || !pins.Has(k.link.name()) {
		return
	}
	if t := m.Answer[0].Header().Rrtype; t == dns.TypeCNAME || t == dns.TypeDNAME {
		m.Answer, m.Rcode, *rest = nil, dns.RcodeSuccess, local.Rest{}
	}
}

// withPins puts what is pinned of the hosts that m's answer names into its additional
// section, in place of what is there of them. It returns why: e, or that an operator said
// so.
func (w *worker) withPins(m *dns.Msg, q *query, e ede) ede {
	pins := w.watches.Pins()
	if pins == nil || !w.beside(q).Additional {
		return e
	}
	for _, rr := range m.Answer {
		host := scrub.Host(rr)
		for _, rtype := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
			name := []byte(wire.PackName(host))
			p := pins.Find(name, rtype, w.now)
			if p == nil || host == "" || !w.mayJoin(p, name, rtype, q) {
				continue
			}
			m.Extra = scrub.Without(m.Extra, host, rtype)
			w.noteGiven(q, name, rtype, p.TTL)
			if p.Override && e == (ede{}) {
				e = ede{p.EDE, p.EDEText}
			}
			for _, rr := range p.RRs {
				if h := rr.Header(); h.Rrtype == rtype && dns.CanonicalName(h.Name) == host {
					m.Extra = append(m.Extra, withTTL(rr, p.TTL))
				}
			}
		}
	}
	return e
}

// mayJoin reports whether q's client gets what is pinned of a host beside its answer.
func (w *worker) mayJoin(p *watch.Pin, host []byte, rtype uint16, q *query) bool {
	z := w.st.zoneAt(host, rtype)
	return w.isAbove(p, host, rtype, z) && (z == nil || w.mayRead(z, q))
}

// withTTL returns a copy of rr with that TTL.
func withTTL(rr dns.RR, ttl uint32) dns.RR {
	rr = dns.Copy(rr)
	rr.Header().Ttl = ttl
	return rr
}
