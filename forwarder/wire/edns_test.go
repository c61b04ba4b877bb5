package wire

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func fromHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Which options BIND 9.18 takes, and which make it answer FORMERR.
func TestOptions(t *testing.T) {
	cookie8, cookie16, cookie40 := make([]byte, 8), make([]byte, 16), make([]byte, 40)
	tests := []struct {
		name string
		data []byte // options
		ok   bool
		want EDNS
	}{
		{"none", nil, true, EDNS{}},
		{"unknown", option(65001, 1), true, EDNS{}},
		{"NSID", option(OptionNSID), true, EDNS{NSID: true}},
		{"NSID with data", option(OptionNSID, 1), true, EDNS{NSID: true}},
		{"keepalive", option(OptionKeepalive), true, EDNS{Keepalive: true}},
		{"keepalive of 1", option(OptionKeepalive, 1), true, EDNS{Keepalive: true}},
		{"client cookie", option(OptionCookie, cookie8...), true, EDNS{Cookie: cookie8}},
		{"least server cookie", option(OptionCookie, cookie16...), true, EDNS{Cookie: cookie16}},
		{"longest server cookie", option(OptionCookie, cookie40...), true, EDNS{Cookie: cookie40}},
		{"first of two cookies", append(option(OptionCookie, cookie16...), option(OptionCookie, cookie8...)...), true, EDNS{Cookie: cookie16}},
		{"subnet", option(OptionECS, 0, 1, 24, 0, 1, 2, 3), true, EDNS{ECS: []byte{0, 1, 24, 0, 1, 2, 3}}},
		{"subnet of IPv6", option(OptionECS, 0, 2, 9, 0, 1, 0x80), true, EDNS{ECS: []byte{0, 2, 9, 0, 1, 0x80}}},
		{"subnet of no family", option(OptionECS, 0, 0, 0, 0), true, EDNS{ECS: []byte{0, 0, 0, 0}}},
		{"first of two subnets", append(option(OptionECS, 0, 1, 8, 0, 1), option(OptionECS, 0, 1, 8, 0, 2)...), true, EDNS{ECS: []byte{0, 1, 8, 0, 1}}},
		{"EDE", option(OptionEDE, 0, 1), true, EDNS{}},
		{"expire", option(optionExpire), true, EDNS{}},
		{"key tag", option(optionKeyTag, 1, 2), true, EDNS{}},
		{"client tag", option(optionClientTag, 1, 2), true, EDNS{}},

		{"cookie of 0", option(OptionCookie), false, EDNS{}},
		{"cookie of 7", option(OptionCookie, make([]byte, 7)...), false, EDNS{}},
		{"cookie of 9", option(OptionCookie, make([]byte, 9)...), false, EDNS{}},
		{"cookie of 15", option(OptionCookie, make([]byte, 15)...), false, EDNS{}},
		{"cookie of 41", option(OptionCookie, make([]byte, 41)...), false, EDNS{}},
		{"good option before a bad one", append(option(OptionNSID), option(OptionCookie, 1)...), false, EDNS{}},
		{"good option behind a bad one", append(option(OptionCookie, 1), option(OptionKeepalive)...), false, EDNS{}},
		{"subnet of 0 octets", option(OptionECS), false, EDNS{}},
		{"subnet of 3 octets", option(OptionECS, 0, 1, 0), false, EDNS{}},
		{"subnet of family 3", option(OptionECS, 0, 3, 8, 0, 1), false, EDNS{}},
		{"subnet of family 257", option(OptionECS, 1, 1, 8, 0, 1), false, EDNS{}},
		{"subnet of no family with a prefix", option(OptionECS, 0, 0, 8, 0, 1), false, EDNS{}},
		{"subnet of 33 bits", option(OptionECS, 0, 1, 33, 0, 1, 2, 3, 4, 0), false, EDNS{}},
		{"subnet of 129 bits", option(OptionECS, append([]byte{0, 2, 129, 0}, make([]byte, 17)...)...), false, EDNS{}},
		{"scope of 33 bits", option(OptionECS, 0, 1, 8, 33, 1), false, EDNS{}},
		{"subnet too short", option(OptionECS, 0, 1, 24, 0, 1, 2), false, EDNS{}},
		{"subnet too long", option(OptionECS, 0, 1, 24, 0, 1, 2, 3, 0), false, EDNS{}},
		{"bits behind the prefix", option(OptionECS, 0, 1, 23, 0, 1, 2, 3), false, EDNS{}},
		{"EDE of 1", option(OptionEDE, 1), false, EDNS{}},
		{"expire of 3", option(optionExpire, 1, 2, 3), false, EDNS{}},
		{"no key tag", option(optionKeyTag), false, EDNS{}},
		{"key tag of 3", option(optionKeyTag, 1, 2, 3), false, EDNS{}},
		{"client tag of 1", option(optionClientTag, 1), false, EDNS{}},
		{"server tag of 3", option(optionServerTag, 1, 2, 3), false, EDNS{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := BadOption
			if tt.ok {
				want = Sound
			}
			var q Query
			if got := q.Parse(message(RD, oneExtra, asked, opt(flagDO, tt.data))); got != want {
				t.Fatalf("Parse = %d, want %d", got, want)
			}
			tt.want.Present, tt.want.DO, tt.want.UDPSize = true, true, 1232
			if !sameEDNS(&q.EDNS, &tt.want) {
				t.Errorf("EDNS = %+v, want %+v", q.EDNS, tt.want)
			}
		})
	}
}

