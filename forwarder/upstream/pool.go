package upstream

import "net/netip"

// maxQuery is the longest query in octets: header, name, type and class, OPT,
// and a cookie of both parts (RFC 1035, 2.3.4; RFC 6891, 6.1.2; RFC 7873, 4).
const maxQuery = 12 + 255 + 4 + 11 + 4 + 40

// packet is a query on its way to a socket.
type packet struct {
	next *packet
	msg  []byte
	room [maxQuery]byte
}

// probe is a copy of a request, to hear a server that nobody needs now.
type probe struct {
	Request
	next     *probe
	question [255 + 4]byte
	server   [1]netip.AddrPort
}

// pool keeps what tries need for the next ones.
type pool struct {
	tries   *try
	packets *packet
	probes  *probe
	singles *reader
	batches *reader
	works   *work
}

func (p *pool) try() *try {
	t := p.tries
	if t == nil {
		return new(try)
	}
	p.tries = t.next
	return t
}

func (p *pool) putTry(t *try) {
	*t = try{next: p.tries}
	p.tries = t
}

func (p *pool) packet() *packet {
	k := p.packets
	if k == nil {
		return new(packet)
	}
	p.packets, k.next = k.next, nil
	return k
}

// putPackets takes back a chain.
func (p *pool) putPackets(k *packet) {
	for k != nil {
		next := k.next
		k.next, k.msg = p.packets, nil
		p.packets = k
		k = next
	}
}

func (p *pool) probe() *probe {
	b := p.probes
	if b == nil {
		return new(probe)
	}
	p.probes = b.next
	return b
}

func (p *pool) putProbe(b *probe) {
	b.next = p.probes
	p.probes = b
}
