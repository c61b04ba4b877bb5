package wire

import "encoding/binary"

// Aging says what becomes of an answer's TTLs in a reply.
type Aging struct {
	Sub   uint32 // seconds since the answer came, taken off each TTL
	Fixed uint32 // of Bound
	Bound Bound
}

// Bound says what Aging.Fixed is. The zero value: nothing.
type Bound uint8

// The kinds of bounds.
const (
	Unbound Bound = iota
	AtMost        // no TTL is greater
	Exactly       // it is the TTL of each record (RFC 8767, 4)
)

// AtMost returns g with no TTL greater than ttl.
func (g Aging) AtMost(ttl uint32) Aging {
	if g.Bound == Unbound {
		g.Bound, g.Fixed = AtMost, ttl
	}
	g.Fixed = min(g.Fixed, ttl)
	return g
}

// Of returns what becomes of a TTL.
func (g Aging) Of(ttl uint32) uint32 {
	if g.Bound != Unbound {
		return g.bound(ttl)
	}
	return ttl - min(g.Sub, ttl)
}

func (g Aging) bound(ttl uint32) uint32 {
	if g.Bound == Exactly {
		return g.Fixed
	}
	return min(ttl-min(g.Sub, ttl), g.Fixed)
}

// AppendReply appends a reply to q without OPT: q's ID and question, flags,
// the answer's rcode, and its records with aged TTLs, sets in the order that
// order says. AppendOPT and AddOPT come next for a client that speaks EDNS.
func AppendReply(dst []byte, q *Query, flags uint16, a Answer, g Aging, order *Order) []byte {
	from := len(dst)
	dst = AppendHeader(dst, q.ID, flags|uint16(a.Rcode()), 1, uint16(a.Count(0)), uint16(a.Count(1)), uint16(a.Count(2)))
	dst = append(dst, q.Question...)
	base := len(dst)
	if a[1] > 0 && order.Mode != OrderNone {
		w := arrangement{Answer: a, Aging: g, body: a.body(), order: order}
		if a[0]&linked != 0 {
			w.relink(dst, from)
		}
		return w.append(dst, a.records())
	}
	body := a.body()
	dst = append(dst, body...)
	for i := range a.records() {
		g.age(dst[base+a.ttl(i):], body[a.ttl(i):])
	}
	return dst
}

// age writes the TTL that the kept one has become. (To read what was copied a
// moment ago would wait for the copy.)
func (g Aging) age(field []byte, kept string) {
	binary.BigEndian.PutUint32(field, g.Of(uint32(kept[0])<<24|uint32(kept[1])<<16|uint32(kept[2])<<8|uint32(kept[3])))
}

// Cut shortens the reply that starts at dst[from:], made by AppendReply for a,
// to at most limit octets. When the additional section is all that is too much
// it goes; else TC is set, and whole records stay as far as they fit when some
// is true, else none (RFC 2181, 9; BIND leaves none to EDNS clients). Records
// stand in the answer's own order then.
func Cut(dst []byte, from int, q *Query, a Answer, g Aging, limit int, some bool) []byte {
	base := from + HeaderLen + len(q.Question)
	body, keep := a.body(), a.fitting(limit-(base-from))
	if needed := a.Count(0) + a.Count(1); keep >= needed {
		keep = needed
	} else if dst[from+2] |= TC >> 8; !some {
		keep = 0
	}
	dst = dst[:base]
	if keep > 0 {
		dst = append(dst, body[:a.endOf(keep-1)]...)
	}
	for i := range keep {
		g.age(dst[base+a.ttl(i):], body[a.ttl(i):])
	}
	for s := range 3 {
		n := min(keep, a.Count(s))
		binary.BigEndian.PutUint16(dst[from+6+2*s:], uint16(n))
		keep -= n
	}
	return dst
}

// fitting counts the leading records that fit in room octets.
func (a Answer) fitting(room int) (n int) {
	for n < a.records() && a.endOf(n) <= room {
		n++
	}
	return n
}

// endOf returns the offset behind record i, relative to the records.
func (a Answer) endOf(i int) int {
	if i+1 < a.records() {
		return a.start(i + 1)
	}
	return len(a.body())
}

// AddOPT counts an OPT record, appended by the caller, in the header at
// msg[from:].
func AddOPT(msg []byte, from int) {
	ar := msg[from+10 : from+12]
	binary.BigEndian.PutUint16(ar, binary.BigEndian.Uint16(ar)+1)
}
