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

func newLocalZones(cfg *config.Config, env acl.Env) (localZones, error) {
	zones := make(local.Zones, len(cfg.Local))
	for _, z := range cfg.Local {
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

// fromZone answers from z. A forward zone below it is the more specific and wins.
func (w *worker) fromZone(dst []byte, z *local.Zone, q *query) ([]byte, outcome) {
	allow := w.st.local.allow[z]
	if allow == nil {
		allow = w.st.sets.query
	}
	if q.via != viaExchange && !allow.Match(q.addr.Addr()) {
		return w.reject(dst, q, prohibited), replied
	}
	m := authoritative(q)
	m.RecursionAvailable = q.may.recurse && w.st.cfg.Recursion
	rest := z.Answer(m, dns.CanonicalName(m.Question[0].Name), q.Type, w.beside(q))
	m.Authoritative = rest.Kind != local.Delegated || len(m.Answer) > 0
	return w.replyPacked(dst, m, q), replied
}

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
	if z := w.st.local.Find(q.name(), q.Type); z != nil {
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
	m := authoritative(q)
	z.Answer(m, dns.CanonicalName(m.Question[0].Name), q.Type, local.Beside{})
	return w.replyPacked(dst, m, q)
}

// authoritative starts an authoritative reply to q.
func authoritative(q *query) *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response, m.Authoritative, m.Compress = q.ID, true, true, true
	m.RecursionDesired = q.Flags&wire.RD != 0
	m.CheckingDisabled = q.Flags&wire.CD != 0
	m.Question = []dns.Question{{Name: wire.NameText(q.Name()), Qtype: q.Type, Qclass: q.Class}}
	return m
}

// replyPacked appends m with our OPT and within the client's size.
func (w *worker) replyPacked(dst []byte, m *dns.Msg, q *query) []byte {
	if q.Type == dns.TypeANY && w.st.cfg.MinimalAny && q.via == viaUDP && len(m.Answer) > 0 {
		m.Answer = scrub.FirstSet(m.Answer)
	}
	limit := w.limit(q)
	if q.via == viaUDP {
		m.Truncate(limit)
	}
	packed, err := m.Pack()
	if err != nil {
		w.count(q, 0, SourceLocal, wire.ServFail)
		return w.replyEmpty(dst, q, w.flags(q), wire.ServFail, ede{})
	}
	w.count(q, 0, SourceLocal, m.Rcode)
	from := len(dst)
	dst = append(dst, packed...)
	copy(dst[from+wire.HeaderLen:], q.Question)
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, m.Rcode, q, ede{})
	}
	if len(dst)-from > limit { // by our OPT
		return w.replyEmpty(dst[:from], q, wire.Flags(packed)|wire.TC, m.Rcode, ede{})
	}
	return dst
}
