package forwarder

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// hitCase is one query with the answer that the cache has for it.
type hitCase struct {
	name  string
	query []byte
	tcp   bool
}

// hits are queries for a set of four addresses behind a CNAME.
func hits() []hitCase {
	plain := new(dns.Msg)
	plain.SetQuestion("www.Example.", dns.TypeA)
	edns := plain.Copy()
	edns.SetEdns0(1232, false)
	cookie := edns.Copy()
	opt := cookie.IsEdns0()
	opt.Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: clientCookie}}
	return []hitCase{
		{"hit", packed(plain), false},
		{"hit-edns", packed(edns), false},
		{"hit-cookie", packed(cookie), false},
		{"hit-tcp", packed(edns), true},
	}
}

// queryFor is a query as over UDP.
func queryFor(id uint16, name string, qtype uint16) []byte {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.Id = id
	return packed(m)
}

// frame is a message with its length in front, as over TCP.
func frame(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
}

func packed(m *dns.Msg) []byte {
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return msg
}

func unpacked(t *testing.T, msg []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		t.Fatalf("Unpack(%x) = %v", msg, err)
	}
	return m
}

// answerTo is an answer to q with one address.
func answerTo(t *testing.T, q *asking, addr string) []byte {
	t.Helper()
	m, r := new(dns.Msg), new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil {
		t.Fatal(err)
	}
	r.SetReply(m)
	r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(addr)}}
	msg, err := r.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// addressFor answers a query with an address of TTL 10.
func addressFor(q *asking, addr string) []byte {
	m, r := new(dns.Msg), new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil {
		return nil
	}
	r.SetReply(m)
	rr, err := dns.NewRR(m.Question[0].Name + " 10 IN A " + addr)
	if err != nil {
		return nil
	}
	r.Answer = []dns.RR{rr}
	msg, err := r.Pack()
	if err != nil {
		return nil
	}
	return msg
}

// largeAnswerTo is an answer of some 50 kB.
func largeAnswerTo(t *testing.T, q *asking) []byte {
	t.Helper()
	m, reply := new(dns.Msg), new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil {
		t.Fatal(err)
	}
	reply.SetReply(m)
	for i := range 200 {
		rr := &dns.TXT{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}}
		rr.Txt = []string{string(make([]byte, 200)), string(rune('A' + i))}
		reply.Answer = append(reply.Answer, rr)
	}
	reply.Compress = true
	msg, err := reply.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// echoUpstream answers at once: names that start with "hold" never, "big" with
// 60,000 octets, the rest with one address.
func echoUpstream(q *asking) []byte {
	m, r := new(dns.Msg), new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil {
		return nil
	}
	r.SetReply(m)
	r.RecursionAvailable, r.Compress = true, true
	name := m.Question[0].Name
	h := dns.RR_Header{Name: name, Class: dns.ClassINET, Ttl: 300, Rrtype: dns.TypeA}
	switch {
	case strings.HasPrefix(name, "hold"):
		return nil
	case strings.HasPrefix(name, "big") && !q.tcp:
		r.Truncated = true
	case strings.HasPrefix(name, "big"):
		r.Answer = bigAnswer(h)
	default:
		r.Answer = []dns.RR{&dns.A{Hdr: h, A: net.IPv4(10, 0, 0, 1)}}
	}
	msg, err := r.Pack()
	if err != nil {
		return nil
	}
	return msg
}

func bigAnswer(h dns.RR_Header) (rrs []dns.RR) {
	h.Rrtype = dns.TypeTXT
	for i := range 230 {
		text := strings.Repeat(string(rune('a'+i%26)), 250)
		rrs = append(rrs, &dns.TXT{Hdr: h, Txt: []string{text[:249] + string(rune('0'+i/26))}})
	}
	return rrs
}

// saying is an answer to query with these records, as in replay scripts.
func saying(t *testing.T, query []byte, records []string) *dns.Msg {
	t.Helper()
	s, err := parseSections(records)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg).SetReply(unpacked(t, query))
	m.Answer, m.Ns, m.Extra = s.answer, s.authority, s.additional
	return m
}

// linesOf is the response code, unless it is NOERROR, and the records, sorted:
// those of a set come in any order.
func linesOf(m *dns.Msg) (lines []string) {
	if m.Rcode != dns.RcodeSuccess {
		lines = append(lines, dns.RcodeToString[m.Rcode])
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	slices.Sort(lines)
	return lines
}

// allLines are the records but their TTLs, sorted.
func allLines(m *dns.Msg) []string {
	list := []string{}
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		if rr.Header().Rrtype == dns.TypeOPT {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Ttl = 0
		rr.Header().Rdlength = 0
		list = append(list, strings.ToLower(rr.String()))
	}
	slices.Sort(list)
	return list
}

func readFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, msg)
	return msg, err
}
