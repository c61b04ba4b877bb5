package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// sections are the records of a message without OPT.
func sections(m *dns.Msg) [3][]dns.RR {
	extra := slices.DeleteFunc(slices.Clone(m.Extra), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
	return [3][]dns.RR{m.Answer, m.Ns, extra}
}

// setOf names the set that a record belongs to.
func setOf(rr dns.RR) string {
	h := rr.Header()
	var covered uint16
	if sig, ok := rr.(*dns.RRSIG); ok {
		covered = sig.TypeCovered
	}
	return fmt.Sprintf("%s %d %d", dns.CanonicalName(h.Name), h.Rrtype, covered)
}

// leveled gives each record the TTL that an answer keeps it with: bounded, and
// the least of the set whose records stand together.
func leveled(rrs []dns.RR, p TTLPolicy) (least uint32) {
	least = ^uint32(0)
	for i := 0; i < len(rrs); {
		n, ttl := i, ^uint32(0)
		for ; n < len(rrs) && setOf(rrs[n]) == setOf(rrs[i]); n++ {
			ttl = min(ttl, max(p.Min, min(p.Max, soundTTL(rrs[n].Header()))))
		}
		for ; i < n; i++ {
			rrs[i].Header().Ttl = ttl
		}
		least = min(least, ttl)
	}
	return least
}

// text is each record in words, and again without what may change places
// within a set. fold makes the case of letters not count.
func text(rrs []dns.RR, fold bool) (records, sets []string) {
	for _, rr := range rrs {
		s := rr.String()
		if fold {
			s = strings.ToLower(s)
		}
		records, sets = append(records, s), append(sets, setOf(rr))
	}
	return records, sets
}

// diff compares a reply's section with the one that was kept; sorted says that
// sets may come in another order.
func diff(got, want []dns.RR, fold, sorted bool) string {
	g, gs := text(got, fold)
	w, ws := text(want, fold)
	if !slices.Equal(gs, ws) {
		return fmt.Sprintf("sets = %q, want %q", gs, ws)
	}
	if sorted {
		slices.Sort(g)
		slices.Sort(w)
	}
	if !slices.Equal(g, w) {
		return fmt.Sprintf("records = %q, want %q", g, w)
	}
	return ""
}

// swapCase is a question with its letters in the other case.
func swapCase(question []byte) []byte {
	q := bytes.Clone(question)
	for i, c := range q[:len(q)-4] {
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			q[i] = c ^ 0x20
		}
	}
	return q
}

// ages are what becomes of a TTL.
var ages = []struct {
	Aging
	want func(ttl uint32) uint32
}{
	{Aging{}, func(ttl uint32) uint32 { return ttl }},
	{Aging{Sub: 7}, func(ttl uint32) uint32 { return uint32(max(0, int64(ttl)-7)) }},
	{Aging{Sub: 7, Fixed: 30, Bound: Exactly}, func(uint32) uint32 { return 30 }},
	{Aging{Sub: 7}.AtMost(30), func(ttl uint32) uint32 { return uint32(max(0, min(30, int64(ttl)-7))) }},
	{Aging{Sub: 7}.AtMost(0), func(uint32) uint32 { return 0 }},
}

// overcompressed reports whether a record's data has a compressed name where
// there may be none: miekg/dns follows it, which RFC 3597, 4 forbids.
func overcompressed(m *dns.Msg) bool {
	var buf [2 * maxMessage]byte
	for _, rrs := range sections(m) {
		for _, rr := range rrs {
			if layoutOf(rr.Header().Rrtype).names > 0 {
				continue
			}
			length := rr.Header().Rdlength
			if _, err := dns.PackRR(rr, buf[:], 0, nil, false); err != nil || rr.Header().Rdlength != length {
				return true
			}
		}
	}
	return false
}

// checkReplies makes every kind of reply from msg and compares each with msg
// as miekg/dns reads it. It reports whether there was something to compare.
func checkReplies(t *testing.T, msg []byte, p TTLPolicy) bool {
	t.Helper()
	var m Message
	want := new(dns.Msg)
	if !m.Parse(bytes.Clone(msg)) || !m.Keepable() || want.Unpack(msg) != nil || overcompressed(want) {
		return false
	}
	question := bytes.Clone(m.Question)
	kept, ttl := m.AppendAnswer([]byte("before"), p)
	a := Answer(kept[len("before"):])
	least := ^uint32(0)
	for s, rrs := range sections(want) {
		least = min(least, leveled(rrs, p))
		if a.Count(s) != len(rrs) {
			t.Fatalf("Count(%d) = %d, want %d", s, a.Count(s), len(rrs))
		}
	}
	if ttl != least || a.Rcode() != Rcode(msg) {
		t.Errorf("AppendAnswer: ttl, rcode = %d, %d, want %d, %d", ttl, a.Rcode(), least, Rcode(msg))
	}
	checkOwners(t, a, question, want)
	for _, age := range ages {
		aged := want.Copy()
		for _, rrs := range sections(aged) {
			for _, rr := range rrs {
				rr.Header().Ttl = age.want(rr.Header().Ttl)
			}
		}
		for _, mode := range []OrderMode{OrderNone, OrderRandom, OrderCyclic} {
			checkReply(t, a, &Query{ID: 0xbeef, Question: question}, age.Aging, mode, aged, false)
			checkReply(t, a, &Query{ID: 0xbeef, Question: swapCase(question)}, age.Aging, mode, aged, true)
		}
		checkCuts(t, a, &Query{Question: question}, age.Aging, aged)
	}
	return true
}

