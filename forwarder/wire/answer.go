package wire

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Answer is a response as it is kept: rcode, section counts, a table of the
// records, the groups whose order may change, and the records themselves.
// Question and OPT are gone: each reply gets its client's own. It is immutable.
//
//	0    rcode, whether the chain goes on, whether it is marked, and whether it is linked
//	1    number of groups
//	2-7  records in answer, authority, additional
//	     for each record: start, offset of the TTL   (both relative to the records)
//	     for each group: first record, number of records
//	     records
//
// All numbers have two octets, in network order, after the first two.
type Answer string

const (
	answerOpen   = 0x80 // in the first octet
	answerMarked = 0x20 // there too, as linked is
	answerFixed  = 8
	rrEntry      = 4
	groupEntry   = 4
	maxGroups    = 255
)

func (a Answer) u16(off int) int { return int(a[off])<<8 | int(a[off+1]) }

// Rcode returns the response code (only the header's four bits are kept:
// higher ones concern the hop, not the name).
func (a Answer) Rcode() int { return int(a[0] & rcodeMask) }

// Open reports whether the answer is a chain of CNAMEs that goes on elsewhere.
func (a Answer) Open() bool { return a[0]&answerOpen != 0 }

// SetOpen says that of the answer that was appended at ans[0:].
func SetOpen(ans []byte) { ans[0] |= answerOpen }

// Marked reports whether the caller has marked the answer as one to be looked at before
// it is given.
func (a Answer) Marked() bool { return a[0]&answerMarked != 0 }

// SetMarked marks the answer that was appended at ans[0:].
func SetMarked(ans []byte) { ans[0] |= answerMarked }

// Plain reports whether the answer is neither Open nor Marked: it can be given as it is.
func (a Answer) Plain() bool { return a[0]&(answerOpen|answerMarked) == 0 }

// Count returns the number of records in section s: 0 answer, 1 authority, 2
// additional.
func (a Answer) Count(s int) int { return a.u16(2 + 2*s) }

func (a Answer) records() int { return a.Count(0) + a.Count(1) + a.Count(2) }
func (a Answer) groups() int  { return int(a[1]) }

// start returns where record i starts, relative to the records; ttl where its
// TTL field is.
func (a Answer) start(i int) int { return a.u16(answerFixed + rrEntry*i) }
func (a Answer) ttl(i int) int   { return a.u16(answerFixed + rrEntry*i + 2) }

// group returns the first record and the number of records of group g.
func (a Answer) group(g int) (first, n int) {
	off := answerFixed + rrEntry*a.records() + groupEntry*g
	return a.u16(off), a.u16(off + 2)
}

// body returns the records.
func (a Answer) body() string {
	return string(a[answerFixed+rrEntry*a.records()+groupEntry*a.groups():])
}

// Owners calls f with the owner name of each record, and the target of each
// CNAME, as uncompressed lower-case wire names, until f returns false.
// question is the answer's question, of which names may be suffixes.
func (a Answer) Owners(question string, f func(name []byte) bool) {
	msg := make([]byte, HeaderLen, HeaderLen+len(question)+len(a))
	msg = append(append(msg, question...), a.body()...)
	base := HeaderLen + len(question)
	var buf [maxName]byte
	for i := range a.records() {
		if !f(AppendName(buf[:0], msg, base+a.start(i))) {
			return
		}
		ttl := base + a.ttl(i)
		if binary.BigEndian.Uint16(msg[ttl-4:]) == TypeCNAME && !f(AppendName(buf[:0], msg, ttl+6)) {
			return
		}
	}
}

// Keepable reports whether AppendAnswer can keep the message as it stands:
// its OPT, if any, comes last, and its pointers lead to names, not to octets that
// change, such as a TTL.
func (m *Message) Keepable() bool {
	return !m.stray && (m.opt < 0 || m.opt == len(m.RRs)-1)
}

// linked reports whether a pointer leads into a set of records that may change
// places.
func (m *Message) linked() bool {
	for first, n := range m.sets() {
		if m.targets.any(m.RRs[first].Start, m.RRs[first+n-1].End) {
			return true
		}
	}
	return false
}

