package wire

import "encoding/binary"

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// lower8 makes eight octets lower case at once. An octet below 128 is a letter
// when adding 128-'A' carries into its top bit and adding 128-'Z'-1 does not.
func lower8(w uint64) uint64 {
	low7 := w &^ high
	fromA := low7 + (128-'A')*ones
	pastZ := low7 + (128-'Z'-1)*ones
	return w | (fromA&^pastZ&high&^w)>>2
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c += 'a' - 'A'
	}
	return c
}

// AppendLower appends src with ASCII upper case made lower (RFC 4343). Label
// lengths pass unchanged: they are below 64, and letters begin at 65.
func AppendLower(dst, src []byte) []byte {
	n := len(dst)
	dst = append(dst, src...)
	out := dst[n:]
	if len(src) < 8 {
		for i, c := range src {
			out[i] = lower(c)
		}
		return dst
	}
	for i := 0; i < len(src)-8; i += 8 {
		binary.LittleEndian.PutUint64(out[i:], lower8(binary.LittleEndian.Uint64(src[i:])))
	}
	// The last eight may overlap some of the others.
	last := len(src) - 8
	binary.LittleEndian.PutUint64(out[last:], lower8(binary.LittleEndian.Uint64(src[last:])))
	return dst
}

// equalFold reports whether a and b are equal but for ASCII case.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for ; len(a) >= 8; a, b = a[8:], b[8:] {
		if lower8(binary.LittleEndian.Uint64(a)) != lower8(binary.LittleEndian.Uint64(b)) {
			return false
		}
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
