package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Flags that the code neither sets nor looks at.
const (
	flagAA = 1 << 10
	flagAD = 1 << 5
)

// nameOf is the wire form of dotted labels.
func nameOf(dotted string) (name []byte) {
	for l := range strings.SplitSeq(dotted, ".") {
		if l != "" {
			name = append(append(name, byte(len(l))), l...)
		}
	}
	return append(name, 0)
}

// questionOf is a question of class IN.
func questionOf(name string, rtype uint16) []byte {
	return append(nameOf(name), byte(rtype>>8), byte(rtype), 0, ClassIN)
}

// record is a record of class IN. owner and data are wire form.
func record(owner []byte, rtype uint16, ttl uint32, data ...byte) []byte {
	return recordOf(owner, rtype, ClassIN, ttl, data...)
}

func recordOf(owner []byte, rtype, class uint16, ttl uint32, data ...byte) []byte {
	b := append(bytes.Clone(owner), byte(rtype>>8), byte(rtype), byte(class>>8), byte(class),
		byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl), byte(len(data)>>8), byte(len(data)))
	return append(b, data...)
}

// pointer is a compression pointer.
func pointer(off int) []byte { return []byte{0xc0 | byte(off>>8), byte(off)} }

// message is a header with the given flags and counts, and what follows it.
func message(flags uint16, counts [4]uint16, parts ...[]byte) []byte {
	msg := AppendHeader(nil, 0x1234, flags, counts[0], counts[1], counts[2], counts[3])
	return append(msg, bytes.Join(parts, nil)...)
}

// response is a response whose answer section is the given records.
func response(question []byte, answers ...[]byte) []byte {
	return message(QR|RD|RA, [4]uint16{1, uint16(len(answers))}, append([][]byte{question}, answers...)...)
}

// packed is a compressed response with zone file records: answers, then after
// "--" the authority and the additional section.
func packed(t testing.TB, name string, rtype uint16, records ...string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, rtype)
	m.Response, m.RecursionAvailable, m.Compress = true, true, true
	sections := []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra}
	for _, r := range records {
		if r == "--" {
			sections = sections[1:]
			continue
		}
		rr, err := dns.NewRR(r)
		if err != nil {
			t.Fatal(err)
		}
		*sections[0] = append(*sections[0], rr)
	}
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unpack(t testing.TB, msg []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		t.Fatalf("unpacking %x: %v", msg, err)
	}
	return m
}

// keep parses a copy of msg and keeps it.
func keep(t testing.TB, msg []byte, p TTLPolicy) (Answer, uint32) {
	t.Helper()
	var m Message
	if !m.Parse(bytes.Clone(msg)) || !m.Keepable() {
		t.Fatalf("%x is not keepable", msg)
	}
	a, ttl := m.AppendAnswer(nil, p)
	return Answer(a), ttl
}

var longest = TTLPolicy{Max: 1<<32 - 1}

func TestHeader(t *testing.T) {
	msg := message(QR|TC|NotAuth, [4]uint16{1, 0x203, 0x405, 0x607})
	if len(msg) != HeaderLen {
		t.Fatalf("AppendHeader appends %d octets, want %d", len(msg), HeaderLen)
	}
	binary.BigEndian.PutUint16(msg, 0xabcd)
	if want := unhex(t, "abcd82090001020304050607"); !bytes.Equal(msg, want) {
		t.Errorf("header = %x, want %x", msg, want)
	}
	if ID(msg) != 0xabcd || Flags(msg) != 0x8209 || Rcode(msg) != NotAuth || !Truncated(msg) {
		t.Errorf("ID, Flags, Rcode, Truncated = %x, %x, %d, %v", ID(msg), Flags(msg), Rcode(msg), Truncated(msg))
	}
	msg[2] &^= TC >> 8
	if Truncated(msg) {
		t.Error("Truncated without TC = true, want false")
	}
}
