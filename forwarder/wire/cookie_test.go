package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// The first outputs of the reference implementation for the key 00 01 … 0f and
// the messages "", 00, 00 01, … (SipHash paper, appendix A, is length 15).
func TestSipHash(t *testing.T) {
	want := map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 2: 0x0d6c8009d9a94f5a, 3: 0x85676696d7fb7e2d,
		7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 16: 0x3f2acc7f57c29bdb,
		63: 0x958a324ceb064572,
	}
	var key [16]byte
	var msg []byte
	for i := range key {
		key[i] = byte(i)
	}
	for n := range 64 {
		if w, ok := want[n]; ok {
			if got := sipHash(&key, msg); got != w {
				t.Errorf("sipHash(%d octets) = %#x, want %#x", n, got, w)
			}
		}
		msg = append(msg, byte(n))
	}
}

// The examples of RFC 9018, appendix A.
var cookieVectors = []struct {
	name, addr, client, secret, cookie string
	now                                uint32
}{
	{name: "A.1 new", addr: "198.51.100.100", client: "2464c4abcf10c957", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
		cookie: "2464c4abcf10c957010000005cf79f111f8130c3eee29480", now: 1559731985},
	{name: "A.2 renewed", addr: "198.51.100.100", client: "2464c4abcf10c957", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
		cookie: "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", now: 1559734385},
	{name: "A.3 renewed", addr: "203.0.113.203", client: "fc93fc62807ddb86", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
		cookie: "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", now: 1559734700},
	{name: "A.4 old secret", addr: "2001:db8:220:1:59de:d0f4:8769:82b8", client: "22681ab97d52c298", secret: "dd3bdf9344b678b185a6f5cb60fca715",
		cookie: "22681ab97d52c298010000005cf7c57926556bd0934c72f8", now: 1559741817},
	{name: "A.4 new secret", addr: "2001:db8:220:1:59de:d0f4:8769:82b8", client: "22681ab97d52c298", secret: "445536bcd2513298075a5d379663c962",
		cookie: "22681ab97d52c298010000005cf7c609a6bb79d16625507a", now: 1559741961},
	{name: "mapped address", addr: "::ffff:198.51.100.100", client: "2464c4abcf10c957", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
		cookie: "2464c4abcf10c957010000005cf79f111f8130c3eee29480", now: 1559731985},
}

func TestAppendCookie(t *testing.T) {
	for _, v := range cookieVectors {
		t.Run(v.name, func(t *testing.T) {
			secret := [16]byte(unhex(t, v.secret))
			got := AppendCookie(nil, unhex(t, v.client), netip.MustParseAddr(v.addr), v.now, &secret)
			if !bytes.Equal(got, unhex(t, v.cookie)) || len(got) != CookieLen {
				t.Errorf("AppendCookie = %x, want %s", got, v.cookie)
			}
			if !GoodCookie(got, netip.MustParseAddr(v.addr), v.now, &secret) {
				t.Error("GoodCookie(its own) = false, want true")
			}
		})
	}
}

func TestGoodCookie(t *testing.T) {
	v := cookieVectors[0]
	const made = 1559731985
	cookie := unhex(t, v.cookie)
	tests := []struct {
		name   string
		cookie []byte
		addr   string
		now    uint32
		want   bool
	}{
		{name: "an hour old", cookie: cookie, addr: v.addr, now: made + 3600, want: true},
		{name: "older", cookie: cookie, addr: v.addr, now: made + 3601},
		{name: "from our near future", cookie: cookie, addr: v.addr, now: made - 300, want: true},
		{name: "from our far future", cookie: cookie, addr: v.addr, now: made - 301},
		{name: "half the clock away", cookie: cookie, addr: v.addr, now: made + 1<<31},
		{name: "other address", cookie: cookie, addr: "198.51.100.101", now: made},
		{name: "client cookie only", cookie: cookie[:8], addr: v.addr, now: made},
		{name: "short", cookie: cookie[:23], addr: v.addr, now: made},
		{name: "long", cookie: append(bytes.Clone(cookie), 0), addr: v.addr, now: made},
		{name: "empty", addr: v.addr, now: made},
		// Appendix A.3: what the client sends has reserved octets that are not zero.
		{name: "reserved octets", cookie: unhex(t, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"), addr: "203.0.113.203", now: 1559727985, want: true},
	}
	secret := [16]byte(unhex(t, v.secret))
	for _, tt := range tests {
		if got := GoodCookie(tt.cookie, netip.MustParseAddr(tt.addr), tt.now, &secret); got != tt.want {
			t.Errorf("%s: GoodCookie(%x) = %v, want %v", tt.name, tt.cookie, got, tt.want)
		}
	}
	for i := range CookieLen * 8 {
		forged := bytes.Clone(cookie)
		forged[i/8] ^= 1 << (i % 8)
		if GoodCookie(forged, netip.MustParseAddr(v.addr), made, &secret) {
			t.Errorf("GoodCookie with bit %d turned = true, want false", i)
		}
	}
	next := [cookieHead]byte(cookie)
	next[clientCookieLen]++
	signed := binary.LittleEndian.AppendUint64(next[:], cookieHash(&next, netip.MustParseAddr(v.addr), &secret))
	if GoodCookie(signed, netip.MustParseAddr(v.addr), made, &secret) {
		t.Error("GoodCookie of the next version = true, want false")
	}
	other := secret
	other[15] ^= 1
	if GoodCookie(cookie, netip.MustParseAddr(v.addr), made, &other) {
		t.Error("GoodCookie with another secret = true, want false")
	}
}

// checkCookie makes a cookie with the head of the one given, and finds it good
// if and only if it is the same and its time is near.
func checkCookie(t *testing.T, cookie, host []byte, now uint32) {
	addr, err := netip.ParseAddr(string(host))
	if err != nil || len(cookie) < cookieHead {
		return
	}
	secret := [16]byte{1, 2, 3}
	made := now - 3600
	own := AppendCookie(nil, cookie[:clientCookieLen], addr, made, &secret)
	if !GoodCookie(own, addr, now, &secret) || GoodCookie(own, addr, now+1, &secret) {
		t.Errorf("GoodCookie(%x) is not good for an hour", own)
	}
	if GoodCookie(cookie, addr, now, &secret) && len(cookie) != CookieLen {
		t.Errorf("GoodCookie(%x) = true, want false", cookie)
	}
	if other := addr.Next(); other.IsValid() && GoodCookie(own, other, now, &secret) {
		t.Errorf("GoodCookie(%x) for %v = true, want false", own, other)
	}
}
