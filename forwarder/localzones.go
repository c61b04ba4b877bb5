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
	zones := localZones{make(local.Zones, len(cfg.Local)), make(map[*local.Zone]*acl.Set)}
	for _, z := range cfg.Local {
		made, err := local.NewZone(z.Name, z.Records)
		if err != nil {
			return localZones{}, err
		}
		zones.Add(made)
		if z.AllowQuery != nil {
			zones.allow[made] = z.AllowQuery.Compile(env)
		}
	}
	return zones, nil
}

// fromZone answers from z. A forward zone below it is the more specific and wins.
func (a *answerer) fromZone(dst []byte, z *local.Zone, c *client) ([]byte, outcome) {
	allow := a.st.local.allow[z]
	if allow == nil {
		allow = a.st.sets.query
	}
	if !allow.Match(c.addr.Addr()) {
		return a.prohibited(dst, c), replied
	}
	m := a.ours()
	if a.rights.recurse {
		m.RecursionAvailable = a.st.cfg.Recursion
	}
	z.Answer(m, dns.CanonicalName(m.Question[0].Name), a.q.Type)
	return a.pack(dst, m, c), replied
}

// ours starts an authoritative reply to the current query.
func (a *answerer) ours() *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response, m.Authoritative, m.Compress = a.q.ID, true, true, true
	m.RecursionDesired = a.q.Flags&wire.RD != 0
	m.CheckingDisabled = a.q.Flags&wire.CD != 0
	m.Question = []dns.Question{{Name: wire.NameText(a.q.Name()), Qtype: a.q.Type, Qclass: a.q.Class}}
	return m
}

// pack appends m, which ours began, with our OPT and within the client's size.
func (a *answerer) pack(dst []byte, m *dns.Msg, c *client) []byte {
	if a.q.Type == dns.TypeANY && a.st.cfg.MinimalAny && !c.tcp && len(m.Answer) > 0 {
		m.Answer = scrub.FirstSet(m.Answer)
	}
	if !c.tcp {
		m.Truncate(a.limit(c))
	}
	packed, err := m.Pack()
	if err != nil {
		return a.fail(dst, c, ede{})
	}
	from := len(dst)
	dst = append(dst, packed...)
	copy(dst[from+wire.HeaderLen:], a.q.Question)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, m.Rcode, c, ede{})
	}
	if len(dst)-from > a.limit(c) { // by our OPT
		return a.bare(dst[:from], wire.Flags(packed)|wire.TC, m.Rcode, c, ede{})
	}
	a.count(0, SourceLocal, m.Rcode)
	return dst
}

// chaos answers a query of class CH, for which allow-query holds.
func (a *answerer) chaos(dst []byte, c *client) []byte {
	if !a.st.sets.query.Match(c.addr.Addr()) {
		return a.prohibited(dst, c)
	}
	name := wire.AppendLower(a.buf[:0], a.q.Name())
	z := a.st.chaos.Find(name)
	if z == nil {
		return a.bare(dst, a.echo(), wire.Refused, c, ede{})
	}
	m := a.ours()
	z.Answer(m, dns.CanonicalName(m.Question[0].Name), a.q.Type)
	return a.pack(dst, m, c)
}
