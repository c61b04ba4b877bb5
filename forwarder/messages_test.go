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

// replyTo is a reply to query, as edit leaves it; nil if that is no message.
func replyTo(query []byte, edit func(q, m *dns.Msg)) []byte {
	q := new(dns.Msg)
	if q.Unpack(query) != nil {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable, m.Compress = true, true
	edit(q, m)
	msg, err := m.Pack()
	if err != nil {
		return nil
	}
	return msg
}

// answerTo is an answer to query with one address.
func answerTo(query []byte, ttl uint32, addr string) []byte {
	return replyTo(query, func(_, m *dns.Msg) { m.Answer = []dns.RR{address(m.Question[0].Name, ttl, addr)} })
}

// address is a record of type A.
func address(name string, ttl uint32, addr string) dns.RR {
	return &dns.A{Hdr: header(name, dns.TypeA, ttl), A: net.ParseIP(addr)}
}

func header(name string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

// echoUpstream answers at once: names that start with "hold" never, "big" with
// 60,000 octets, the rest with one address.
func echoUpstream(q *asking) []byte {
	hold := false
	msg := replyTo(q.msg, func(_, m *dns.Msg) {
		switch name := m.Question[0].Name; {
		case strings.HasPrefix(name, "hold"):
			hold = true
		case strings.HasPrefix(name, "big") && !q.tcp:
			m.Truncated = true
		case strings.HasPrefix(name, "big"):
			m.Answer = bigAnswer(header(name, dns.TypeTXT, 300))
		default:
			m.Answer = []dns.RR{address(name, 300, "10.0.0.1")}
		}
	})
	if hold {
		return nil
	}
	return msg
}

// bigAnswer is a set of some 60,000 octets.
func bigAnswer(h dns.RR_Header) (rrs []dns.RR) {
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

// linesOf is the response code, unless it is NOERROR, and the records, sorted.
func linesOf(m *dns.Msg) (list []string) {
	if m.Rcode != dns.RcodeSuccess {
		list = append(list, dns.RcodeToString[m.Rcode])
	}
	return append(list, lines(slices.Concat(m.Answer, m.Ns, m.Extra))...)
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
