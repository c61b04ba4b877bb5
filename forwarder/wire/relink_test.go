package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

// linkedAnswers have sets whose records point to each other, by what is special.
func linkedAnswers(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"mail exchangers": packed(t, "example.", dns.TypeMX, many(20, "example. 60 IN MX %d mail%[1]d.production.test.")...),
		"two servers":     packed(t, "example.", dns.TypeNS, "example. 60 IN NS ns1.host.test.", "example. 60 IN NS ns2.host.test."),
		"names that end in each other": packed(t, "example.", dns.TypePTR, "example. 60 IN PTR a.b.c.d.test.", "example. 60 IN PTR c.d.test.",
			"example. 60 IN PTR x.b.c.d.test.", "example. 60 IN PTR test.", "example. 60 IN PTR x.b.c.d.other.", "example. 60 IN PTR ."),
		"services and their addresses": packed(t, "_s.example.", dns.TypeSRV, "_s.example. 60 IN SRV 1 1 1 a.host.test.", "_s.example. 60 IN SRV 1 1 1 b.host.test.", "--", "--",
			"a.host.test. 60 IN A 192.0.2.1", "a.host.test. 60 IN A 192.0.2.2", "b.host.test. 60 IN A 192.0.2.3"),
		"servers and their addresses": packed(t, "example.", dns.TypeNS, "example. 60 IN NS a.ns.test.", "example. 60 IN NS b.ns.test.", "example. 60 IN NS ns.example.", "--", "--",
			"a.ns.test. 60 IN A 192.0.2.1", "b.ns.test. 60 IN A 192.0.2.2", "ns.example. 60 IN A 192.0.2.3"),
		"behind a chain":   packed(t, "www.example.", dns.TypeMX, append([]string{"www.example. 60 IN CNAME cdn.test."}, many(3, "cdn.test. 60 IN MX %d mx%[1]d.cdn.test.")...)...),
		"two sets":         packed(t, "example.", dns.TypeANY, append(many(3, "example. 60 IN MX %d m%[1]d.host.test."), many(3, "example. 60 IN NS m%d.host.test.")...)...),
		"mailbox infos":    packed(t, "example.", dns.TypeMINFO, many(3, "example. 60 IN MINFO a%d.mail.test. b%[1]d.mail.test.")...),
		"service bindings": packed(t, "example.", dns.TypeHTTPS, many(3, "example. 60 IN HTTPS %d h%[1]d.svc.test. alpn=h2")...),
		"rules":            packed(t, "example.", dns.TypeNAPTR, many(3, `example. 60 IN NAPTR %d 1 "s" "sip" "" h%[1]d.svc.test.`)...),
	}
}

// many are records with numbers in place of %d.
func many(n int, format string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, i+1))
	}
	return list
}

// A set whose records point to each other is reordered all the same: any record may
// come first, and the reply is as long as before and says the same.
func TestRelinking(t *testing.T) {
	for name, msg := range linkedAnswers(t) {
		t.Run(name, func(t *testing.T) {
			want := unpack(t, msg)
			a, _ := keep(t, msg, longest)
			if a.groups() == 0 {
				t.Fatal("no sets to reorder")
			}
			q := &Query{Question: bytes.Clone(questionOfMessage(msg))}
			firsts := make(map[string]bool)
			order := Order{Mode: OrderRandom, State: 1}
			for range 300 {
				reply := AppendReply([]byte("batch"), q, QR, a, Aging{}, &order)[len("batch"):]
				got := unpack(t, reply)
				for s, rrs := range [3][]dns.RR{got.Answer, got.Ns, got.Extra} {
					if d := diff(rrs, sections(want)[s], false, true); d != "" {
						t.Fatalf("section %d: %s", s, d)
					}
				}
				if len(reply) != a.Size(q.Question) || pointsForward(reply) {
					t.Fatalf("%d octets, want %d, with pointers to what came before: %x", len(reply), a.Size(q.Question), reply)
				}
				first, _ := a.group(0)
				firsts[got.Answer[first].String()] = true
			}
			if _, n := a.group(0); len(firsts) != n {
				t.Errorf("%d records came first, want %d", len(firsts), n)
			}
		})
	}
}

func questionOfMessage(msg []byte) []byte {
	var m Message
	m.Parse(msg)
	return m.Question
}

// pointsForward reports whether a pointer does not lead to an earlier name: Parse
// wants it to.
func pointsForward(msg []byte) bool {
	var m Message
	return !m.Parse(msg) || m.stray
}

// Only what points into a set is relinked, not into the question or a record that
// stays.
func TestLinked(t *testing.T) {
	answers := responses(t)
	want := map[string]bool{"one address": false, "four addresses": false, "chain": false, "no data": false, "three sets": false}
	for name, msg := range linkedAnswers(t) {
		answers[name] = msg
		want[name] = name != "behind a chain" && name != "service bindings" && name != "rules"
	}
	for name, want := range want {
		a, _ := keep(t, answers[name], longest)
		if got := a[0]&linked != 0; got != want {
			t.Errorf("%s: linked = %v, want %v", name, got, want)
		}
	}
}

// Beyond the reach of pointers a name would be written out again and again: such an
// answer keeps its order.
func TestLinkedBeyondReach(t *testing.T) {
	msg := packed(t, "example.", dns.TypePTR, many(1200, "example. 60 IN PTR host-%d.test.")...)
	if len(msg) <= reach {
		t.Fatalf("%d octets are within reach", len(msg))
	}
	a, _ := keep(t, msg, longest)
	reply := AppendReply(nil, &Query{Question: questionOf("example", dns.TypePTR)}, QR, a, Aging{}, &Order{Mode: OrderRandom})
	if d := diff(unpack(t, reply).Answer, unpack(t, msg).Answer, false, false); d != "" || len(reply) != len(msg) {
		t.Errorf("%d octets, want %d in the same order; %s", len(reply), len(msg), d)
	}
}
