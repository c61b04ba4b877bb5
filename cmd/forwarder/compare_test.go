package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// reply is what came back for a probe; nil packet: nothing did.
type reply struct {
	packet []byte
	msg    *dns.Msg // nil if the packet does not parse
	took   time.Duration
}

func newReply(packet []byte) reply {
	r := reply{packet: packet}
	if msg := new(dns.Msg); packet != nil && msg.Unpack(packet) == nil {
		r.msg = msg
	}
	return r
}

// difference is one aspect in which two replies differ, in words.
type difference struct {
	field       string
	named, ours string
}

// compare lists the differences. The order of records, letter case of owner
// names and cookies' secrets do not count, nor TTLs that differ by no more than
// slack seconds. For the same we must not need more octets, but about ourselves.
func compare(named, ours reply, slack uint32) []difference {
	if named.packet == nil || ours.packet == nil || named.msg == nil || ours.msg == nil {
		return differ(nil, "reply", named.kind(), ours.kind())
	}
	a, b := named.msg, ours.msg
	var list []difference
	list = differ(list, "rcode", rcode(a), rcode(b))
	list = differ(list, "opcode", fmt.Sprint(a.Opcode), fmt.Sprint(b.Opcode))
	list = differ(list, "flags", flagNames(named.packet), flagNames(ours.packet))
	list = differ(list, "question", named.question(), ours.question())
	list = compareSection(list, "answer", a.Answer, b.Answer, slack, a.Truncated && b.Truncated)
	list = compareSection(list, "authority", a.Ns, b.Ns, slack, false)
	list = compareSection(list, "additional", withoutOPT(a.Extra), withoutOPT(b.Extra), slack, false)
	if list = compareOPT(list, a, b); len(list) > 0 || a.Truncated || ours.class() == dns.ClassCHAOS {
		return list
	}
	return differ(list, "size", fmt.Sprint(len(named.packet)), fmt.Sprint(max(len(named.packet), len(ours.packet))))
}

// class is that of the question, or none.
func (r reply) class() uint16 {
	if len(r.msg.Question) == 0 {
		return dns.ClassNONE
	}
	return r.msg.Question[0].Qclass
}

func differ(list []difference, field, named, ours string) []difference {
	if named == ours {
		return list
	}
	return append(list, difference{field, named, ours})
}

func (r reply) kind() string {
	switch {
	case r.packet == nil:
		return "none"
	case r.msg == nil:
		return "garbled " + hex.EncodeToString(r.packet)
	}
	return "a " + rcode(r.msg) + " reply"
}

// rcode is the rcode with the OPT record's part of it.
func rcode(m *dns.Msg) string {
	if name, ok := dns.RcodeToString[m.Rcode]; ok {
		return name
	}
	return fmt.Sprint("RCODE", m.Rcode)
}

// flagNames names the bits of the header's second word but opcode and rcode.
func flagNames(packet []byte) string {
	names := []string{"qr", "", "", "", "", "aa", "tc", "rd", "ra", "z", "ad", "cd"}
	var set []string
	for i, name := range names {
		if name != "" && packet[2+i/8]&(0x80>>(i%8)) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, " ")
}

// question returns the question section in the reply's own octets.
func (r reply) question() string {
	if len(r.msg.Question) == 0 {
		return "none"
	}
	end := 12
	for r.packet[end] != 0 {
		end += 1 + int(r.packet[end])
	}
	return hex.EncodeToString(r.packet[12 : end+5])
}

