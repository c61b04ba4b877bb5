package forwarder

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/net/dns/dnsmessage"

	"vpcdns/forwarder/wire"
)

// checkReply holds a reply to its query.
func checkReply(t *testing.T, query, reply []byte, tcp bool) {
	t.Helper()
	checkHead(t, query, reply, tcp)
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("reply %x to %x: %v", reply, query, err)
	}
	var q wire.Query
	q.Parse(query)
	if m.AuthenticatedData || m.Zero || m.IsEdns0() != nil && !q.EDNS.Present {
		t.Fatalf("reply to %x has AD, Z, or an OPT that nobody wanted:\n%v", query, m)
	}
}

// checkHead holds the length of a reply and what stands before its records to
// its query.
func checkHead(t *testing.T, query, reply []byte, tcp bool) {
	t.Helper()
	const opcode = 0x78
	var q wire.Query
	q.Parse(query)
	switch most := mostOf(&q, tcp); {
	case len(reply) < wire.HeaderLen || !bytes.Equal(reply[:2], query[:2]):
		t.Fatalf("reply %x to %x: too short, or another ID", reply, query)
	case reply[2]&0x80 == 0 || reply[2]&opcode != query[2]&opcode:
		t.Fatalf("reply %x to %x: no response, or another opcode", reply, query)
	case len(reply) > most:
		t.Fatalf("reply to %x has %d octets, want %d at most", query, len(reply), most)
	}
	if n := int(reply[4])<<8 | int(reply[5]); n > 1 || n == 1 && !bytes.HasPrefix(reply[wire.HeaderLen:], q.Question) {
		t.Fatalf("reply %x to %x: another question", reply, query)
	}
}

// mostOf is what a client takes.
func mostOf(q *wire.Query, tcp bool) int {
	const most = 1232
	switch {
	case tcp:
		return dns.MaxMsgSize
	case q.EDNS.Present:
		return max(dns.MinMsgSize, min(int(q.EDNS.UDPSize), most))
	}
	return dns.MinMsgSize
}

// checkFrame holds a reply to what a forwarder vouches for: the records are
// whole. What is in those that it does not know is upstream's (RFC 3597).
func checkFrame(t *testing.T, reply []byte) {
	t.Helper()
	var p dnsmessage.Parser
	_, err := p.Start(reply)
	if err := cmp.Or(err, p.SkipAllQuestions(), p.SkipAllAnswers(), p.SkipAllAuthorities(), p.SkipAllAdditionals()); err != nil {
		t.Fatalf("reply %x: %v", reply, err)
	}
}

// isQuery reports whether a message is a query that must get a reply.
func isQuery(msg []byte) bool { return len(msg) >= wire.HeaderLen && msg[2]&0x80 == 0 }

// outOfBailiwick returns a record that does not belong to the question: in the
// answer section, its owner is not of the chain; in the authority section, it
// is no part of a denial; in the additional one, no answer has its name.
func outOfBailiwick(m *dns.Msg) dns.RR {
	if len(m.Question) != 1 {
		return nil
	}
	chain := chainOf(m)
	within := func(zone string) bool {
		return slices.ContainsFunc(chain, func(name string) bool { return dns.IsSubDomain(zone, name) })
	}
	for _, rr := range m.Answer {
		owner := dns.CanonicalName(rr.Header().Name)
		_, isDNAME := rr.(*dns.DNAME)
		_, isSig := rr.(*dns.RRSIG)
		if !slices.Contains(chain, owner) && !((isDNAME || isSig) && within(owner)) {
			return rr
		}
	}
	for _, rr := range m.Ns {
		switch rr.Header().Rrtype {
		case dns.TypeSOA:
			if !within(dns.CanonicalName(rr.Header().Name)) {
				return rr
			}
		case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		default:
			return rr
		}
	}
	for _, rr := range m.Extra {
		mentioned := func(by dns.RR) bool { return mentions(by, rr.Header().Name) }
		if rr.Header().Rrtype != dns.TypeOPT && !slices.ContainsFunc(m.Answer, mentioned) {
			return rr
		}
	}
	return nil
}

// chainOf returns the names that the answer section leads to.
func chainOf(m *dns.Msg) []string {
	chain := []string{dns.CanonicalName(m.Question[0].Name)}
	for i := 0; i < len(chain); i++ {
		for _, rr := range m.Answer {
			c, ok := rr.(*dns.CNAME)
			if !ok || dns.CanonicalName(c.Hdr.Name) != chain[i] {
				continue
			}
			if target := dns.CanonicalName(c.Target); !slices.Contains(chain, target) {
				chain = append(chain, target)
			}
		}
	}
	return chain
}

// mentions reports whether rr's data has the name.
func mentions(rr dns.RR, name string) bool {
	for i := 1; i <= dns.NumField(rr); i++ {
		if dns.CanonicalName(dns.Field(rr, i)) == dns.CanonicalName(name) {
			return true
		}
	}
	return false
}
