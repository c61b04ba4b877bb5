package wire

import "encoding/binary"

// packer writes a message.
type packer struct {
	src    []byte
	dst    []byte // what is written
	spare  []byte
	known  suffixes
	starts [maxName / 2]int
}

// Pack makes m the response to src's question that has these of src's records, by
// section. Names are compressed where they may be (RFC 3597, 4) as BIND does it, and
// only there. It reports false when that is longer than a message can be. src may be
// m.
func (m *Message) Pack(src *Message, rrs []RR, sections [3]int) bool {
	return m.PackAbout(src, HeaderLen, rrs, sections)
}

// PackAbout is Pack, of a response to the same question about the checked name at
// off in src.
func (m *Message) PackAbout(src *Message, off int, rrs []RR, sections [3]int) bool {
	if m.packer == nil {
		m.packer = new(packer)
	}
	p := m.packer
	p.begin(src, off)
	for s, n := range sections {
		binary.BigEndian.PutUint16(p.dst[6+2*s:], uint16(n))
	}
	for i := range rrs {
		if p.record(&rrs[i]); len(p.dst) > maxMessage {
			return false
		}
	}
	return m.Parse(p.dst)
}

// begin writes the header, and src's question about the name at off.
func (p *packer) begin(src *Message, off int) {
	p.src = src.Msg
	p.dst, p.spare = append(p.spare[:0], p.src[:HeaderLen]...), p.dst // src may be what was packed before
	p.known.reset()
	p.name(off, false)
	p.dst = append(p.dst, src.Question[len(src.Question)-4:]...)
}

// split notes where the labels of the name at off start, and returns how many there
// are.
func (p *packer) split(off int) (n int) {
	for off = follow(p.src, off); p.src[off] != 0; off = follow(p.src, off+1+int(p.src[off])) {
		p.starts[n] = off
		n++
	}
	return n
}

// note makes known the first n labels that were split, which stand in dst from at
// on, before parent.
func (p *packer) note(n, parent, at int) {
	end := at
	for _, start := range p.starts[:n] {
		end += 1 + int(p.src[start])
	}
	for i := n - 1; i >= 0; i-- {
		l, _ := label(p.src, p.starts[i])
		if end -= 1 + len(l); end >= reach {
			return
		}
		parent = p.known.add(parent, p.known.hash(parent, l), end)
	}
}

// record writes a record.
func (p *packer) record(rr *RR) {
	p.name(rr.Start, true)
	head := len(p.dst)
	p.dst = append(p.dst, p.src[rr.RData-10:rr.RData]...)
	binary.BigEndian.PutUint32(p.dst[head+4:], rr.TTL)
	at := rr.RData
	if l := layoutOf(rr.Type); l.names > 0 {
		at += before(l, p.src[rr.RData:rr.End])
		p.dst = append(p.dst, p.src[rr.RData:at]...)
		for range l.names {
			p.name(at, l.compressed)
			at = behindName(p.src, at)
		}
	}
	p.dst = append(p.dst, p.src[at:rr.End]...)
	binary.BigEndian.PutUint16(p.dst[head+8:], uint16(len(p.dst)-head-10))
}

// name writes the name at off, of which the end that is known already becomes a
// pointer if it may.
func (p *packer) name(off int, compressed bool) {
	all := p.split(off)
	n, parent := all, 0
	for ; n > 0; n-- {
		l, _ := label(p.src, p.starts[n-1])
		child := p.known.child(p.dst, parent, l, p.known.hash(parent, l))
		if child < 0 {
			break
		}
		parent = child
	}
	at := len(p.dst)
	written := all
	if compressed {
		written = n
	}
	for _, start := range p.starts[:written] {
		p.dst = append(p.dst, p.src[start:start+1+int(p.src[start])]...)
	}
	if to := p.known.labels[parent].at; compressed && parent != 0 {
		p.dst = append(p.dst, 0xc0|byte(to>>8), byte(to))
	} else {
		p.dst = append(p.dst, 0)
	}
	p.note(n, parent, at)
}