func checkReply(t *testing.T, a Answer, q *Query, g Aging, mode OrderMode, want *dns.Msg, fold bool) {
	t.Helper()
	reply := AppendReply([]byte("batch"), q, QR|RD|RA, a, g, &Order{Mode: mode, State: 3})[len("batch"):]
	if !bytes.Equal(reply[HeaderLen:HeaderLen+len(q.Question)], q.Question) {
		t.Errorf("reply's question = %x, want %x", reply[HeaderLen:], q.Question)
	}
	if most := a.Size(q.Question); len(reply) > most {
		t.Errorf("mode %d: reply has %d octets, want %d at most", mode, len(reply), most)
	}
	got := unpack(t, reply)
	if ID(reply) != q.ID || Flags(reply) != QR|RD|RA|uint16(a.Rcode()) {
		t.Errorf("reply's ID, flags = %x, %x", ID(reply), Flags(reply))
	}
	wanted := sections(want)
	for s, rrs := range [3][]dns.RR{got.Answer, got.Ns, got.Extra} {
		if d := diff(rrs, wanted[s], fold, mode != OrderNone); d != "" {
			t.Errorf("mode %d, %+v, section %d: %s", mode, g, s, d)
		}
	}
}

// checkCuts cuts a reply to all limits near the ends of records.
func checkCuts(t *testing.T, a Answer, q *Query, g Aging, want *dns.Msg) {
	t.Helper()
	all := slices.Concat(sections(want)[0], sections(want)[1], sections(want)[2])
	whole := AppendReply(nil, q, QR, a, g, &Order{})
	limits := []int{0, len(whole) - 1, len(whole), len(whole) + 1, maxMessage}
	for i := range min(a.records(), 8) {
		end := HeaderLen + len(q.Question) + a.endOf(i)
		limits = append(limits, end-1, end)
	}
	for _, limit := range limits {
		for _, some := range []bool{false, true} {
			dst := AppendReply([]byte("batch"), q, QR, a, g, &Order{Mode: OrderRandom})
			reply := Cut(dst, len("batch"), q, a, g, limit, some)[len("batch"):]
			keep, tc := fitting(a, q, limit, some)
			if len(reply) > max(limit, HeaderLen+len(q.Question)) || Truncated(reply) != tc {
				t.Errorf("Cut(%d, %v) has %d octets, TC %v, want TC %v", limit, some, len(reply), Truncated(reply), tc)
			}
			m := unpack(t, reply)
			got := slices.Concat(m.Answer, m.Ns, m.Extra)
			if d := diff(got, all[:keep], false, false); d != "" {
				t.Errorf("Cut(%d, %v): %s", limit, some, d)
			}
			for s := range 3 {
				n := min(keep, a.Count(s))
				if got := count(reply, 1+s); got != n {
					t.Errorf("Cut(%d, %v): section %d has %d records, want %d", limit, some, s, got, n)
				}
				keep -= n
			}
		}
	}
}

// fitting counts the records that a cut reply keeps, and tells whether it is
// truncated: all of answer and authority, or those that there is room for.
func fitting(a Answer, q *Query, limit int, some bool) (n int, tc bool) {
	for n < a.records() && HeaderLen+len(q.Question)+a.endOf(n) <= limit {
		n++
	}
	needed := a.Count(0) + a.Count(1)
	switch {
	case n >= needed:
		return needed, false
	case some:
		return n, true
	}
	return 0, true
}

// checkOwners compares the names that Owners finds with miekg/dns's.
func checkOwners(t *testing.T, a Answer, question []byte, want *dns.Msg) {
	t.Helper()
	var names []string
	wire := func(name string) string {
		var buf [maxName + 1]byte
		n, err := dns.PackDomainName(dns.CanonicalName(name), buf[:], 0, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	for _, rrs := range sections(want) {
		for _, rr := range rrs {
			names = append(names, wire(rr.Header().Name))
			if c, ok := rr.(*dns.CNAME); ok {
				names = append(names, wire(c.Target))
			}
		}
	}
	var got []string
	a.Owners(string(question), func(name []byte) bool { got = append(got, string(name)); return true })
	if !slices.Equal(got, names) {
		t.Errorf("Owners = %q, want %q", got, names)
	}
}
