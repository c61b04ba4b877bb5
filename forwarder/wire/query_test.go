package wire

import (
	"bytes"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

var (
	root     = []byte{0}
	asked    = questionOf("a.t.test", TypeA)
	oneQ     = [4]uint16{1}
	oneExtra = [4]uint16{1, 0, 0, 1}
)

// opt is an OPT record that offers 1232 octets.
func opt(ttl uint32, options ...[]byte) []byte {
	return recordOf(root, TypeOPT, 1232, ttl, bytes.Join(options, nil)...)
}

func option(code uint16, data ...byte) []byte {
	return append([]byte{byte(code >> 8), byte(code), byte(len(data) >> 8), byte(len(data))}, data...)
}

func tsig(class uint16) []byte {
	return recordOf(nameOf("key"), TypeTSIG, class, 0, append(nameOf("hmac-sha256"), make([]byte, 16)...)...)
}

// What is wrong with a query, and what BIND 9.18 says to it where that is not
// plain from the fault.
var queryFaults = []struct {
	name string
	msg  []byte
	want Fault
}{
	{"sound", message(RD, oneQ, asked), Sound},
	{"root", message(RD, oneQ, questionOf("", TypeNS)), Sound},
	{"bytes behind it", message(RD, oneQ, asked, []byte("xyz")), Sound},
	{"all other flags", message(flagAA|TC|RD|RA|1<<6|flagAD|CD|rcodeMask, oneQ, asked), Sound},
	{"longest name", message(RD, oneQ, longestName(0), []byte{0, 1, 0, 1}), Sound},
	{"longest label", message(RD, oneQ, append([]byte{63}, make([]byte, 63)...), asked), Sound},
	{"answer in a query", message(RD, [4]uint16{1, 1}, asked, record(root, TypeA, 0, 1, 2, 3, 4)), Sound},
	{"sixteen records", message(RD, [4]uint16{1, 8, 0, 8}, asked, bytes.Repeat(record(root, TypeA, 0, 1, 2, 3, 4), 16)), Sound},

	{"seventeen records", message(RD, [4]uint16{1, 0, 9, 8}, asked, bytes.Repeat(record(root, TypeA, 0, 1, 2, 3, 4), 17)), BadRecord},
	{"empty", nil, Ignore},
	{"eleven octets", message(RD, oneQ)[:11], Ignore},
	{"response", message(QR|RD, oneQ, asked), Ignore},

	{"no room for a question", message(RD, oneQ), BadHeader},
	{"two questions", message(RD, [4]uint16{2}, asked, asked), BadHeader},
	{"two questions of NOTIFY", message(OpcodeNotify<<11, [4]uint16{2}, asked, asked), BadHeader},
	{"name without end", message(RD, oneQ, []byte("\x01a")), BadHeader},
	{"label over the end", message(RD, oneQ, []byte("\x3fa")), BadHeader},
	{"label of 64", message(RD, oneQ, append([]byte{64}, make([]byte, 64)...), asked), BadHeader},
	{"label of 128", message(RD, oneQ, append([]byte{128}, make([]byte, 128)...), asked), BadHeader},
	{"pointer to itself", message(RD, oneQ, pointer(HeaderLen), asked[10:]), BadHeader},
	{"pointer to the header", message(RD, oneQ, pointer(8), asked[10:]), BadHeader},
	{"name of 256 octets", message(RD, oneQ, longestName(1), []byte{0, 1, 0, 1}), BadHeader},
	{"no type", message(RD, oneQ, asked[:len(asked)-4]), BadHeader},
	{"half a class", message(RD, oneQ, asked[:len(asked)-1]), BadHeader},
	{"broken question of STATUS", message(2<<11, oneQ, []byte{0x7f}), BadHeader},
	{"NOTIFY without question", message(OpcodeNotify<<11, [4]uint16{}), NoQuery},
	{"UPDATE without question", message(OpcodeUpdate<<11, [4]uint16{}), NoQuery},
	{"NOTIFY of class NONE", message(OpcodeNotify<<11, oneQ, inClass(ClassNONE)), BadHeader},
	{"UPDATE of class ANY", message(OpcodeUpdate<<11, oneQ, inClass(ClassANY)), BadHeader},

	{"no question", message(RD, [4]uint16{}), NoQuery},
	{"no question but OPT", message(RD, [4]uint16{0, 0, 0, 1}, opt(0)), NoQuery},
	{"no question but a cookie", message(RD, [4]uint16{0, 0, 0, 1}, opt(0, option(OptionCookie, make([]byte, 8)...))), NoQuery},

	{"IQUERY", message(1<<11, oneQ, asked), NoQuery},
	{"STATUS", message(2<<11, oneQ, asked), NoQuery},
	{"STATUS without question", message(2<<11, [4]uint16{}), NoQuery},
	{"DSO", message(6<<11, [4]uint16{}), NoQuery},
	{"opcode 15", message(15<<11, oneQ, asked), NoQuery},
	{"NOTIFY", message(OpcodeNotify<<11, oneQ, asked), NoQuery},
	{"UPDATE", message(OpcodeUpdate<<11, oneQ, asked), NoQuery},

	{"missing OPT", message(RD, oneExtra, asked), BadRecord},
	{"record cut in its fields", message(RD, oneExtra, asked, opt(0)[:10]), BadRecord},
	{"record cut in its data", message(RD, oneExtra, asked, opt(0, option(OptionNSID, 1, 2))[:16]), BadRecord},
	{"record of NOTIFY cut", message(OpcodeNotify<<11, oneExtra, asked, root), BadRecord},
	{"most records, none there", message(RD, [4]uint16{1, 65535, 65535, 65535}, asked), BadRecord},
	{"two OPTs", message(RD, [4]uint16{1, 0, 0, 2}, asked, opt(0), opt(0)), BadRecord},
	{"OPT as answer", message(RD, [4]uint16{1, 1}, asked, opt(0)), BadRecord},
	{"OPT as authority", message(RD, [4]uint16{1, 0, 1}, asked, opt(0)), BadRecord},
	{"OPT of a name", message(RD, oneExtra, asked, recordOf(nameOf("a"), TypeOPT, 1232, 0)), BadRecord},
	{"OPT of a pointer to a root", message(RD, oneExtra, asked, recordOf(pointer(21), TypeOPT, 1232, 0)), Sound},
	{"option cut in its head", message(RD, oneExtra, asked, opt(0, []byte{0, 10, 0})), BadRecord},
	{"option cut in its data", message(RD, oneExtra, asked, opt(0, option(OptionNSID, 1, 2)[:5])), BadRecord},
	{"cut option behind a bad subnet", message(RD, oneExtra, asked, opt(0, option(OptionECS), []byte{0})), BadOption},
	{"cut option of EDNS 1", message(RD, oneExtra, asked, opt(1<<16, []byte{0, 10, 0})), BadRecord},
	{"owner points forward", message(RD, [4]uint16{1, 1}, asked, record(pointer(60), TypeA, 0), make([]byte, 64)), BadRecord},
	{"owner points to itself", message(RD, [4]uint16{1, 1}, asked, record(pointer(26), TypeA, 0)), BadRecord},
	{"owner points in a circle", message(RD, [4]uint16{1, 1}, asked, record(append([]byte{1, 'a'}, pointer(26)...), TypeA, 0)), BadRecord},
	{"owner points to the header", message(RD, [4]uint16{1, 1}, asked, record(pointer(8), TypeA, 0)), BadRecord},
	{"half a pointer", message(RD, [4]uint16{1, 1}, asked, []byte{0xc0}), BadRecord},
	{"subnet with a scope", message(RD, oneExtra, asked, opt(0, option(OptionECS, 0, 1, 24, 24, 1, 2, 3))), BadRecord},
	{"subnet with a scope in EDNS 1", message(RD, oneExtra, asked, opt(1<<16, option(OptionECS, 0, 1, 24, 24, 1, 2, 3))), BadVersion},
	{"subnet too short in EDNS 1", message(RD, oneExtra, asked, opt(1<<16, option(OptionECS, 0, 1, 24, 0, 1, 2))), BadOption},
	{"subnet with a scope of a signed query", message(RD, [4]uint16{1, 0, 0, 2}, asked, opt(0, option(OptionECS, 0, 1, 24, 24, 1, 2, 3)), tsig(ClassANY)), BadRecord},

	{"cookie of 7", message(RD, oneExtra, asked, opt(0, option(OptionCookie, make([]byte, 7)...))), BadOption},
	{"cookie of 7 in EDNS 1", message(RD, oneExtra, asked, opt(1<<16, option(OptionCookie, make([]byte, 7)...))), BadOption},
	{"cookie of 7 of STATUS", message(2<<11, oneExtra, asked, opt(0, option(OptionCookie, make([]byte, 7)...))), BadOption},

	{"EDNS 1", message(RD, oneExtra, asked, opt(1<<16)), BadVersion},
	{"EDNS 255", message(RD, oneExtra, asked, opt(255<<16)), BadVersion},
	{"EDNS 1 of STATUS", message(2<<11, oneExtra, asked, opt(1<<16)), BadVersion},
	{"EDNS 1 without question", message(RD, [4]uint16{0, 0, 0, 1}, opt(1<<16)), BadVersion},
	{"EDNS 1 and TSIG", message(RD, [4]uint16{1, 0, 0, 2}, asked, opt(1<<16), tsig(ClassANY)), BadVersion},

	{"TSIG", message(RD, oneExtra, asked, tsig(ClassANY)), Signed},
	{"OPT and TSIG", message(RD, [4]uint16{1, 0, 0, 2}, asked, opt(0), tsig(ClassANY)), Signed},
	{"TSIG of NOTIFY", message(OpcodeNotify<<11, oneExtra, asked, tsig(ClassANY)), Signed},
	{"TSIG before OPT", message(RD, [4]uint16{1, 0, 0, 2}, asked, tsig(ClassANY), opt(0)), BadRecord},
	{"TSIG of class IN", message(RD, oneExtra, asked, tsig(ClassIN)), BadRecord},
	{"TSIG as answer", message(RD, [4]uint16{1, 1}, asked, tsig(ClassANY)), BadRecord},
}

// longestName is a name of 255 octets and some more.
func longestName(more int) []byte {
	name := slices.Repeat([]byte{1, 'a'}, 126)
	return append(append(append(name, byte(1+more)), make([]byte, 1+more)...), 0)
}

func TestQueryFaults(t *testing.T) {
	for _, tt := range queryFaults {
		t.Run(tt.name, func(t *testing.T) {
			q := Query{ID: 7, Question: root, EDNS: EDNS{Present: true, Cookie: root}}
			if got := q.Parse(tt.msg); got != tt.want {
				t.Fatalf("Parse(%x) = %d, want %d", tt.msg, got, tt.want)
			}
			if tt.want == Sound {
				sameAsMiekg(t, tt.msg, &q)
			}
		})
	}
}

// Each query, cut anywhere, is refused or still sound: never read past its end.
func TestQueryCutAnywhere(t *testing.T) {
	for _, tt := range queryFaults {
		for n := range tt.msg {
			var q Query
			f := q.Parse(slices.Clip(tt.msg[:n]))
			if n < HeaderLen && f != Ignore {
				t.Errorf("%s: Parse of %d octets = %d, want Ignore", tt.name, n, f)
			}
		}
	}
}

// sameAsMiekg compares what Parse read of a sound query with what miekg/dns
// does, as far as that understands the message.
func sameAsMiekg(t *testing.T, msg []byte, q *Query) {
	t.Helper()
	name, end, err := dns.UnpackDomainName(msg, HeaderLen)
	if err != nil {
		t.Fatalf("miekg/dns cannot read the question of %x: %v", msg, err)
	}
	if want := msg[HeaderLen : end+4]; !bytes.Equal(q.Question, want) {
		t.Errorf("Question = %x, want %x (%s)", q.Question, want, name)
	}
	m := new(dns.Msg)
	if m.Unpack(msg) != nil {
		return
	}
	if m.Id != q.ID || m.Question[0].Qtype != q.Type || m.Question[0].Qclass != q.Class || m.Opcode != q.Opcode() {
		t.Errorf("ID, Type, Class, Opcode = %d, %d, %d, %d, want those of %v", q.ID, q.Type, q.Class, q.Opcode(), m)
	}
	if want := ednsOf(m); !sameEDNS(&q.EDNS, &want) {
		t.Errorf("EDNS = %+v, want %+v", q.EDNS, want)
	}
}

// ednsOf is what miekg/dns says about a message's OPT.
func ednsOf(m *dns.Msg) (e EDNS) {
	o := m.IsEdns0()
	if o == nil {
		return EDNS{}
	}
	e = EDNS{Present: true, DO: o.Do(), Version: o.Version(), UDPSize: o.UDPSize(), ExtRcode: uint8(o.Hdr.Ttl >> 24)}
	for _, o := range o.Option {
		switch o := o.(type) {
		case *dns.EDNS0_NSID:
			e.NSID = true
		case *dns.EDNS0_TCP_KEEPALIVE:
			e.Keepalive = true
		case *dns.EDNS0_COOKIE:
			if e.Cookie == nil {
				e.Cookie = fromHex(o.Cookie)
			}
		case *dns.EDNS0_SUBNET:
			if e.ECS == nil {
				e.ECS = append([]byte{0, byte(o.Family), o.SourceNetmask, o.SourceScope}, subnet(o)...)
			}
		}
	}
	return e
}

func subnet(o *dns.EDNS0_SUBNET) []byte {
	addr := o.Address.To4()
	if addr == nil || o.Family == 2 {
		addr = o.Address.To16()
	}
	return addr[:(o.SourceNetmask+7)/8]
}

func sameEDNS(a, b *EDNS) bool {
	return a.Present == b.Present && a.DO == b.DO && a.NSID == b.NSID && a.Keepalive == b.Keepalive &&
		a.Version == b.Version && a.ExtRcode == b.ExtRcode && a.UDPSize == b.UDPSize &&
		bytes.Equal(a.Cookie, b.Cookie) && bytes.Equal(a.ECS, b.ECS)
}

func TestQueryFields(t *testing.T) {
	m := new(dns.Msg)
	m.SetQuestion("WWW.Example.", dns.TypeAAAA)
	m.Id, m.CheckingDisabled = 0xbeef, true
	m.SetEdns0(4096, true)
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var q Query
	if f := q.Parse(msg); f != Sound {
		t.Fatalf("Parse = %d, want Sound", f)
	}
	sameAsMiekg(t, msg, &q)
	if q.Flags != RD|CD || !bytes.Equal(q.Name(), nameOf("WWW.Example")) || q.Class != ClassIN || q.Type != TypeAAAA {
		t.Errorf("Query = %+v", q)
	}
	key := q.AppendKey([]byte("x"))
	want := "x" + string(nameOf("www.example")) + "\x00\x1c\x00\x01\x02"
	if string(key) != want {
		t.Errorf("AppendKey = %q, want %q", key, want)
	}
	if got := KeyName(string(key[1:])); got != string(nameOf("www.example")) {
		t.Errorf("KeyName = %q, want www.example", got)
	}
}

// A key tells apart what can have different answers, and nothing else.
func TestAppendKey(t *testing.T) {
	key := func(name string, rtype, class uint16, do, cd bool) string {
		q := Query{Question: append(nameOf(name), byte(rtype>>8), byte(rtype), byte(class>>8), byte(class))}
		if q.EDNS.DO = do; cd {
			q.Flags = CD
		}
		return string(q.AppendKey(nil))
	}
	seen := make(map[string]bool)
	const n = 3 * 4 * 3 * 2 // the same for DO and without
	for _, name := range []string{"", "a.test", "b.test"} {
		for _, rtype := range []uint16{TypeA, 65, 97, 0x4141} { // HTTPS is an A in ASCII
			for _, class := range []uint16{ClassIN, 65, 97} {
				for i := range 4 {
					seen[key(name, rtype, class, i&1 != 0, i&2 != 0)] = true
				}
			}
		}
	}
	if len(seen) != n {
		t.Errorf("%d different keys, want %d", len(seen), n)
	}
	if a, b := key("A.tEsT-\xc9", 1, 1, false, false), key("a.TeSt-\xc9", 1, 1, false, false); a != b {
		t.Errorf("keys of one name in two cases = %q, %q, want equal", a, b)
	}
}
