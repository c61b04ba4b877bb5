package wire

// AppendFirstSet appends a reply to q of the answer's first set alone, which it must
// have, and with signed of its signatures (BIND's minimal-any; RFC 8482, 4.1).
func AppendFirstSet(dst []byte, q *Query, flags uint16, a Answer, g Aging, order *Order, signed bool) []byte {
	from, n := len(dst), a.firstSet(signed)
	dst = AppendHeader(dst, q.ID, flags|uint16(a.Rcode()), 1, uint16(n), 0, 0)
	dst = append(dst, q.Question...)
	w := arrangement{Answer: a, Aging: g, body: a.body(), order: order}
	if order.Mode == OrderNone {
		return w.appendRun(dst, 0, n)
	}
	if a[0]&linked != 0 {
		w.relink(dst, from)
	}
	return w.append(dst, n)
}

// firstSet counts the records of the first set, and with signed its signatures.
func (a Answer) firstSet(signed bool) (n int) {
	const rtype, data = -4, 6 // from the TTL on
	body := a.body()
	at := func(i, field int) uint16 {
		off := a.ttl(i) + field
		return uint16(body[off])<<8 | uint16(body[off+1])
	}
	first := at(0, rtype)
	for n < a.Count(0) && at(n, rtype) == first {
		n++
	}
	for signed && n < a.Count(0) && at(n, rtype) == TypeRRSIG && at(n, data) == first {
		n++
	}
	return n
}
