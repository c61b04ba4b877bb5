package wire

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// Records of every type with names in its data, and of some without.
var zoneRecords = []string{
	"www.example. 60 IN A 192.0.2.1",
	"www.example. 60 IN AAAA 2001:db8::1",
	"www.example. 60 IN NS ns.www.example.",
	"www.example. 60 IN MD ns.www.example.",
	"www.example. 60 IN MF ns.www.example.",
	"www.example. 60 IN CNAME WWW.example.",
	"www.example. 60 IN MB ns.www.example.",
	"www.example. 60 IN MG ns.www.example.",
	"www.example. 60 IN MR ns.www.example.",
	"www.example. 60 IN PTR ns.www.example.",
	"www.example. 60 IN DNAME other.example.",
	"example. 60 IN SOA ns.www.example. root.example. 1 2 3 4 5",
	"www.example. 60 IN MINFO a.example. b.example.",
	"www.example. 60 IN RP a.example. b.example.",
	"www.example. 60 IN MX 10 mail.example.",
	"www.example. 60 IN AFSDB 1 afs.example.",
	"www.example. 60 IN RT 1 rt.example.",
	"www.example. 60 IN KX 1 kx.example.",
	"www.example. 60 IN PX 1 a.example. b.example.",
	"www.example. 60 IN SRV 1 2 3 srv.example.",
	`www.example. 60 IN NAPTR 1 2 "u" "sip" "!^.*$!a-regular-expression-that-is-longer-than-any-label-of-a-name-can-be!" rep.example.`,
	"www.example. 60 IN NXT next.example. A MX",
	"www.example. 60 IN SIG A 8 2 60 20300101000000 20200101000000 1 example. c2lnbmF0dXJl",
	"www.example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. c2lnbmF0dXJl",
	"www.example. 60 IN NSEC next.example. A MX",
	"www.example. 60 IN DNSKEY 256 3 8 a2V5",
	"www.example. 60 IN HTTPS 1 svc.example. alpn=h2",
	`www.example. 60 IN TXT "one" "two"`,
	`www.example. 60 IN CAA 0 issue "ca.example"`,
	`www.example. 60 IN TYPE65280 \# 3 c00c00`,
}

// Parse finds each record where miekg/dns does, and refuses it when its data
// is an octet short or long, if its layout is known.
func TestMessageRecords(t *testing.T) {
	for _, line := range zoneRecords {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(dns.Type(rr.Header().Rrtype).String(), func(t *testing.T) {
			msg := packed(t, "www.example.", rr.Header().Rrtype, line, line, "--", line)
			var m Message
			if !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false, want true", msg)
			}
			if want := [3]int{2, 1, 0}; m.Sections != want {
				t.Errorf("Sections = %v, want %v", m.Sections, want)
			}
			sameRecords(t, &m)
			last := m.RRs[2]
			if l := layoutOf(last.Type); l.names == 0 && last.Type != TypeA && last.Type != TypeAAAA || l.tail < 0 {
				return
			}
			for _, by := range []int{-1, 1} {
				if m.Parse(resized(msg, last, by)) {
					t.Errorf("Parse with data longer by %d = true, want false", by)
				}
			}
		})
	}
}

// resized is msg with the data of its last record longer by one octet or
// shorter.
func resized(msg []byte, rr RR, by int) []byte {
	msg = append(bytes.Clone(msg), 0)[:len(msg)+by]
	msg[rr.RData-1] += byte(by)
	return msg
}

// sameRecords compares each record of m with what miekg/dns finds at its
// offset, and the offset behind it.
func sameRecords(t *testing.T, m *Message) {
	t.Helper()
	off := HeaderLen + len(m.Question)
	for i, rr := range m.RRs {
		if rr.Start != off {
			t.Fatalf("record %d starts at %d, want %d", i, rr.Start, off)
		}
		name, end, err := dns.UnpackDomainName(m.Msg, off)
		if err != nil || end+10 != rr.RData {
			t.Fatalf("record %d: data at %d, want %d (%v)", i, rr.RData, end+10, err)
		}
		if got, _, err := dns.UnpackDomainName(AppendName(nil, m.Msg, off), 0); err != nil || got != dns.CanonicalName(name) {
			t.Errorf("AppendName of record %d = %s, want %s (%v)", i, got, dns.CanonicalName(name), err)
		}
		off = rr.End
		u, end, err := dns.UnpackRR(m.Msg, rr.Start)
		if err != nil {
			continue // data that we take for opaque
		}
		h := u.Header()
		if end != rr.End || h.Rrtype != rr.Type || h.Class != rr.Class || soundTTL(h) != rr.TTL || int(h.Rdlength) != rr.End-rr.RData {
			t.Errorf("record %d = %+v, want %v, ending at %d", i, rr, h, end)
		}
	}
}

