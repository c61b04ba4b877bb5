package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// lowerOf is the definition: only A to Z change (RFC 4343, 3).
func lowerOf(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func TestLower8(t *testing.T) {
	for _, around := range []byte{0, 'A', 'z', 0x80, 0xff} {
		for at := range 8 {
			for c := range 256 {
				in := bytes.Repeat([]byte{around}, 8)
				in[at] = byte(c)
				var want []byte
				for _, b := range in {
					want = append(want, lowerOf(b))
				}
				var got [8]byte
				binary.LittleEndian.PutUint64(got[:], lower8(binary.LittleEndian.Uint64(in)))
				if !bytes.Equal(got[:], want) {
					t.Fatalf("lower8(%x) = %x, want %x", in, got, want)
				}
			}
		}
	}
}

func TestAppendLower(t *testing.T) {
	var src, want []byte
	for n := range 300 {
		got := AppendLower([]byte("KEPT"), src)
		if string(got) != "KEPT"+string(want) {
			t.Fatalf("AppendLower(%x) = %x, want %x", src, got[4:], want)
		}
		c := byte(n * 7)
		src, want = append(src, c), append(want, lowerOf(c))
	}
}

func TestEqualFold(t *testing.T) {
	a := []byte("MyService-7.awslab.us-east-1.Internal[`@{\x00\xc1")
	for n := range len(a) + 1 {
		if !equalFold(a[:n], AppendLower(nil, a[:n])) {
			t.Errorf("equalFold(%q, its lower case) = false, want true", a[:n])
		}
		for i := range n {
			b := bytes.Clone(a[:n])
			b[i] ^= 0x01
			if equalFold(a[:n], b) {
				t.Errorf("equalFold(%q, %q) = true, want false", a[:n], b)
			}
		}
	}
	if equalFold([]byte("a"), []byte("ab")) {
		t.Error("equalFold of different lengths = true, want false")
	}
	if equalFold([]byte("[@"), []byte("{`")) {
		t.Error("equalFold([@, {`) = true, want false: no letters")
	}
}
