package wire

// layout says where the names are in a type's data.
type layout struct {
	skip       int  // octets before them, or variable
	names      int  // how many there are
	tail       int  // octets behind them; any number when negative
	compressed bool // they may be, when they are sent (RFC 3597, 4)
}

// variable stands for two numbers and three character strings (RFC 3403, 4.1).
const variable = -1

// layoutOf returns the layout of the types that may come with compressed names, or
// whose names other names may point to; other data is opaque.
func layoutOf(typ uint16) layout {
	switch typ {
	case TypeNS, 3, 4, TypeCNAME, 7, 8, 9, typePTR: // MD MF MB MG MR
		return layout{names: 1, compressed: true}
	case TypeSOA:
		return layout{names: 2, tail: 20, compressed: true}
	case 14: // MINFO
		return layout{names: 2, compressed: true}
	case typeMX:
		return layout{skip: 2, names: 1, compressed: true}
	case TypeDNAME:
		return layout{names: 1}
	case 17, 58: // RP TALINK
		return layout{names: 2}
	case typeAFSDB, typeRT, typeKX, 107: // LP
		return layout{skip: 2, names: 1}
	case 26: // PX
		return layout{skip: 2, names: 2}
	case typeSRV:
		return layout{skip: 6, names: 1}
	case typeNAPTR:
		return layout{skip: variable, names: 1}
	case typeSIG, TypeRRSIG:
		return layout{skip: 18, names: 1, tail: -1}
	case 30, typeNSEC: // NXT
		return layout{names: 1, tail: -1}
	case typeSVCB, typeHTTPS:
		return layout{skip: 2, names: 1, tail: -1}
	}
	return layout{}
}

// before returns how many octets stand before the names in data.
func before[T string | []byte](l layout, data T) int {
	if l.skip != variable {
		return l.skip
	}
	off := 4
	for range 3 {
		if off < len(data) {
			off += int(data[off])
		}
		off++
	}
	return off
}

// sameData reports whether two records of one type say the same. Names in what they
// say are equal in any case of letters (RFC 4343, 3), and however compressed.
func (m *Message) sameData(a, b *RR) bool {
	x, y := m.Msg[a.RData:a.End], m.Msg[b.RData:b.End]
	l := layoutOf(a.Type)
	if l.names == 0 {
		return string(x) == string(y)
	}
	skip := before(l, x)
	if skip != before(l, y) || string(x[:skip]) != string(y[:skip]) {
		return false
	}
	i, j := a.RData+skip, b.RData+skip
	for range l.names {
		if !sameName(m.Msg, i, j) {
			return false
		}
		i, j = behindName(m.Msg, i), behindName(m.Msg, j)
	}
	return string(m.Msg[i:a.End]) == string(m.Msg[j:b.End])
}

// appendCanonical appends a record's owner, type and data: equal octets, equal
// records.
func (m *Message) appendCanonical(dst []byte, rr *RR) []byte {
	dst = append(AppendName(dst, m.Msg, rr.Start), byte(rr.Type>>8), byte(rr.Type))
	l := layoutOf(rr.Type)
	at := rr.RData
	if l.names > 0 {
		at += before(l, m.Msg[rr.RData:rr.End])
		dst = append(dst, m.Msg[rr.RData:at]...)
		for range l.names {
			dst = AppendName(dst, m.Msg, at)
			at = behindName(m.Msg, at)
		}
	}
	return append(dst, m.Msg[at:rr.End]...)
}
