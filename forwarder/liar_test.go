package forwarder

import (
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// liar is an upstream that says all that it may, and what it must not.
type liar struct {
	*mutator
	broken map[bool]int // broken answers, by whether over TCP
}

func newLiar(tb testing.TB) *liar {
	return &liar{newMutator(tb, 1<<32), make(map[bool]int)}
}

// answer is called by one goroutine at a time.
func (l *liar) answer(q *asking) []byte {
	m := new(dns.Msg)
	if m.Unpack(q.msg) != nil || len(m.Question) != 1 || l.IntN(50) == 0 {
		return nil // silence
	}
	a := l.sound(m, q.tcp)
	a.Compress = l.IntN(2) == 0
	msg, err := a.Pack()
	switch {
	case err != nil:
		return nil
	case l.IntN(4) == 0:
		return msg // what it says is enough
	}
	l.broken[q.tcp]++
	broken := l.mutate(msg, dns.MaxMsgSize)
	if l.IntN(500) > 0 {
		restore(broken, msg, wire.HeaderLen+len(m.Question[0].Name)+5)
	}
	return broken
}

// restore makes ID and question of a broken answer, whose body starts at
// offset body, those of msg, so that the rest is looked at.
func restore(broken, msg []byte, body int) {
	const id = 2
	copy(broken[:min(len(broken), id)], msg)
	if len(broken) >= body {
		broken[4], broken[5] = 0, 1
		copy(broken[wire.HeaderLen:body], msg[wire.HeaderLen:])
	}
}

// sound is a well-formed answer with what it must not say.
func (l *liar) sound(q *dns.Msg, tcp bool) *dns.Msg {
	a := new(dns.Msg).SetReply(q)
	name := q.Question[0].Name
	other := fmt.Sprintf("n%d.b.test.", l.IntN(300))
	for range l.IntN(3) {
		a.Answer = append(a.Answer, l.record(name, other))
	}
	switch l.IntN(8) {
	case 0: // a chain, with or without its end, in any order
		a.Answer = append(a.Answer, l.of(name, dns.TypeCNAME, other), l.of(other, pick(l.mutator, dns.TypeA, dns.TypeCNAME), name))
	case 1:
		a.Answer = append(a.Answer, l.of(name, dns.TypeCNAME, name))
	case 2:
		a.Rcode, a.Ns = dns.RcodeNameError, []dns.RR{l.of(pick(l.mutator, "test.", ".", "elsewhere.", name, "x."+name), dns.TypeSOA, name)}
	case 3:
		a.Rcode = l.IntN(24)
	case 4:
		a.Truncated = !tcp
		a.Answer = bigAnswer(l.header(name, dns.TypeTXT))[:1+l.IntN(200)>>l.IntN(8)]
	case 5:
		a.Ns = []dns.RR{l.of("test.", dns.TypeNS, other)}
		a.Extra = []dns.RR{l.of(other, dns.TypeA, "")}
	case 6:
		a.Answer = append(a.Answer, l.of(name, q.Question[0].Qtype, other))
	case 7:
		a.Answer = append(a.Answer, l.of("test.", dns.TypeDNAME, "b.test."))
	}
	for _, section := range []*[]dns.RR{&a.Answer, &a.Ns, &a.Extra} {
		if l.IntN(3) == 0 {
			*section = slices.Insert(*section, l.IntN(len(*section)+1), l.record(name, other))
		}
	}
	if q.IsEdns0() != nil && l.IntN(2) == 0 {
		a.SetEdns0(1232, false)
	}
	return a
}

// record is one about the name, about another one, or about one that nobody
// asked for.
func (l *liar) record(name, other string) dns.RR {
	types := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeNS, dns.TypeSOA, dns.TypeTXT, dns.TypeMX, dns.TypeSRV, dns.TypeDNAME}
	return l.of(pick(l.mutator, name, other, "outside.test.", "test.", "."), pick(l.mutator, types...), pick(l.mutator, name, other, "outside.test."))
}

// header has any TTL, and sometimes another class.
func (l *liar) header(name string, rrtype uint16) dns.RR_Header {
	class := pick(l.mutator, uint16(dns.ClassINET), dns.ClassINET, dns.ClassINET, dns.ClassINET, dns.ClassINET, dns.ClassCHAOS)
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: class, Ttl: pick[uint32](l.mutator, 0, 1, 5, 60, 1<<31-1, 1<<31, 1<<32-1)}
}

// of is a record of a type whose data has target.
func (l *liar) of(name string, rrtype uint16, target string) dns.RR {
	h := l.header(name, rrtype)
	switch rrtype {
	case dns.TypeA:
		return &dns.A{Hdr: h, A: net.IPv4(10, 0, 0, byte(l.Uint32()))}
	case dns.TypeAAAA:
		return &dns.AAAA{Hdr: h, AAAA: net.ParseIP("2001:db8::1")}
	case dns.TypeCNAME:
		return &dns.CNAME{Hdr: h, Target: target}
	case dns.TypeDNAME:
		return &dns.DNAME{Hdr: h, Target: target}
	case dns.TypeNS:
		return &dns.NS{Hdr: h, Ns: target}
	case dns.TypeMX:
		return &dns.MX{Hdr: h, Mx: target}
	case dns.TypeSRV:
		return &dns.SRV{Hdr: h, Target: target}
	case dns.TypeSOA:
		return &dns.SOA{Hdr: h, Ns: target, Mbox: ".", Minttl: pick[uint32](l.mutator, 0, 1, 900, 1<<32-1)}
	}
	h.Rrtype = dns.TypeTXT
	return &dns.TXT{Hdr: h, Txt: []string{"text"}}
}
