package forwarder

import (
	"strings"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/local"
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

// zoneOf returns the zone served here that answers q, or nil. Of an apex the zone above
// has the DS record; who may not ask for that gets the denial of the zone itself (RFC
// 4035, 3.1.4.1).
func (w *worker) zoneOf(q *query) *local.Zone {
	z := w.st.zoneAt(q.name(), q.Type)
	if z != nil || q.Type != dns.TypeDS {
		return z
	}
	q.zone = w.st.routes.find(q.name(), q.Type)
	if _, rejected := w.mayAsk(q); !rejected {
		return nil
	}
	return w.st.local.Zones[string(q.name())]
}

// mayRead reports whether q's client may ask for the zone.
func (w *worker) mayRead(z *local.Zone, q *query) bool {
	allow := w.st.local.allow[z]
	if allow == nil {
		allow = w.st.sets.query
	}
	return q.via == viaExchange || allow.Match(q.addr.Addr())
}

// prohibits returns which access list it is that excludes who may not ask for z.
func (l localZones) prohibits(z *local.Zone) reason {
	if l.allow[z] == nil {
		return queryProhibited
	}
	return zoneProhibited
}

// fromZone answers from z, and from where that leads to.
func (w *worker) fromZone(dst []byte, z *local.Zone, q *query) ([]byte, outcome) {
	if !w.mayRead(z, q) {
		return w.reject(dst, q, w.st.local.prohibits(z)), replied
	}
	q.walk = newWalk(q, w)
	return w.walkOn(dst, q)
}

// edeUnloaded says why a zone has no answers (RFC 8914, 4.25).
var edeUnloaded = ede{24, "the zone's file could not be loaded, see the log"}

// beside returns what a client gets beside the answer of a zone (BIND's
// minimal-responses).
func (w *worker) beside(q *query) local.Beside {
	b := local.Beside{DO: q.EDNS.DO, Authority: q.Flags&wire.RD == 0, Additional: true, Apart: w.apartFrom()}
	small := q.via == viaUDP && q.EDNS.Present && q.EDNS.UDPSize <= smallestUDP
	b.OneSet = q.via == viaUDP && w.st.cfg.MinimalAny
	if small || w.st.cfg.MinimalResponses && q.Type != dns.TypeNS || isKey(q.Type) || b.OneSet && q.Type == dns.TypeANY {
		b.Authority, b.Additional = false, false
	}
	return b
}

// isKey reports whether a type is one of DNSSEC's keys, which go without more.
func isKey(qtype uint16) bool {
	switch qtype {
	case dns.TypeDNSKEY, dns.TypeDS, dns.TypeCDNSKEY, dns.TypeCDS:
		return true
	}
	return false
}

// deny turns away a client that may not read the cache, unless a local zone has
// other rules.
func (w *worker) deny(dst []byte, q *query) ([]byte, outcome) {
	q.setKey(w.cache)
	if z := w.zoneOf(q); z != nil {
		return w.fromZone(dst, z, q)
	}
	return w.reject(dst, q, cacheProhibited), replied
}

// answerChaos answers a query of class CH, for which allow-query holds.
func (w *worker) answerChaos(dst []byte, q *query) []byte {
	z := w.st.chaos.Find(wire.AppendLower(q.buf[:0], q.Name()), dns.TypeNone) // of any type
	if z == nil {
		return w.reject(dst, q, noChaosZone)
	}
	if q.via != viaExchange && !w.st.sets.query.Match(q.addr.Addr()) {
		return w.reject(dst, q, queryProhibited)
	}
	m := w.newReply(q)
	m.Authoritative, m.RecursionAvailable = true, false
	z.Answer(m, dns.CanonicalName(m.Question[0].Name), q.Type, local.Beside{OneSet: w.beside(q).OneSet})
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
	askedCase(m)
	packed, err := packWithin(m, w.limit(q)-w.lenOPT(q, m.Rcode, e), q.EDNS.Present)
	if err != nil {
		return w.replyEmpty(dst, q, w.flags(q), wire.ServFail, ede{})
	}
	from := len(dst)
	dst = append(dst, packed...)
	copy(dst[from+wire.HeaderLen:], q.Question)
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, m.Rcode, q, e)
	}
	return dst
}

// askedCase gives the owner that was asked for the letters of the question, as BIND does.
func askedCase(m *dns.Msg) {
	name := m.Question[0].Name
	for i, rr := range m.Answer {
		if owner := rr.Header().Name; owner != name && strings.EqualFold(owner, name) {
			m.Answer[i] = dns.Copy(rr) // it is the zone's
			m.Answer[i].Header().Name = name
		}
	}
}

// lenOPT is how much of a reply our OPT takes.
func (w *worker) lenOPT(q *query, rcode int, e ede) int {
	if !q.EDNS.Present {
		return 0
	}
	msg := wire.AppendHeader(nil, q.ID, 0, 0, 0, 0, 0)
	return len(w.appendOPT(msg, 0, rcode, q, e)) - wire.HeaderLen
}

// packWithin packs as much of m as has room. Additional records are left out a set at a
// time, without a sign (RFC 2181, 9); where more must go TC is set, and who has EDNS gets
// nothing else.
func packWithin(m *dns.Msg, room int, edns bool) ([]byte, error) {
	packed, err := m.Pack()
	for err == nil && len(packed) > room && len(m.Extra) > 0 {
		m.Extra = withoutLastSet(m.Extra)
		packed, err = m.Pack()
	}
	if err != nil || len(packed) <= room {
		return packed, err
	}
	m.Truncate(room)
	if m.Truncated = true; edns {
		m.Answer, m.Ns = nil, nil
	}
	return m.Pack()
}

func withoutLastSet(rrs []dns.RR) []dns.RR {
	last := rrs[len(rrs)-1].Header()
	for len(rrs) > 0 {
		if h := rrs[len(rrs)-1].Header(); h.Rrtype != last.Rrtype || h.Name != last.Name {
			break
		}
		rrs = rrs[:len(rrs)-1]
	}
	return rrs
}
