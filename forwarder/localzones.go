package forwarder

import (
	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/wire"
)

// localZones are the zones that are served here, each with who may ask for it.
type localZones struct {
	local.Zones
	allow map[*local.Zone]*acl.Set // without: allow-query
}

// newLocalZones makes the zones of cfg. One that could not be loaded stays what it was in
// former.
func newLocalZones(cfg *config.Config, env acl.Env, former local.Zones) (localZones, error) {
	zones := make(local.Zones, len(cfg.Local))
	for _, z := range cfg.Local {
		if z.Err != nil {
			zones.Add(former.OrUnloaded(z.Name))
			continue
		}
		made, err := local.NewZone(z.Name, z.Records)
		if err != nil {
			return localZones{}, err
		}
		zones.Add(made)
	}
	return localZones{Zones: zones}.withEnv(cfg, env), nil
}

// withEnv returns the same zones with the access lists for other interfaces.
func (l localZones) withEnv(cfg *config.Config, env acl.Env) localZones {
	old := l.allow
	l.allow = make(map[*local.Zone]*acl.Set)
	for _, z := range cfg.Local {
		if z.AllowQuery != nil {
			zone := l.Zones[wire.PackName(z.Name)]
			l.allow[zone] = z.AllowQuery.Recompile(env, old[zone])
		}
	}
	return l
}

// zoneAt returns the zone served here that has a lower-case wire name, or nil. A
// forward zone below it is the more specific and wins.
func (st *state) zoneAt(name []byte, qtype uint16) *local.Zone {
	z := st.local.Find(name, qtype)
	if z == nil {
		return nil
	}
	if f := st.routes.find(name, qtype); f != nil && len(f.name) > len(z.Apex) {
		return nil
	}
	return z
}

// mayRead reports whether q's client may ask for the zone.
func (w *worker) mayRead(z *local.Zone, q *query) bool {
	allow := w.st.local.allow[z]
	if allow == nil {
		allow = w.st.sets.query
	}
	return q.via == viaExchange || allow.Match(q.addr.Addr())
}

// fromZone answers from z, and from where that leads to.
func (w *worker) fromZone(dst []byte, z *local.Zone, q *query) ([]byte, outcome) {
	if !w.mayRead(z, q) {
		return w.reject(dst, q, prohibited), replied
	}
	q.walk = newWalk(q, w)
	return w.walkOn(dst, q)
}

// edeUnloaded says why a zone has no answers (RFC 8914, 4.25).
var edeUnloaded = ede{24, "the zone's file could not be loaded, see the log"}

// beside returns what a client gets beside the answer of a zone (BIND's
// minimal-responses).
func (w *worker) beside(q *query) local.Beside {
	full := !w.st.cfg.MinimalResponses
	return local.Beside{DO: q.EDNS.DO, Authority: full && q.Flags&wire.RD == 0, Additional: full}
}

// deny turns away a client that may not read the cache, unless a local zone has
// other rules.
func (w *worker) deny(dst []byte, q *query) ([]byte, outcome) {
	q.setKey(w.cache)
	if z := w.st.zoneAt(q.name(), q.Type); z != nil {
		return w.fromZone(dst, z, q)
	}
	return w.reject(dst, q, prohibited), replied
}

// answerChaos answers a query of class CH, for which allow-query holds.
func (w *worker) answerChaos(dst []byte, q *query) []byte {
	if q.via != viaExchange && !w.st.sets.query.Match(q.addr.Addr()) {
		return w.reject(dst, q, prohibited)
	}
	z := w.st.chaos.Find(wire.AppendLower(q.buf[:0], q.Name()), dns.TypeNone) // of any type
	if z == nil {
		return w.reject(dst, q, noChaosZone)
	}
	m := w.newReply(q)
	m.Authoritative, m.RecursionAvailable = true, false
	z.Answer(m, dns.CanonicalName(m.Question[0].Name), q.Type, local.Beside{})
	w.count(q, 0, SourceLocal, m.Rcode)
	return w.appendPacked(dst, m, q, ede{})
}

// newReply starts a reply to q that is packed by miekg/dns.
func (w *worker) newReply(q *query) *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response, m.Compress = q.ID, true, true
	flags := w.flags(q)
	m.RecursionDesired = flags&wire.RD != 0
	m.RecursionAvailable = flags&wire.RA != 0
	m.CheckingDisabled = flags&wire.CD != 0
	m.Question = []dns.Question{{Name: wire.NameText(q.Name()), Qtype: q.Type, Qclass: q.Class}}
	return m
}

// appendPacked appends m with our OPT and within the client's size.
func (w *worker) appendPacked(dst []byte, m *dns.Msg, q *query, e ede) []byte {
	if q.Type == dns.TypeANY && w.st.cfg.MinimalAny && q.via == viaUDP && len(m.Answer) > 0 {
		m.Answer = scrub.FirstSet(m.Answer)
	}
	limit := w.limit(q)
	if q.via == viaUDP {
		m.Truncate(limit)
		m.Compress = true // what fits uncompressed too
	}
	packed, err := m.Pack()
	if err != nil {
		return w.replyEmpty(dst, q, w.flags(q), wire.ServFail, ede{})
	}
	from := len(dst)
	dst = append(dst, packed...)
	copy(dst[from+wire.HeaderLen:], q.Question)
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, m.Rcode, q, e)
	}
	if len(dst)-from > limit { // by our OPT
		return w.replyEmpty(dst[:from], q, wire.Flags(packed)|wire.TC, m.Rcode, e)
	}
	return dst
}