func withoutOPT(rrs []dns.RR) []dns.RR {
	return slices.DeleteFunc(slices.Clone(rrs), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
}

// compareSection compares records as a set, then their TTLs. Of truncated
// answers it compares only whether there are records.
func compareSection(list []difference, field string, named, ours []dns.RR, slack uint32, truncated bool) []difference {
	if truncated {
		return differ(list, field, some(named), some(ours))
	}
	a, b := texts(named), texts(ours)
	if !slices.Equal(a, b) {
		return append(list, difference{field, summary(a), summary(b)})
	}
	nearly := func(a, b uint32) bool { return max(a, b)-min(a, b) <= slack }
	if x, y := ttls(named), ttls(ours); !slices.EqualFunc(x, y, nearly) {
		return append(list, difference{field + " TTL", fmt.Sprint(x), fmt.Sprint(y)})
	}
	return list
}

func some(rrs []dns.RR) string {
	if len(rrs) == 0 {
		return "no records"
	}
	return "some records"
}

// text is a record without its TTL, and without the time of a TSIG record. Names
// may change their letter case by compression and by what was cached first; texts
// may not.
func text(rr dns.RR) string {
	c := dns.Copy(rr)
	c.Header().Ttl = 0
	if sig, ok := c.(*dns.TSIG); ok {
		sig.TimeSigned = 0
	}
	c.Header().Name = strings.ToLower(c.Header().Name)
	if c.Header().Rrtype == dns.TypeTXT {
		return c.String()
	}
	return strings.ToLower(c.String())
}

func texts(rrs []dns.RR) []string {
	list := make([]string, len(rrs))
	for i, rr := range rrs {
		list[i] = strings.ReplaceAll(text(rr), "\t", " ")
	}
	slices.Sort(list)
	return list
}

// ttls returns the records' TTLs, in the order of their texts.
func ttls(rrs []dns.RR) []uint32 {
	sorted := slices.Clone(rrs)
	slices.SortFunc(sorted, func(a, b dns.RR) int { return strings.Compare(text(a), text(b)) })
	list := make([]uint32, len(sorted))
	for i, rr := range sorted {
		list[i] = rr.Header().Ttl
	}
	return list
}

// summary shows the first records and how many there are.
func summary(texts []string) string {
	const most = 4
	if len(texts) == 0 {
		return "no records"
	}
	if len(texts) <= most {
		return strings.Join(texts, "; ")
	}
	return fmt.Sprintf("%s; … %d records", strings.Join(texts[:most], "; "), len(texts))
}

func compareOPT(list []difference, named, ours *dns.Msg) []difference {
	a, b := named.IsEdns0(), ours.IsEdns0()
	list = differ(list, "EDNS", optHeader(a), optHeader(b))
	if a == nil || b == nil {
		return list
	}
	list = differ(list, "options", optionNames(a), optionNames(b))
	return differ(list, "EDE", extendedErrors(a), extendedErrors(b))
}

func optHeader(opt *dns.OPT) string {
	if opt == nil {
		return "none"
	}
	flags := opt.Hdr.Ttl & 0xffff
	return fmt.Sprintf("version %d size %d flags %04x", opt.Version(), opt.UDPSize(), flags)
}

// optionNames shows the options but EDE. Of a cookie it shows the client's
// part and how long the rest is.
func optionNames(opt *dns.OPT) string {
	var names []string
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_EDE:
		case *dns.EDNS0_COOKIE:
			names = append(names, fmt.Sprintf("cookie %s+%d", o.Cookie[:min(16, len(o.Cookie))], len(o.Cookie)/2))
		default:
			names = append(names, fmt.Sprintf("%d=%s", o.Option(), o))
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func extendedErrors(opt *dns.OPT) string {
	var codes []string
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			codes = append(codes, strings.TrimSpace(fmt.Sprint(e.InfoCode, " ", e.ExtraText)))
		}
	}
	slices.Sort(codes)
	return strings.Join(codes, ", ")
}

