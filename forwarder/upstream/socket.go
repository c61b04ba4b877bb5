package upstream

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"vpcdns/forwarder/wire"
)

const (
	// sharedSockets is how many sockets a server's tries share when they are
	// many: four bits of port entropy against one who has found them all, and
	// batches are still long.
	sharedSockets = 16

	// sharedQueries and sharedAge bound what a shared socket asks, so that its
	// port is worth little to who finds it. An eighth of the ID space is used
	// at most, which leaves 15.8 bits to guess.
	sharedQueries = 8192
	sharedAge     = 10 * time.Second

	// sharedBuckets keeps chains short with thousands of tries in flight.
	sharedBuckets = 1024

	// recvBatch is how many answers one system call takes.
	recvBatch = 32

	// maxWrong wrong answers may be accidents; one more is an attack.
	maxWrong = 3
)

// socket is one UDP socket with its pending tries.
type socket struct {
	table
	alarm   // end of a shared socket's life
	conn    Socket
	sending sync.Mutex // of conn.Send
	path    *path
	reader  *reader
	out     *packet // to send, first to last
	outEnd  *packet
	wrong   int
	asked   int
	refused time.Duration // when its requests were last told of a refusal
	shared  bool
	retired bool // takes no new tries
	closed  bool
}

// shared holds a path's shared sockets; nil ones are not open.
type shared struct {
	sockets [sharedSockets]*socket
	current *socket // of this batch: all that is sent at once goes to one
	batch   uint64
}

// socket returns a socket for a new try: one of its own while tries are few.
// It is nil when none can be had.
func (c *Client) socket(p *path, own bool) *socket {
	if calm := c.pace.calm(c.t); (calm || own) && c.fresh < maxFresh {
		if k := c.dial(p, false); k != nil {
			c.fresh++
			return k
		}
		return p.anyShared()
	}
	k := p.udp.current
	if k == nil || p.udp.batch != c.batch || k.retired || k.asked >= sharedQueries {
		k = c.sharedSocket(p)
		p.udp.current, p.udp.batch = k, c.batch
	}
	if k != nil {
		k.asked++
	}
	return k
}

// reuse returns the socket of an earlier try of t's request: ports are of first
// tries. The first retry has one of its own, as the path may be the trouble, while
// there are enough.
func (c *Client) reuse(t *try) *socket {
	r := t.r
	if r.vain <= 1 || r.vain == 2 && c.fresh < maxFresh/2 || r.own || r.attacked > 0 {
		return nil
	}
	for e := r.tries; e != nil; e = e.earlier {
		if k, ok := e.table.owner.(*socket); ok && e.path == t.path && !k.shared && !k.closed {
			return k
		}
	}
	return nil
}

// sharedSocket picks one at random, and opens it where need be.
func (c *Client) sharedSocket(p *path) *socket {
	slot := &p.udp.sockets[c.rand.Uint64()%sharedSockets]
	if k := *slot; k != nil && k.asked >= sharedQueries {
		c.retire(k)
	}
	if *slot == nil {
		*slot = c.dial(p, true)
	}
	if *slot == nil {
		return p.anyShared()
	}
	return *slot
}

// anyShared returns an open socket when descriptors have run out.
func (p *path) anyShared() *socket {
	for _, k := range p.udp.sockets {
		if k != nil && k.n < maxTries {
			return k
		}
	}
	return nil
}

// dial opens a socket and starts its reader; nil says that it failed.
func (c *Client) dial(p *path, share bool) *socket {
	if c.closed {
		return nil
	}
	conn, err := c.cfg.Dial(p.server.Addr, p.source.port())
	if ours := c.dialed(p, err); err != nil {
		c.stats.DialErrors++
		if !ours && !exhausted(err) {
			p.server.refusals.note(c.t)
		}
		return nil
	}
	k := &socket{conn: conn, path: p, shared: share, refused: longAgo}
	k.table.owner, k.alarm.owner = k, k
	k.buckets = k.one[:]
	if share {
		k.buckets = make([]*try, sharedBuckets)
		k.used = new(idSet)
		c.wheel.set(&k.alarm, c.t+sharedAge, c.t)
	}
	k.reader = c.newReader(share)
	c.stats.Dials++
	c.stats.Sockets++
	c.wg.Go(func() { c.read(k) })
	return k
}

