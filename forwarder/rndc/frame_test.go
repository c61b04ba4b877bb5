package rndc

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// A frame that rndc 9.18 has sent, with its key.
const (
	capturedSecret = "z3SmzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s="
	capturedFrame  = "000000d100000001055f61757468020000006304687368610100000059a377462b386d676c306d417253674f592f596d77336d714b616d3347576b317445313532494f5042585466303d0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000055f6374726c020000003b045f7365720100000009373033333038333736045f74696d010000000a31373935333633373935045f657870010000000a31373935333633383535055f64617461020000000e047479706501000000046e756c6c"
)

func newKey(t testing.TB, algorithm, secret string) *Key {
	t.Helper()
	a, err := ParseAlgorithm(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return NewKey("k", a, raw)
}

func capturedMessage(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(capturedFrame)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What rndc sent is understood, and made again it is the same to the octet.
func TestCapturedFrame(t *testing.T) {
	key, frame := newKey(t, "hmac-sha256", capturedSecret), capturedMessage(t)
	want := []entry{
		table("_ctrl", text("_ser", "703308376"), text("_tim", "1795363795"), text("_exp", "1795363855")),
		table("_data", text("type", "null")),
	}
	got, by, err := open(frame[4:], []*Key{newKey(t, "hmac-md5", capturedSecret), key})
	if err != nil || by != key || !reflect.DeepEqual(got, want) {
		t.Errorf("open = %v, %v, %v, want %v", got, by, err, want)
	}
	if again := seal(key, want); string(again) != string(frame) {
		t.Errorf("seal = %x,\nwant %x", again, frame)
	}
}

func TestEveryBitIsSigned(t *testing.T) {
	key := newKey(t, "hmac-sha256", capturedSecret)
	for i := range capturedMessage(t)[4:] {
		frame := capturedMessage(t)[4:]
		frame[i] ^= 1
		if m, _, err := open(frame, []*Key{key}); err == nil {
			t.Errorf("with octet %d changed: %v", i, m)
		}
	}
}

func TestBadFrames(t *testing.T) {
	deep := []entry{text("a", "b")}
	for range maxNesting {
		deep = []entry{table("t", deep...)}
	}
	for _, tt := range []struct {
		name, table string
		want        error
	}{
		{"key cut", "\x05ab", errUnexpectedEnd},
		{"no value", "\x01a", errUnexpectedEnd},
		{"length past the end", "\x01a\x01\xff\xff\xff\xff", errUnexpectedEnd},
		{"type 0", "\x01a\x00\x00\x00\x00\x00", errSyntax},
		{"type 4", "\x01a\x04\x00\x00\x00\x00", errSyntax},
		{"table cut", "\x01a\x02\x00\x00\x00\x02\x05a", errUnexpectedEnd},
		{"too deep", string(appendTable(nil, deep)), errRange},
	} {
		if _, err := readTable(tt.table, 1); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := readTable(string(appendTable(nil, deep[0].table)), 1); err != nil {
		t.Errorf("%d deep: %v", maxNesting-1, err)
	}
}

func TestAlgorithms(t *testing.T) {
	for _, name := range Algorithms() {
		key := newKey(t, strings.ToUpper(name), capturedSecret)
		m := []entry{table("_data", text("type", "status"))}
		frame := seal(key, m)
		if got, _, err := open(frame[4:], []*Key{key}); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		for _, other := range Algorithms() {
			if _, _, err := open(frame[4:], []*Key{newKey(t, other, capturedSecret)}); other != name && !errors.Is(err, errBadAuth) {
				t.Errorf("%s is taken for %s: %v", name, other, err)
			}
		}
	}
	if _, err := ParseAlgorithm("hmac-sha3"); err == nil {
		t.Error("hmac-sha3 is known")
	}
}

// Whoever has no key makes the server allocate nothing.
func TestBadAuthAllocates(t *testing.T) {
	frame := capturedMessage(t)[4:]
	frame[len(frame)-1] ^= 1
	var keys []*Key
	for _, name := range Algorithms() {
		keys = append(keys, newKey(t, name, capturedSecret))
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := open(frame, keys); err != errBadAuth {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a frame without a key allocates %v times, want none", n)
	}
}

// Tables that can be read are written as they came; none costs more than its
// size allows, nor panics.
func FuzzTable(f *testing.F) {
	f.Add(string(capturedMessage(f)[8:]))
	f.Add("\x01a\x03\x00\x00\x00\x06\x01\x00\x00\x00\x01b\x01c\x02\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, s string) {
		entries, err := readTable(s, 1)
		if err != nil {
			return
		}
		if got := string(appendTable(nil, entries)); got != s {
			t.Errorf("%q is written as %q", s, got)
		}
		if n := count(entries); n > len(s)/5 {
			t.Errorf("%d entries in %d octets", n, len(s))
		}
	})
}

// A frame is taken apart without loss, whoever has sent it; what its own key has
// signed is what would be sent.
func FuzzFrame(f *testing.F) {
	f.Add(capturedMessage(f)[4:])
	f.Add(seal(newKey(f, "hmac-md5", capturedSecret), []entry{table("_data", text("type", "x"))})[4:])
	key := newKey(f, "hmac-sha256", capturedSecret)
	f.Fuzz(func(t *testing.T, frame []byte) {
		if m, _, err := open(frame, []*Key{key}); err == nil && string(seal(key, m)[4:]) != string(frame) {
			t.Errorf("%x is sealed as %x", frame, seal(key, m))
		}
		authKey, mac, signed, err := split(frame)
		if err != nil {
			return
		}
		again := appendTable([]byte{0, 0, 0, protocolVersion}, []entry{table("_auth", text(string(authKey), string(mac)))})
		if again = append(again, signed...); string(again) != string(frame) {
			t.Errorf("split(%x) has lost something: %x", frame, again)
		}
	})
}

func count(entries []entry) (n int) {
	for _, e := range entries {
		n += 1 + count(e.table)
	}
	return n
}