func TestOPT(t *testing.T) {
	cookie := option(OptionCookie, 1, 2, 3, 4, 5, 6, 7, 8)
	a := record(pointer(HeaderLen), TypeA, 60, 1, 2, 3, 4)
	tests := []struct {
		name string
		msg  []byte
		want bool
	}{
		{"behind an answer", message(QR, [4]uint16{1, 1, 0, 1}, asked, a, opt(1<<24, cookie)), true},
		{"alone", message(QR, oneExtra, asked, opt(1<<24, cookie)), true},
		{"absent", message(QR, [4]uint16{1, 1}, asked, a), false},
		{"cut", message(QR, oneExtra, asked, opt(1<<24, cookie[:11])), false},
		{"behind a cut record", message(QR, [4]uint16{1, 1, 0, 1}, asked, a[:13], opt(1<<24, cookie)), false},
		{"counted but not there", message(QR, oneExtra, asked), false},
		{"no question", message(QR, [4]uint16{0, 0, 0, 1}, opt(1<<24, cookie)), false},
		{"broken question", message(QR, oneExtra, []byte{64}), false},
		{"no type", message(QR, oneExtra, asked[:10]), false},
		{"no header", []byte{1, 2, 3}, false},
	}
	for _, tt := range tests {
		e, ok := OPT(tt.msg)
		if ok != tt.want {
			t.Errorf("%s: OPT = %v, want %v", tt.name, ok, tt.want)
		}
		if ok && (e.UDPSize != 1232 || e.ExtRcode != 1 || !bytes.Equal(e.Cookie, cookie[4:])) {
			t.Errorf("%s: OPT = %+v, want 1232, 1 and the cookie", tt.name, e)
		}
	}
}

func TestAppendOPT(t *testing.T) {
	msg := message(QR|RD, oneQ, asked)
	AddOPT(msg, 0)
	at := len(msg)
	msg = AppendOPT(msg, 1232, BadCookie, true)
	msg = AppendOption(msg, at, OptionNSID, []byte("ns")...)
	msg = AppendECS(msg, at, []byte{0, 1, 24, 24, 1, 2, 3})
	msg = AppendOption(msg, at, OptionCookie, 1, 2, 3, 4, 5, 6, 7, 8)
	msg = AppendEDE(msg, at, EDEProhibited, "not you")
	m := unpack(t, msg)
	o := m.IsEdns0()
	if o == nil || len(o.Option) != 4 || len(m.Extra) != 1 {
		t.Fatalf("message = %v, want OPT with four options", m)
	}
	if o.UDPSize() != 1232 || !o.Do() || o.Version() != 0 || m.Rcode != BadCookie&^0xf {
		t.Errorf("OPT = %v, want 1232, DO, version 0, upper bits of BADCOOKIE", o)
	}
	for i, want := range []string{"6e73", "1.2.3.0/24/0", "0102030405060708", "18 (Prohibited): (not you)"} {
		if got := o.Option[i].String(); got != want {
			t.Errorf("option %d = %s, want %s", i, got, want)
		}
	}
}
