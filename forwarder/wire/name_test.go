package wire

import (
	"bytes"
	"testing"
)

func TestNames(t *testing.T) {
	// One message: names by their offsets, some compressed.
	var msg []byte
	offsets := make(map[string]int)
	put := func(key string, parts ...[]byte) {
		offsets[key] = len(msg)
		msg = append(msg, bytes.Join(parts, nil)...)
	}
	put("header", make([]byte, HeaderLen))
	put("root", nameOf(""))
	put("plain", nameOf("a.b.example"))
	put("upper", nameOf("A.b.EXAMPLE"))
	put("other", nameOf("x.b.example"))
	put("longer", nameOf("a.b.example.test"))
	put("parent", nameOf("example"))
	put("compressed", []byte{1, 'a', 1, 'B'}, pointer(offsets["parent"]))
	put("pointer", pointer(offsets["compressed"]))
	put("to the root", []byte{1, 'a'}, pointer(offsets["root"]))
	put("prefix", nameOf("aa.b.example"))
	tests := []struct {
		a, b        string
		same, below bool // a is b, a is below b
	}{
		{a: "plain", b: "plain", same: true},
		{a: "plain", b: "upper", same: true},
		{a: "plain", b: "compressed", same: true},
		{a: "upper", b: "pointer", same: true},
		{a: "plain", b: "other"},
		{a: "plain", b: "longer"},
		{a: "plain", b: "prefix"},
		{a: "plain", b: "root", below: true},
		{a: "root", b: "plain"},
		{a: "root", b: "root", same: true},
		{a: "plain", b: "parent", below: true},
		{a: "pointer", b: "parent", below: true},
		{a: "parent", b: "pointer"},
		{a: "parent", b: "root", below: true},
		{a: "longer", b: "parent"},
		{a: "longer", b: "plain"},
		{a: "to the root", b: "root", below: true},
		{a: "to the root", b: "plain"},
	}
	for _, tt := range tests {
		a, b := offsets[tt.a], offsets[tt.b]
		if got := sameName(msg, a, b); got != tt.same {
			t.Errorf("sameName(%s, %s) = %v, want %v", tt.a, tt.b, got, tt.same)
		}
		if got := sameName(msg, b, a); got != tt.same {
			t.Errorf("sameName(%s, %s) = %v, want %v", tt.b, tt.a, got, tt.same)
		}
		if got := below(msg, a, b); got != tt.below {
			t.Errorf("below(%s, %s) = %v, want %v", tt.a, tt.b, got, tt.below)
		}
	}
	for key, want := range map[string]string{"root": "", "upper": "a.b.example", "pointer": "a.b.example", "to the root": "a"} {
		if got := AppendName([]byte("x"), msg, offsets[key]); string(got) != "x"+string(nameOf(want)) {
			t.Errorf("AppendName(%s) = %q, want %s", key, got, want)
		}
	}
}

func TestOffsets(t *testing.T) {
	var s offsets
	s = s.reset(1 << 16)
	for _, off := range []int{0, 63, 64, 130, reach - 1, reach, 1<<16 - 1} {
		s.add(off)
	}
	in := map[int]bool{0: true, 63: true, 64: true, 130: true, reach - 1: true}
	for from := range 200 {
		want := false
		for to := from; to < 200; to++ {
			if got := s.any(from, to); got != want {
				t.Fatalf("any(%d, %d) = %v, want %v", from, to, got, want)
			}
			want = want || in[to]
		}
		if s.has(from) != in[from] {
			t.Errorf("has(%d) = %v, want %v", from, s.has(from), in[from])
		}
	}
	if !s.any(131, 1<<16) || s.any(131, reach-1) || s.any(reach, 1<<16) {
		t.Error("any goes wrong at the reach of a pointer")
	}
	if s = s.reset(65); len(s) != 2 || s.any(0, 128) {
		t.Errorf("reset(65) = %v, want two empty words", s)
	}
}