// soundTTL is what a TTL means: with the top bit set 0 (RFC 2181, 8).
func soundTTL(h *dns.RR_Header) uint32 {
	if h.Ttl>>31 != 0 && h.Rrtype != dns.TypeOPT {
		return 0
	}
	return h.Ttl
}

func TestMessageParse(t *testing.T) {
	q := asked
	a := record(pointer(HeaderLen), TypeA, 60, 192, 0, 2, 1)
	end := HeaderLen + len(q)
	tests := []struct {
		name string
		msg  []byte
		want bool
	}{
		{"answer", response(q, a), true},
		{"no records", response(q), true},
		{"bytes behind it", append(response(q, a), 1, 2, 3), true},
		{"OPT", message(QR, [4]uint16{1, 1, 0, 1}, q, a, opt(0)), true},
		{"OPT with a bad cookie", message(QR, oneExtra, q, opt(0, option(OptionCookie, 1))), true},
		{"pointer to the root of the question", response(q, record(pointer(end-5), TypeA, 60, 1, 2, 3, 4)), true},
		{"longest name", response(q, record(longestName(0), TypeA, 60, 1, 2, 3, 4)), true},

		{"empty", nil, false},
		{"header cut", response(q)[:11], false},
		{"no question", message(QR, [4]uint16{}), false},
		{"two questions", message(QR, [4]uint16{2}, q, q), false},
		{"broken question", message(QR, oneQ, []byte{64}), false},
		{"question without class", message(QR, oneQ, q[:len(q)-2]), false},
		{"record missing", message(QR, [4]uint16{1, 2}, q, a), false},
		{"record cut", response(q, a[:len(a)-1]), false},
		{"record without data length", response(q, a[:11]), false},
		{"most records", message(QR, [4]uint16{1, 65535, 65535, 65535}, q, a), false},
		{"OPT as answer", response(q, opt(0)), false},
		{"two OPTs", message(QR, [4]uint16{1, 0, 0, 2}, q, opt(0), opt(0)), false},
		{"OPT of a name", message(QR, oneExtra, q, recordOf(nameOf("a"), TypeOPT, 1232, 0)), false},
		{"OPT cut", message(QR, oneExtra, q, opt(0, []byte{0, 3, 0})), false},
		{"address of 0 octets", response(q, record(pointer(HeaderLen), TypeA, 60)), false},
		{"address of class CH", response(q, recordOf(pointer(HeaderLen), TypeA, ClassCH, 60, 0, 0, 1)), false},
		{"owner of 256 octets", response(q, record(longestName(1), TypeA, 60, 1, 2, 3, 4)), false},
		{"owner points forward", response(q, record(pointer(end+30), TypeA, 60, 1, 2, 3, 4), a, a), false},
		{"owner points to itself", response(q, record(pointer(end), TypeA, 60, 1, 2, 3, 4)), false},
		{"owner points into its own name", response(q, record(append([]byte{1, 'a'}, pointer(end)...), TypeA, 60, 1, 2, 3, 4)), false},
		{"owner points to the header", response(q, record(pointer(2), TypeA, 60, 1, 2, 3, 4)), false},
		{"label of type 1", response(q, record([]byte{0x40, HeaderLen}, TypeA, 60, 1, 2, 3, 4)), false},
		{"label of type 2", response(q, record([]byte{0x80, HeaderLen}, TypeA, 60, 1, 2, 3, 4)), false},
		{"label of 64", response(q, record([]byte{64}, TypeA, 60, 1, 2, 3, 4)), false},
		{"half a pointer as target", response(q, record(pointer(HeaderLen), TypeCNAME, 60, 0xc0)), false},
		{"target behind the data", response(q, record(pointer(HeaderLen), TypeCNAME, 60, 2, 'a', 'b'), a), false},
		{"no target", response(q, record(pointer(HeaderLen), TypeCNAME, 60)), false},
		{"preference without name", response(q, record(pointer(HeaderLen), 15, 60, 0)), false},
		{"SOA of one name", response(q, record(pointer(HeaderLen), TypeSOA, 60, append([]byte{0}, make([]byte, 20)...)...)), false},
		{"NAPTR with a string over its end", response(q, record(pointer(HeaderLen), typeNAPTR, 60, 0, 1, 0, 1, 9, 0, 0, 0), a), false},
		{"NAPTR without strings", response(q, record(pointer(HeaderLen), typeNAPTR, 60, 0, 1, 0, 1), a), false},
	}
	var m Message // kept: what one message leaves must not change the next
	for _, tt := range tests {
		if got := m.Parse(tt.msg); got != tt.want {
			t.Errorf("%s: Parse = %v, want %v", tt.name, got, tt.want)
		} else if got {
			sameRecords(t, &m)
		}
	}
}

