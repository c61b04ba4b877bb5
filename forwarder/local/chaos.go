package local

import (
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

const authors = "the people who keep names failing over"

// Identity is what the CHAOS names and NSID tell. A nil pointer says nothing
// (NODATA).
type Identity struct {
	Version  *string // version.bind
	Hostname *string // hostname.bind
	ServerID *string // id.server, and NSID where it is asked for
	Authors  bool    // authors.bind answers, as it does while `version` is not set
}

// Chaos makes the zones of class CH (RFC 4892; BIND's version, hostname and
// server-id). Where nothing is to be told there is a zone without TXT record.
func Chaos(id Identity) Zones {
	zones := make(Zones)
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

func (s Zones) tell(apex string, text *string) {
	h := dns.RR_Header{Name: apex, Class: dns.ClassCHAOS}
	z := newZone(apex)
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

// chunks splits text into character-strings (RFC 1035, 3.3).
func chunks(text string) (list []string) {
	text = strings.ToValidUTF8(text, "?")
	for len(text) > 255 {
		list, text = append(list, text[:255]), text[255:]
	}
	return append(list, text)
}
