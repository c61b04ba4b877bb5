package wire

import "encoding/binary"

// Chain is what the answer section says about the question, with its CNAMEs
// followed (RFC 1034, 4.3.2).
type Chain struct {
	Final    int  // offset of the last name of the chain: the question's, or a CNAME's target
	Hops     int  // CNAMEs followed
	Data     bool // the section has records of the asked type for Final
	Straight bool // every record belongs to the chain, and stands in its order
	Cut      bool // Final belongs elsewhere: what is said of it does not count
	kept     int  // records of the answer section before the cut
}

// Elsewhere reports whether a name (wire form, lower case) belongs to another
// source than the server that answered. It must not keep the name. nil: none does.
type Elsewhere func(name []byte) bool

// Chain follows the answer section from the question on, up to the first CNAME
// whose target is elsewhere.
func (m *Message) Chain(elsewhere Elsewhere) Chain {
	c := Chain{Final: HeaderLen, Straight: true}
	previous, qtype := HeaderLen, m.Type()
	for i, rr := range m.Section(0) {
		switch {
		case sameName(m.Msg, rr.Start, c.Final):
			if rr.Type == TypeCNAME && qtype != TypeCNAME && qtype != TypeANY {
				previous, c.Final = c.Final, rr.RData
				c.Hops++
				c.Straight = c.Straight && !c.Data
				c.Data = false
				if elsewhere != nil && elsewhere(m.lowerName(c.Final)) {
					m.cutBehind(&c, i+1, previous)
					return c
				}
			} else if rr.Type == qtype || qtype == TypeANY {
				c.Data = true
			} else if rr.Type != TypeRRSIG {
				c.Straight = false
			}
		case rr.Type == TypeRRSIG && sameName(m.Msg, rr.Start, previous):
		case rr.Type == TypeRRSIG && m.covered(&rr) == TypeDNAME && below(m.Msg, c.Final, rr.Start):
		case rr.Type == TypeDNAME && below(m.Msg, c.Final, rr.Start):
		default:
			c.Straight = false
		}
	}
	return c
}

// cutBehind ends the chain at record i, or behind the signatures of the alias that
// stand there.
func (m *Message) cutBehind(c *Chain, i, alias int) {
	c.Cut, c.kept = true, i
	for _, rr := range m.Section(0)[i:] {
		if rr.Type == TypeRRSIG && sameName(m.Msg, rr.Start, alias) {
			c.Straight = c.Straight && c.kept == i
			c.kept++
		}
		i++
	}
}

// lowerName returns the checked name at off, until the next call.
func (m *Message) lowerName(off int) []byte {
	m.scratch = AppendName(m.scratch[:0], m.Msg, off)
	return m.scratch
}

// CutOff takes away what stands behind the end of c, a straight chain that is cut,
// and the rcode, which was about that.
func (m *Message) CutOff(c Chain) {
	m.RRs = m.RRs[:c.kept]
	m.Sections, m.opt = [3]int{c.kept}, -1
	m.EDNS.ExtRcode = 0
	m.Msg[3] &^= rcodeMask
	m.shorten()
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
