package wire

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

func TestAppendQuery(t *testing.T) {
	cookie := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	question := questionOf("MyService.awslab", TypeA)
	tests := []struct {
		name string
		o    QueryOptions
		want EDNS
	}{
		{"plain", QueryOptions{Flags: RD}, EDNS{}},
		{"EDNS", QueryOptions{Flags: RD | CD, EDNS: true, UDPSize: 1232, DO: true}, EDNS{Present: true, UDPSize: 1232, DO: true}},
		{"cookie", QueryOptions{Flags: RD, EDNS: true, UDPSize: 512, Cookie: cookie}, EDNS{Present: true, UDPSize: 512, Cookie: cookie}},
		{"cookie without EDNS", QueryOptions{Flags: RD, Cookie: cookie}, EDNS{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.ID, tt.o.Question = 0xbeef, question
			msg := AppendQuery([]byte("batch"), tt.o)[len("batch"):]
			var q Query
			if f := q.Parse(msg); f != Sound {
				t.Fatalf("Parse(%x) = %d, want Sound", msg, f)
			}
			sameAsMiekg(t, msg, &q)
			if q.ID != 0xbeef || q.Flags != tt.o.Flags || !bytes.Equal(q.Question, question) || !sameEDNS(&q.EDNS, &tt.want) {
				t.Errorf("AppendQuery = %+v, want %+v, %+v", q, tt.o, tt.want)
			}
			unpack(t, msg)
		})
	}
}

func TestSameQuestion(t *testing.T) {
	q := questionOf("www.example", TypeA)
	other := func(f func(msg []byte)) []byte {
		msg := response(q)
		f(msg)
		return msg
	}
	tests := []struct {
		name string
		msg  []byte
		want bool
	}{
		{"echo", response(q), true},
		{"echo with records", response(q, record(pointer(HeaderLen), TypeA, 1, 1, 2, 3, 4)), true},
		{"other case", response(questionOf("WWW.eXample", TypeA)), true},
		{"rcode, AA, no RA", message(QR|flagAA|ServFail, oneQ, q), true},
		{"query", message(RD, oneQ, q), false},
		{"other opcode", message(QR|OpcodeNotify<<11, oneQ, q), false},
		{"no question", message(QR, [4]uint16{}), false},
		{"no question counted", message(QR, [4]uint16{}, q), false},
		{"two questions", message(QR, [4]uint16{2}, q, q), false},
		{"cut", response(q)[:HeaderLen+len(q)-1], false},
		{"header cut", response(q)[:11], false},
		{"empty", nil, false},
		{"other type", response(questionOf("www.example", TypeAAAA)), false},
		{"type in the other case", response(questionOf("www.example", TypeA|0x20)), false},
		{"other class", other(func(msg []byte) { msg[len(msg)-1] = ClassCH }), false},
		{"other name", response(questionOf("xww.example", TypeA)), false},
		{"other last label", response(questionOf("www.examplf", TypeA)), false},
		{"longer name", response(questionOf("www.example.x", TypeA)), false},
		{"other labels of the same letters", response(questionOf("wwwwexample", TypeA)), false},
		{"bit 5 of no letter", response(questionOf("www\x0eexample", TypeA)), false},
		{"compressed", message(QR, oneQ, pointer(HeaderLen), q), false},
	}
	for _, tt := range tests {
		if got := SameQuestion(tt.msg, q); got != tt.want {
			t.Errorf("%s: SameQuestion(%x) = %v, want %v", tt.name, tt.msg, got, tt.want)
		}
	}
	if !SameQuestion(response(questionOf("", TypeNS)), questionOf("", TypeNS)) {
		t.Error("SameQuestion of the root = false, want true")
	}
}

// sameByMiekg is what SameQuestion means, in miekg/dns's terms.
func sameByMiekg(a, b []byte) bool {
	na, ea, erra := dns.UnpackDomainName(a, 0)
	nb, eb, errb := dns.UnpackDomainName(b, 0)
	return erra == nil && errb == nil && dns.CanonicalName(na) == dns.CanonicalName(nb) && bytes.Equal(a[ea:], b[eb:])
}

func TestQuestionOf(t *testing.T) {
	q := questionOf("www.example", TypeA)
	for _, tt := range []struct {
		name string
		msg  []byte
		want []byte
	}{
		{"response", response(q), q},
		{"two", message(QR, [4]uint16{2}, q, q), q},
		{"none", message(QR, [4]uint16{}), nil},
		{"cut", response(q)[:HeaderLen+len(q)-1], nil},
		{"broken", message(QR, oneQ, []byte{64}), nil},
		{"short", []byte{1}, nil},
	} {
		if got := QuestionOf(tt.msg); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: QuestionOf = %x, want %x", tt.name, got, tt.want)
		}
	}
}
