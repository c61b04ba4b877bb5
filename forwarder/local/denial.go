package local

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// denial proves what a signed zone has not.
type denial interface {
	name(l *lookup, name string)                          // that there is none, nor a wildcard for it
	data(l *lookup, name string, n *node)                 // that a name has no such data
	wildcardData(l *lookup, name string, wildcard string) // that the wildcard for it has no such data
	closer(l *lookup, name string)                        // that no name is closer to it than the wildcard
}

// newDenial returns what z is denied with: NSEC or NSEC3 records, or nil if it is not signed.
func newDenial(z *Zone) denial {
	apex := z.names[z.Apex]
	if apex.set(dns.TypeDNSKEY) == nil {
		return nil
	}
	if apex.set(dns.TypeNSEC) != nil {
		return newNSECChain(z)
	}
	if c := newNSEC3Chain(z); c != nil {
		return c
	}
	return nil
}

// denyName proves an NXDOMAIN to who wants a proof.
func (l *lookup) denyName(name string) {
	if l.signed {
		l.z.denial.name(l, name)
	}
}

// denyType proves that n, which name has by itself or by a wildcard, has no such data.
func (l *lookup) denyType(name string, n *node, wildcard bool) {
	switch {
	case !l.signed:
	case wildcard:
		l.z.denial.wildcardData(l, name, wildcardBelow(l.z.encloser(name)))
	default:
		l.z.denial.data(l, name, n)
	}
}

// denyCloser proves that a wildcard was right to stand for name.
func (l *lookup) denyCloser(name string) {
	if l.signed {
		l.z.denial.closer(l, name)
	}
}

// addProof appends the denial of n, unless it is there.
func (l *lookup) addProof(n *node, rtype uint16) {
	if n == nil {
		return
	}
	s := n.set(rtype)
	if s == nil || slices.Contains(l.m.Ns, s.records[0]) {
		return
	}
	l.m.Ns = append(l.m.Ns, s.records...)
	if sigs := n.signatures(rtype); sigs != nil {
		l.m.Ns = append(l.m.Ns, sigs.records...)
	}
}

// nsecChain denies by the names on both sides (RFC 4035, 3.1.3).
type nsecChain []chained

// chained is a node with its place in the chain.
type chained struct {
	key string
	n   *node
}

func newNSECChain(z *Zone) nsecChain {
	var c nsecChain
	for name, n := range z.names {
		if n.set(dns.TypeNSEC) != nil {
			c = append(c, chained{orderKey(name), n})
		}
	}
	slices.SortFunc(c, func(a, b chained) int { return strings.Compare(a.key, b.key) })
	return c
}

// before returns the last node of a chain at or before key; the last of all if there
// is none.
func before(c []chained, key string) *node {
	i, found := slices.BinarySearchFunc(c, key, func(e chained, key string) int { return strings.Compare(e.key, key) })
	if !found {
		i = (i + len(c) - 1) % len(c)
	}
	return c[i].n
}

func (c nsecChain) cover(l *lookup, name string) { l.addProof(before(c, orderKey(name)), dns.TypeNSEC) }

func (c nsecChain) name(l *lookup, name string) {
	c.cover(l, name)
	c.cover(l, wildcardBelow(l.z.encloser(name)))
}

// data has no NSEC at an empty non-terminal: the one before it tells.
func (c nsecChain) data(l *lookup, name string, _ *node) { c.cover(l, name) }

func (c nsecChain) wildcardData(l *lookup, name, wildcard string) {
	c.cover(l, name)
	c.cover(l, wildcard)
}

func (c nsecChain) closer(l *lookup, name string) { c.cover(l, name) }

// orderKey makes of a name what sorts as the name does (RFC 4034, 6.1): its labels from the
// root on, each with an end that is before all octets.
func orderKey(name string) string {
	packed := wire.PackName(name)
	var labels []string
	for len(packed) > 1 {
		n := int(packed[0])
		labels, packed = append(labels, packed[1:1+n]), packed[1+n:]
	}
	var b strings.Builder
	for _, label := range slices.Backward(labels) {
		for _, c := range []byte(label) {
			if c <= 1 {
				b.WriteByte(1)
				c++
			}
			b.WriteByte(c)
		}
		b.WriteByte(0)
	}
	return b.String()
}

