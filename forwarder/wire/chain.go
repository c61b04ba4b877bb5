package wire

// Chain is what the answer section says about the question, with its CNAMEs
// followed (RFC 1034, 4.3.2).
type Chain struct {
	Final    int  // offset of the last name of the chain: the question's, or a CNAME's target
	Hops     int  // CNAMEs followed
	Data     bool // the section has records of the asked type for Final
	Straight bool // every record belongs to the chain, and stands in its order
}

// Chain follows the answer section from the question on.
func (m *Message) Chain() Chain {
	c := Chain{Final: HeaderLen, Straight: true}
	previous, qtype := HeaderLen, m.Type()
	for _, rr := range m.Section(0) {
		switch {
		case sameName(m.Msg, rr.Start, c.Final):
			if rr.Type == TypeCNAME && qtype != TypeCNAME && qtype != TypeANY {
				previous, c.Final = c.Final, rr.RData
				c.Hops++
				c.Straight = c.Straight && !c.Data
				c.Data = false
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

// Referral reports whether m is one: it names other servers in place of an
// answer, as a server that does not recurse does.
func (m *Message) Referral() bool {
	if m.Rcode() != NoError || !hasType(m.Section(1), TypeNS) || hasType(m.Section(1), TypeSOA) {
		return false
	}
	c := m.Chain()
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
