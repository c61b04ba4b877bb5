package forwarder

import (
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

const authors = "the people who keep names failing over"

// newChaos makes the zones of class CH (RFC 4892; BIND's version, hostname and
// server-id). Where nothing is to be told there is a zone without TXT record.
func newChaos(id Identity) static {
	zones := make(static)
	zones.tell("version.bind.", id.Version)
	zones.tell("hostname.bind.", id.Hostname)
	zones.tell("id.server.", id.ServerID)
	zones.tell("authors.bind.", nil)
	if id.Authors {
		text := authors
		zones.tell("authors.bind.", &text)
	}
	return zones
}

// chaosMinimum is the SOA's TTL and MINIMUM in seconds, as BIND has it.
const chaosMinimum = 86400

func (s static) tell(apex string, text *string) {
	h := dns.RR_Header{Name: apex, Class: dns.ClassCHAOS}
	z := &staticZone{apex: apex, names: make(map[string][]dns.RR)}
	if text != nil {
		h.Rrtype = dns.TypeTXT
		z.add(&dns.TXT{Hdr: h, Txt: chunks(*text)})
	}
	soa, ns := h, h
	soa.Rrtype, soa.Ttl = dns.TypeSOA, chaosMinimum
	z.add(&dns.SOA{Hdr: soa, Ns: apex, Mbox: "hostmaster." + apex, Refresh: 28800, Retry: 7200, Expire: 604800, Minttl: chaosMinimum})
	ns.Rrtype = dns.TypeNS
	z.add(&dns.NS{Hdr: ns, Ns: apex})
	s[wire.PackName(apex)] = z
}

// chaos answers a query of class CH, for which allow-query holds.
func (a *answerer) chaos(dst []byte, c *client) []byte {
	if !a.st.sets.query.Match(c.addr.Addr()) {
		return a.prohibited(dst, c)
	}
	name := wire.AppendLower(a.buf[:0], a.q.Name())
	z := a.st.chaos.find(name)
	if z == nil {
		return a.bare(dst, a.echo(), wire.Refused, c, ede{})
	}
	m := a.ours()
	z.answer(m, dns.CanonicalName(m.Question[0].Name), a.q.Type)
	return a.pack(dst, m, c)
}

// chunks splits text into character-strings (RFC 1035, 3.3).
func chunks(text string) (list []string) {
	text = strings.ToValidUTF8(text, "?")
	for len(text) > 255 {
		list, text = append(list, text[:255]), text[255:]
	}
	return append(list, text)
}