// sets yields the first record and the size of each RRset of two or more that
// stand together.
func (m *Message) sets() func(yield func(first, n int) bool) {
	return func(yield func(first, n int) bool) {
		for i := 0; i < len(m.RRs); {
			n := m.setAt(i)
			if n > 1 && !yield(i, n) {
				return
			}
			i += n
		}
	}
}

// setAt counts the records from i on that have i's owner and type, and of
// signatures those of one type (RFC 2181, 5). A set does not reach over the end of a
// section.
func (m *Message) setAt(i int) int {
	end, limit := i+1, m.sectionEnd(i)
	for end < limit && m.sameSet(i, end) {
		end++
	}
	return end - i
}

func (m *Message) sectionEnd(i int) (end int) {
	for _, n := range m.Sections {
		if end += n; i < end {
			break
		}
	}
	return end
}

func (m *Message) sameSet(i, j int) bool {
	a, b := &m.RRs[i], &m.RRs[j]
	return a.Type == b.Type && (a.Type != TypeRRSIG || m.Covered(a) == m.Covered(b)) &&
		sameName(m.Msg, a.Start, b.Start)
}

// TTLPolicy bounds the TTLs of an answer that is kept, in seconds.
type TTLPolicy struct{ Min, Max uint32 }

func (p TTLPolicy) clamp(ttl uint32) uint32 { return max(p.Min, min(ttl, p.Max)) }

// AppendAnswer appends the message, which is Keepable, as an Answer. TTLs are
// taken from RRs, which a caller may have changed, and bounded by p, a set's TTL is the least of its records' (RFC 2181, 5.2), and
// ttl is the least of all: math.MaxUint32 when there are no records.
func (m *Message) AppendAnswer(dst []byte, p TTLPolicy) (_ []byte, ttl uint32) {
	rrs, counts := m.RRs, m.Sections
	if m.opt >= 0 {
		rrs, counts[2] = rrs[:m.opt], counts[2]-1
	}
	ttl = m.levelTTLs(rrs, p)
	base := HeaderLen + len(m.Question)
	at := len(dst)
	dst = append(dst, byte(Rcode(m.Msg)), 0)
	for _, n := range counts {
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	}
	for i := range rrs {
		dst = binary.BigEndian.AppendUint16(dst, uint16(rrs[i].Start-base))
		dst = binary.BigEndian.AppendUint16(dst, uint16(rrs[i].ttlAt()-base))
	}
	end := base
	if len(rrs) > 0 {
		end = rrs[len(rrs)-1].End
	}
	dst = m.appendGroups(dst, at, end)
	return append(dst, m.Msg[base:end]...), ttl
}

// appendGroups appends the sets whose order may change, to the answer that starts
// at dst[at:], and whose records end at end in the message.
func (m *Message) appendGroups(dst []byte, at, end int) []byte {
	if m.linked() {
		if end > reach || m.overdone { // in another order it might be longer
			return dst
		}
		dst[at] |= linked
	}
	for first, n := range m.sets() {
		if dst[at+1] == maxGroups {
			break
		}
		dst[at+1]++
		dst = binary.BigEndian.AppendUint16(dst, uint16(first))
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	}
	return dst
}

// levelTTLs writes the bounded TTLs into the message and returns the least.
func (m *Message) levelTTLs(rrs []RR, p TTLPolicy) uint32 {
	for i := range rrs {
		rrs[i].TTL = p.clamp(rrs[i].TTL)
	}
	for first, n := range m.sets() {
		least := slices.MinFunc(rrs[first:first+n], func(a, b RR) int { return cmp.Compare(a.TTL, b.TTL) }).TTL
		for i := range n {
			rrs[first+i].TTL = least
		}
	}
	least := ^uint32(0)
	for i := range rrs {
		binary.BigEndian.PutUint32(m.Msg[rrs[i].ttlAt():], rrs[i].TTL)
		least = min(least, rrs[i].TTL)
	}
	return least
}