// A name of as many pointers as miekg/dns follows, and one more.
func TestPointerChain(t *testing.T) {
	for _, tt := range []struct {
		hops int
		want bool
	}{{1, true}, {maxPointers, true}, {maxPointers + 1, false}} {
		at := HeaderLen + len(asked)
		answers := [][]byte{record([]byte{0}, TypeA, 60, 1, 2, 3, 4)}
		to := at
		at += len(answers[0])
		for range tt.hops {
			answers = append(answers, record(pointer(to), TypeA, 60, 1, 2, 3, 4))
			to = at
			at += len(answers[1])
		}
		msg := response(asked, answers...)
		var m Message
		if got := m.Parse(msg); got != tt.want {
			t.Errorf("Parse with %d pointers in a name = %v, want %v", tt.hops, got, tt.want)
		}
		if err := new(dns.Msg).Unpack(msg); (err == nil) != tt.want {
			t.Errorf("miekg/dns says %v of %d pointers", err, tt.hops)
		}
	}
}

// Every prefix of a response is refused; no octet beyond it is looked at.
func TestMessageCutAnywhere(t *testing.T) {
	msg := packed(t, "www.example.", dns.TypeMX, append(zoneRecords, "--", zoneRecords[11])...)
	var m Message
	if !m.Parse(msg) {
		t.Fatal("Parse of the whole message = false, want true")
	}
	for n := range msg {
		if m.Parse(bytes.Clone(msg[:n])) {
			t.Errorf("Parse of %d of %d octets = true, want false", n, len(msg))
		}
	}
}

// TCP prefixes a message's length with 16 bits: what is longer was not a
// message, and offsets of an Answer would not fit.
func TestMessageTooLong(t *testing.T) {
	var m Message
	msg := response(asked, record(pointer(HeaderLen), TypeA, 60, 1, 2, 3, 4))
	if msg = append(msg, make([]byte, maxMessage-len(msg))...); !m.Parse(msg) {
		t.Error("Parse of 65535 octets = false, want true")
	}
	if m.Parse(append(msg, 0)) {
		t.Error("Parse of 65536 octets = true, want false")
	}
}

func TestMessageFields(t *testing.T) {
	msg := packed(t, "www.example.", dns.TypeMX,
		"www.example. 60 IN MX 1 a.example.", "--", "example. 61 IN NS b.example.", "example. 62 IN NS c.example.", "--", "a.example. 63 IN A 192.0.2.1")
	AddOPT(msg, 0)
	msg = AppendOPT(msg, 512, BadVers|NXDomain, false)
	msg[3] |= NXDomain
	var m Message
	if !m.Parse(msg) {
		t.Fatal("Parse = false, want true")
	}
	if m.Type() != dns.TypeMX || m.Rcode() != BadVers|NXDomain || m.EDNS.UDPSize != 512 {
		t.Errorf("Type, Rcode, UDPSize = %d, %d, %d, want MX, 19, 512", m.Type(), m.Rcode(), m.EDNS.UDPSize)
	}
	for s, want := range [][]uint32{{60}, {61, 62}, {63, BadVers >> 4 << 24}} {
		var got []uint32
		for _, rr := range m.Section(s) {
			got = append(got, rr.TTL)
		}
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("TTLs of Section(%d) = %d, want %d", s, got, want)
		}
	}
}
