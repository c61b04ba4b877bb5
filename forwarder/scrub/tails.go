package scrub

import (
	"iter"
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Tails yields what m, a scrubbed answer, says of each further name of its chain,
// as the answer to the same question about that name. A message is good until the
// next one.
func Tails(m *wire.Message) iter.Seq[*wire.Message] {
	return func(yield func(*wire.Message) bool) {
		u := new(dns.Msg)
		if u.Unpack(m.Msg) != nil {
			return
		}
		tail := new(wire.Message)
		passed := map[string]bool{dns.CanonicalName(u.Question[0].Name): true}
		for rest, target := link(u.Answer); target != ""; rest, target = link(rest) {
			isNew := !passed[dns.CanonicalName(target)]
			if !isNew || len(rest) == 0 && u.Rcode == dns.RcodeSuccess && len(u.Ns) == 0 {
				return // a loop, or nothing is said of it
			}
			passed[dns.CanonicalName(target)] = true
			t := *u
			t.Question = []dns.Question{{Name: target, Qtype: u.Question[0].Qtype, Qclass: u.Question[0].Qclass}}
			t.Answer, t.Ns, t.Extra = rest, slices.Clone(u.Ns), slices.Clone(u.Extra)
			scrubUnpacked(&t, nil, false)
			if Pack(&t, tail) != nil || !yield(tail) {
				return
			}
		}
	}
}

// link returns the records behind those of the first CNAME's owner, and its target.
func link(rrs []dns.RR) (rest []dns.RR, target string) {
	for i, rr := range rrs {
		c, ok := rr.(*dns.CNAME)
		if !ok {
			continue
		}
		rest = rrs[i+1:]
		for len(rest) > 0 && dns.CanonicalName(rest[0].Header().Name) == dns.CanonicalName(c.Hdr.Name) {
			rest = rest[1:]
		}
		return rest, c.Target
	}
	return nil, ""
}