// nsec3Chain denies by the hashes on both sides (RFC 5155, 7.2).
type nsec3Chain struct {
	params *dns.NSEC3PARAM
	chain  []chained // by hash, in lower case
}

// maxIterations of a hash are as many as BIND does.
const maxIterations = 150

func newNSEC3Chain(z *Zone) denial {
	s := z.names[z.Apex].set(dns.TypeNSEC3PARAM)
	if s == nil {
		return nil
	}
	for _, rr := range s.records {
		p, ok := rr.(*dns.NSEC3PARAM)
		if !ok || p.Hash != dns.SHA1 || p.Flags != 0 || p.Iterations > maxIterations {
			continue
		}
		if c := chainOf(z, p); len(c) > 0 {
			return &nsec3Chain{p, c}
		}
	}
	return nil
}

// chainOf returns the nodes of z that have NSEC3 records with these parameters.
func chainOf(z *Zone, p *dns.NSEC3PARAM) (c []chained) {
	for owner, n := range z.hashed {
		s := n.set(dns.TypeNSEC3)
		if s == nil {
			continue
		}
		if r, ok := s.records[0].(*dns.NSEC3); ok && r.Hash == p.Hash && r.Iterations == p.Iterations && strings.EqualFold(r.Salt, p.Salt) {
			hash, _, _ := strings.Cut(owner, ".")
			c = append(c, chained{hash, n})
		}
	}
	slices.SortFunc(c, func(a, b chained) int { return strings.Compare(a.key, b.key) })
	return c
}

func (c *nsec3Chain) hash(name string) string {
	return strings.ToLower(dns.HashName(name, c.params.Hash, c.params.Iterations, c.params.Salt))
}

// match returns the node for name itself, or nil.
func (c *nsec3Chain) match(name string) *node {
	hash := c.hash(name)
	i, found := slices.BinarySearchFunc(c.chain, hash, func(e chained, key string) int { return strings.Compare(e.key, key) })
	if !found {
		return nil
	}
	return c.chain[i].n
}

func (c *nsec3Chain) cover(l *lookup, name string) {
	l.addProof(before(c.chain, c.hash(name)), dns.TypeNSEC3)
}

// encloser returns the closest name above name that the chain has, with its node, and the
// next closer one.
func (c *nsec3Chain) encloser(l *lookup, name string) (closest string, n *node, next string) {
	for closest = name; n == nil && closest != l.z.Apex && closest != "."; {
		next, closest = closest, Parent(closest)
		n = c.match(closest)
	}
	return closest, n, next
}

// prove proves the closest encloser of name, and that nothing is closer (RFC 5155, 7.2.1).
func (c *nsec3Chain) prove(l *lookup, name string) (closest string) {
	closest, n, next := c.encloser(l, name)
	l.addProof(n, dns.TypeNSEC3)
	c.cover(l, next)
	return closest
}

func (c *nsec3Chain) name(l *lookup, name string) {
	c.cover(l, wildcardBelow(c.prove(l, name)))
}

// data of a delegation that was left out is denied by what is around it (RFC 5155, 7.2.4
// and 7.2.7).
func (c *nsec3Chain) data(l *lookup, name string, _ *node) {
	if n := c.match(name); n != nil {
		l.addProof(n, dns.TypeNSEC3)
		return
	}
	c.prove(l, name)
}

func (c *nsec3Chain) wildcardData(l *lookup, name, wildcard string) {
	c.prove(l, name)
	l.addProof(c.match(wildcard), dns.TypeNSEC3)
}

func (c *nsec3Chain) closer(l *lookup, name string) {
	_, _, next := c.encloser(l, name)
	c.cover(l, next)
}
