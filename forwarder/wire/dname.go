package wire

import "encoding/binary"

// Renames reports whether dname makes target of the name at off, which is below it
// (RFC 6672, 2.2).
func (m *Message) Renames(dname *RR, off, target int) bool {
	extra := labels(m.Msg, off) - labels(m.Msg, dname.Start)
	for range extra {
		have, next := label(m.Msg, follow(m.Msg, target))
		want, behind := label(m.Msg, follow(m.Msg, off))
		if !equalFold(have, want) {
			return false
		}
		target, off = next, behind
	}
	return sameName(m.Msg, target, dname.RData)
}

// Rename adds to m's octets, behind all of its records, the CNAME that dname makes of
// the name at off (RFC 6672, 3.1), with dname's TTL. It reports false when the new
// name is too long.
func (m *Message) Rename(dname *RR, off int) (RR, bool) {
	start := len(m.Msg)
	msg := appendWritten(m.Msg[:start:start], m.Msg, off, -1)
	cname := RR{Start: start, RData: len(msg) + 10, TTL: dname.TTL, Type: TypeCNAME, Class: dname.Class}
	msg = binary.BigEndian.AppendUint16(msg, TypeCNAME)
	msg = binary.BigEndian.AppendUint16(msg, dname.Class)
	msg = append(msg, 0, 0, 0, 0, 0, 0) // TTL and length are in cname
	msg = appendWritten(msg, m.Msg, off, labels(m.Msg, off)-labels(m.Msg, dname.Start))
	msg = appendWritten(msg, m.Msg, dname.RData, -1)
	if cname.End = len(msg); cname.End-cname.RData > maxName {
		return RR{}, false
	}
	m.Msg = msg
	return cname, true
}

// appendWritten appends the first n labels of the checked name at off, or all of it.
func appendWritten(dst, msg []byte, off, n int) []byte {
	for ; n != 0; n-- {
		off = follow(msg, off)
		l, next := label(msg, off)
		dst = append(dst, msg[off:next]...)
		if len(l) == 0 {
			break
		}
		off = next
	}
	return dst
}