// ring: a shared socket has lived long enough.
func (k *socket) ring(c *Client) { c.retire(k) }

// retire gives k no more tries; it is closed when the last one has left.
func (c *Client) retire(k *socket) {
	k.retired = true
	for i, other := range k.path.udp.sockets {
		if other == k {
			k.path.udp.sockets[i] = nil
		}
	}
	if k.n == 0 {
		c.closeSocket(k)
	}
}

func (k *socket) emptied(c *Client) {
	if !k.shared || k.retired {
		c.closeSocket(k)
	}
}

func (c *Client) closeSocket(k *socket) {
	if k.closed {
		return
	}
	k.closed, k.retired = true, true
	c.wheel.clear(&k.alarm)
	c.work.closes = append(c.work.closes, k.conn)
	c.stats.Sockets--
}

// reader is what a goroutine receives with.
type reader struct {
	next  *reader
	bufs  [][]byte
	sizes []int
	ended []delivery
}

func (c *Client) newReader(batch bool) *reader {
	list, n := &c.pool.singles, 1
	if batch {
		list, n = &c.pool.batches, recvBatch
	}
	if rd := *list; rd != nil {
		*list = rd.next
		return rd
	}
	rd := &reader{bufs: make([][]byte, n), sizes: make([]int, n)}
	for i := range rd.bufs {
		rd.bufs[i] = make([]byte, c.recvSize)
	}
	return rd
}

func (p *pool) putReader(rd *reader) {
	list := &p.singles
	if len(rd.bufs) > 1 {
		list = &p.batches
	}
	rd.next, *list = *list, rd
}

// read takes what comes in on k until it is closed.
func (c *Client) read(k *socket) {
	for more := true; more; {
		n, err := k.conn.Recv(k.reader.bufs, k.reader.sizes)
		more = c.received(k, n, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pool.putReader(k.reader)
	if !k.shared {
		c.fresh--
	}
}

// received handles n datagrams and an error, and reports whether k lives on.
func (c *Client) received(k *socket, n int, err error) bool {
	c.enter()
	for i := 0; i < n && !k.closed; i++ {
		size := k.reader.sizes[i]
		c.datagram(k, k.reader.bufs[i][:size], size == c.recvSize)
	}
	if err != nil && !k.closed {
		c.recvFailed(k, err)
	}
	more := !k.closed
	c.leave(&k.reader.ended)
	return more
}

// recvFailed handles an ICMP error, after which the socket can still be used,
// or another one, after which it cannot.
func (c *Client) recvFailed(k *socket, err error) {
	c.unreachable(k, err)
	if !icmp(err) {
		c.kill(k)
	}
}

func icmp(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.ENETUNREACH)
}

// datagram takes one answer, or counts it as wrong.
func (c *Client) datagram(k *socket, msg []byte, cut bool) {
	t, wrong := k.match(msg)
	if t != nil {
		c.answer(t, msg, cut)
	}
	if wrong {
		c.wrong(k, msg)
	}
}

// match finds the try that msg answers. An answer without one is wrong unless
// it comes late.
func (b *table) match(msg []byte) (t *try, wrong bool) {
	if len(msg) < wire.HeaderLen {
		return nil, true
	}
	id := wire.ID(msg)
	if t = b.find(id); t == nil {
		return nil, !b.wasUsed(id)
	}
	if !wire.SameQuestion(msg, t.r.Question) && !bareFormErr(msg) && !bareTC(msg) {
		return nil, true
	}
	return t, false
}

// bareTC reports whether msg is a truncated response without a question. Some
// servers cut so much, and it leads to TCP only (as in BIND).
func bareTC(msg []byte) bool {
	return wire.Flags(msg)&(wire.QR|wire.TC) == wire.QR|wire.TC && noQuestion(msg)
}

func noQuestion(msg []byte) bool { return msg[4] == 0 && msg[5] == 0 }

// bareFormErr reports whether msg is a FORMERR that is only a header: BIND and
// others answer so when they could not read the question.
func bareFormErr(msg []byte) bool {
	return len(msg) == wire.HeaderLen && wire.Flags(msg)&wire.QR != 0 &&
		wire.Rcode(msg) == wire.FormErr && noQuestion(msg)
}
