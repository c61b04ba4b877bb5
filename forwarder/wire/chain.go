package wire

import "encoding/binary"

// Chain is what the answer section says about the question, with its CNAMEs
// followed (RFC 1034, 4.3.2).
type Chain struct {
	Final    int  // offset of the last name of the chain: the question's, or a CNAME's target
	Hops     int  // CNAMEs followed
	Data     bool // the section has records of the asked type for Final
	Straight bool // every record belongs to the chain, and stands in its order, with its signatures behind it; a set has one owner, in letters too
	Cut      bool // what Final is must be asked for where it belongs
	kept     int  // records of the answer section up to the end of the chain
}

// Elsewhere reports whether a name (wire form, lower case) belongs to another
// source than the server that answered. It must not keep the name. nil: none does.
type Elsewhere func(name []byte) bool

// Chain follows the answer section from the question on, up to the first CNAME
// whose target is elsewhere.
func (m *Message) Chain(elsewhere Elsewhere) Chain {
	f := follower{Message: m, qtype: m.Type(), Chain: Chain{Final: HeaderLen, Straight: true}}
	answers := m.Section(0)
	for i := range answers {
		f.next(&answers[i])
		if f.set == &answers[i] && !f.Data && elsewhere != nil && elsewhere(m.LowerName(f.Final)) {
			f.cut(answers, i+1)
			return f.Chain
		}
	}
	f.kept = len(answers)
	return f.Chain
}

// follower follows a chain along the answer section.
type follower struct {
	*Message
	Chain
	qtype  uint16
	set    *RR  // the last record of the chain that is no signature
	signed bool // it has signatures behind it
}

// next looks at the next record.
func (f *follower) next(rr *RR) {
	switch {
	case rr.Type == TypeRRSIG && f.qtype != TypeRRSIG && f.qtype != TypeANY:
		f.signed = true
		f.Straight = f.Straight && f.set != nil && f.signs(rr, f.set)
	case f.Data && rr.Type != f.set.Type || !sameName(f.Msg, rr.Start, f.Final):
		f.Straight = false
	case rr.Type == f.qtype || f.qtype == TypeANY:
		f.Straight = f.Straight && !(f.Data && (f.signed || follow(f.Msg, rr.Start) != follow(f.Msg, f.set.Start)))
		f.set, f.signed, f.Data = rr, false, true
	case rr.Type == TypeCNAME:
		f.set, f.signed = rr, false
		f.Final = rr.RData
		f.Hops++
	default:
		f.Straight = false
	}
}

// cut ends the chain at record i, or behind the signatures of the alias before that.
func (f *follower) cut(answers []RR, i int) {
	f.Cut, f.kept = true, i
	for ; i < len(answers); i++ {
		if answers[i].Type == TypeRRSIG && f.signs(&answers[i], f.set) {
			f.Straight = f.Straight && f.kept == i
			f.kept++
		}
	}
}

// signs reports whether sig is a signature of set.
func (m *Message) signs(sig, set *RR) bool {
	return m.Covered(sig) == set.Type && sameName(m.Msg, sig.Start, set.Start)
}

// LowerName returns the checked name at off in lower case, until the next call.
func (m *Message) LowerName(off int) []byte {
	m.scratch = AppendName(m.scratch[:0], m.Msg, off)
	return m.scratch
}

// CutOff takes away what stands behind the end of c, a straight chain, and the rcode
// if it is about that.
func (m *Message) CutOff(c Chain) {
	m.RRs = m.RRs[:c.kept]
	m.Sections, m.opt = [3]int{c.kept}, -1
	m.SetRcode(NoError)
	m.shorten()
}

// Clear makes m a NODATA: what stays is the question.
func (m *Message) Clear() {
	m.RRs, m.Sections, m.opt = m.RRs[:0], [3]int{}, -1
	m.SetRcode(NoError)
	m.shorten()
}

// SetRcode sets the response code.
func (m *Message) SetRcode(rcode int) {
	m.EDNS.ExtRcode = 0
	m.Msg[3] = m.Msg[3]&^rcodeMask | byte(rcode)
}

// shorten takes away the octets of the records that are no longer in RRs.
func (m *Message) shorten() {
	for s, n := range m.Sections {
		binary.BigEndian.PutUint16(m.Msg[6+2*s:], uint16(n))
	}
	end := HeaderLen + len(m.Question)
	if len(m.RRs) > 0 {
		end = m.RRs[len(m.RRs)-1].End
	}
	m.Msg = m.Msg[:end]
}

// Referral reports whether m is one: it names other servers in place of an
// answer, as a server that does not recurse does.
func (m *Message) Referral() bool {
	if m.Rcode() != NoError || !hasType(m.Section(1), TypeNS) || hasType(m.Section(1), TypeSOA) {
		return false
	}
	c := m.Chain(nil)
	return !c.Data && c.Hops == 0
}

func hasType(rrs []RR, typ uint16) bool {
	for i := range rrs {
		if rrs[i].Type == typ {
			return true
		}
	}
	return false
}
