package wire

import (
	"fmt"
	"testing"
)

const sample = "MyService-7.awslab.us-east-1.Internal"

// sampleQuery is a query as a stub resolver sends it.
func sampleQuery(edns bool) []byte {
	msg := AppendHeader(nil, 0x1234, RD|flagAD, 1, 0, 0, 0)
	msg = append(append(msg, nameOf(sample)...), 0, TypeA, 0, ClassIN)
	if edns {
		AddOPT(msg, 0)
		msg = AppendOPT(msg, 1232, 0, false)
	}
	return msg
}

// sampleResponse is an answer of n addresses that upstream gives.
func sampleResponse(n int) []byte {
	msg := AppendHeader(nil, 0x1234, QR|RD|RA, 1, uint16(n), 0, 0)
	msg = append(append(msg, nameOf(sample)...), 0, TypeA, 0, ClassIN)
	for i := range n {
		msg = append(msg, 0xc0, HeaderLen, 0, TypeA, 0, ClassIN, 0, 0, 0, 60, 0, 4, 10, 79, 1, byte(i))
	}
	AddOPT(msg, 0)
	return AppendOPT(msg, 1232, 0, false)
}

func sampleAnswer(n int) Answer {
	var m Message
	if !m.Parse(sampleResponse(n)) || !m.Keepable() {
		panic("sample is broken")
	}
	a, _ := m.AppendAnswer(nil, TTLPolicy{Max: 1 << 20})
	return Answer(a)
}

// hotPaths are what a datagram costs. Each must not allocate, and is timed by
// the benchmark of its name.
func hotPaths() []hotPath {
	plain, edns := sampleQuery(false), sampleQuery(true)
	response := sampleResponse(4)
	one, four := sampleAnswer(1), sampleAnswer(4)
	mail := newMailExchangers()
	twenty := mail.answer()
	var q, parsed Query
	var m, kept Message
	parsed.Parse(edns)
	kept.Parse(sampleResponse(4))
	buf := make([]byte, 0, 4096)
	order := Order{Mode: OrderRandom}
	g := Aging{Sub: 7}
	return []hotPath{
		{"Parse", func() { q.Parse(plain) }},
		{"ParseEDNS", func() { q.Parse(edns) }},
		{"AppendKey", func() { parsed.AppendKey(buf) }},
		{"AppendReply1", func() { AppendReply(buf, &parsed, QR|RD|RA, one, g, &order) }},
		{"AppendReply4", func() { AppendReply(buf, &parsed, QR|RD|RA, four, g, &order) }},
		{"Hit", func() {
			q.Parse(edns)
			reply := AppendReply(q.AppendKey(buf), &q, QR|RD|RA, one, g, &order)
			AddOPT(reply, len(reply)-HeaderLen)
			AppendOPT(reply, 1232, 0, false)
		}},
		{"AppendReply20Linked", func() { AppendReply(buf, &parsed, QR|RD|RA, twenty, g, &order) }},
		{"AppendFirstSet", func() { AppendFirstSet(buf, &parsed, QR|RD|RA, four, g, &order, true) }},
		{"Message", func() { m.Parse(response) }},
		{"Chain", func() { kept.Chain(nil) }},
		{"Compact", func() { kept.Compact() }},
		{"Distinct", func() { kept.Distinct() }},
		{"Pack20", func() { mail.packed.Pack(&mail.plain, mail.plain.RRs, mail.plain.Sections) }},
		{"AppendAnswer", func() { kept.AppendAnswer(buf, TTLPolicy{Max: 1 << 20}) }},
		{"SameQuestion", func() { SameQuestion(response, parsed.Question) }},
	}
}

// mailExchangers is an answer with 20 of them, as an upstream writes them that does not
// compress, and packed.
type mailExchangers struct{ plain, packed Message }

func newMailExchangers() *mailExchangers {
	msg := AppendHeader(nil, 0x1234, QR|RD|RA, 1, 20, 0, 0)
	msg = append(append(msg, nameOf(sample)...), 0, typeMX, 0, ClassIN)
	for i := range 20 {
		name := nameOf(fmt.Sprintf("mail%d.production.mailhosting.test", i))
		msg = append(msg, record(nameOf(sample), typeMX, 60, append([]byte{0, 1}, name...)...)...)
	}
	s := new(mailExchangers)
	if !s.plain.Parse(msg) || !s.packed.Pack(&s.plain, s.plain.RRs, s.plain.Sections) {
		panic("sample is broken")
	}
	return s
}

func (s *mailExchangers) answer() Answer {
	a, _ := s.packed.AppendAnswer(nil, TTLPolicy{Max: 1 << 20})
	if a[0]&linked == 0 {
		panic("sample is not linked")
	}
	return Answer(a)
}

type hotPath struct {
	name string
	run  func()
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	for _, p := range hotPaths() {
		if n := testing.AllocsPerRun(100, p.run); n != 0 {
			t.Errorf("%s allocates %v times, want 0", p.name, n)
		}
	}
}

func BenchmarkWire(b *testing.B) {
	for _, p := range hotPaths() {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.run()
			}
		})
	}
}