// TestCompareSees damages a reply in every way that compare must see, and in
// those that it must not.
func TestCompareSees(t *testing.T) {
	tests := []struct {
		name   string
		change func(m *dns.Msg)
		want   string // the fields that differ
	}{
		{"nothing", func(*dns.Msg) {}, ""},
		{"order", func(m *dns.Msg) { slices.Reverse(m.Answer) }, ""},
		{"TTL by 2", func(m *dns.Msg) { m.Answer[0].Header().Ttl += 2; m.Answer[1].Header().Ttl += 2 }, ""},
		{"owner's case, which costs octets", func(m *dns.Msg) { m.Answer[0].Header().Name = "NAME." }, "size"},
		{"TTL by 3", func(m *dns.Msg) { m.Answer[0].Header().Ttl += 3 }, "answer TTL"},
		{"address", func(m *dns.Msg) { m.Answer[0].(*dns.A).A[15]++ }, "answer"},
		{"record missing", func(m *dns.Msg) { m.Answer = m.Answer[1:] }, "answer"},
		{"authority", func(m *dns.Msg) { m.Ns = nil }, "authority"},
		{"additional", func(m *dns.Msg) { m.Extra = m.Extra[1:] }, "additional"},
		{"rcode", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError }, "rcode"},
		{"extended rcode", func(m *dns.Msg) { m.Rcode = dns.RcodeBadVers }, "rcode"},
		{"flag", func(m *dns.Msg) { m.AuthenticatedData = true }, "flags"},
		{"question's case", func(m *dns.Msg) { m.Question[0].Name = "Name." }, "question"},
		{"question missing", func(m *dns.Msg) { m.Question = nil }, "question"},
		{"truncated", func(m *dns.Msg) { m.Truncated, m.Answer = true, nil }, "flags answer"},
		{"OPT missing", func(m *dns.Msg) { m.Extra = m.Extra[:1] }, "EDNS"},
		{"UDP size", func(m *dns.Msg) { m.IsEdns0().SetUDPSize(512) }, "EDNS"},
		{"DO", func(m *dns.Msg) { m.IsEdns0().SetDo() }, "EDNS"},
		{"server cookie", func(m *dns.Msg) { m.IsEdns0().Option[0].(*dns.EDNS0_COOKIE).Cookie = "0102030405060708ff" }, ""},
		{"client cookie", func(m *dns.Msg) { m.IsEdns0().Option[0].(*dns.EDNS0_COOKIE).Cookie = "ff02030405060708aa" }, "options"},
		{"compression", func(m *dns.Msg) { m.Compress = false }, "size"},
		{"EDE", func(m *dns.Msg) { m.IsEdns0().Option = m.IsEdns0().Option[:1] }, "EDE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			changed := exampleReply()
			test.change(changed)
			var fields []string
			for _, d := range compare(packed(t, exampleReply()), packed(t, changed), 2) {
				fields = append(fields, d.field)
			}
			if got := strings.Join(fields, " "); got != test.want {
				t.Errorf("compare sees %q, want %q", got, test.want)
			}
		})
	}
}

func TestCompareSeesSilenceAndGarbage(t *testing.T) {
	good := packed(t, exampleReply())
	garbled := newReply(bytes.Repeat([]byte{0xff}, 20))
	for name, pair := range map[string][2]reply{"silence": {good, {}}, "an answer": {{}, good}, "garbage": {good, garbled}} {
		if got := compare(pair[0], pair[1], 0); len(got) != 1 || got[0].field != "reply" {
			t.Errorf("%s: compare = %v, want a difference in reply", name, got)
		}
	}
	if got := compare(reply{}, reply{}, 0); got != nil {
		t.Errorf("compare(silence, silence) = %v, want none", got)
	}
}

func exampleReply() *dns.Msg {
	m := new(dns.Msg).SetQuestion("name.", dns.TypeA)
	m.Response, m.Compress = true, true
	for _, rr := range []string{"name. 10 A 192.0.2.1", "name. 10 A 192.0.2.2"} {
		m.Answer = append(m.Answer, mustRR(rr))
	}
	m.Ns = []dns.RR{mustRR("name. 10 NS ns.")}
	m.Extra = []dns.RR{mustRR("ns. 10 A 192.0.2.3")}
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708aa"},
		&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeProhibited},
	}
	return m
}

func mustRR(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return rr
}

func packed(t *testing.T, m *dns.Msg) reply {
	t.Helper()
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return newReply(packet)
}
