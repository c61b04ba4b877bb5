package upstream

import (
	"hash/maphash"
	"time"

	"vpcdns/forwarder/wire"
)

// table holds the tries that wait on one socket or stream, by ID.
type table struct {
	owner   carrier
	buckets []*try // a power of two of them
	one     [1]*try
	used    *idSet // every ID of this socket's life; nil when it has but one
	n       int
	index   map[uint64]*try // by the hash of their questions; nil until there were wrong answers
}

// carrier is what a table belongs to.
type carrier interface {
	emptied(c *Client) // the last try has left
}

// idSet is a set of message IDs.
type idSet [1 << 16 / 64]uint64

func (s *idSet) has(id uint16) bool { return s[id/64]>>(id%64)&1 != 0 }
func (s *idSet) add(id uint16)      { s[id/64] |= 1 << (id % 64) }

func (b *table) bucket(id uint16) **try { return &b.buckets[int(id)&(len(b.buckets)-1)] }

func (b *table) find(id uint16) *try {
	t := *b.bucket(id)
	for t != nil && t.id != id {
		t = t.next
	}
	return t
}

// wasUsed reports whether id was ever asked with here: an answer to it is late
// or repeated, not forged.
func (b *table) wasUsed(id uint16) bool { return b.used != nil && b.used.has(id) }

func (b *table) add(t *try, id uint16) {
	at := b.bucket(id)
	t.table, t.id, t.next = b, id, *at
	*at = t
	b.n++
	if b.used != nil {
		b.used.add(id)
	}
}

func (b *table) remove(t *try) {
	at := b.bucket(t.id)
	for *at != t {
		at = &(*at).next
	}
	*at = t.next
	b.n--
	if b.index != nil {
		b.unindex(t)
	}
}

// asking returns the tries with msg's question, chained by same.
func (b *table) asking(c *Client, msg []byte) *try {
	if b.index == nil {
		b.index = make(map[uint64]*try, b.n)
		for _, t := range b.all() {
			b.addIndex(t, c.hash(t.r.Question))
		}
	}
	if q := wire.QuestionOf(msg); q != nil {
		return b.index[c.hash(q)]
	}
	return nil
}

// hash is of a question in any case of its letters; those of type and class are
// taken for letters too, which makes no difference.
func (c *Client) hash(question []byte) uint64 {
	var buf [255 + 4]byte
	return maphash.Bytes(c.odd.seed, wire.AppendLower(buf[:0], question))
}

func (b *table) addIndex(t *try, hash uint64) {
	t.hash, t.same = hash, b.index[hash]
	b.index[hash] = t
}

func (b *table) unindex(t *try) {
	switch first := b.index[t.hash]; {
	case first == t && t.same == nil:
		delete(b.index, t.hash)
	case first == t:
		b.index[t.hash] = t.same
	default:
		for ; first != nil; first = first.same {
			if first.same == t {
				first.same = t.same
				break
			}
		}
	}
	t.same = nil
}

// all lists the tries.
func (b *table) all() (list []*try) {
	for _, t := range b.buckets {
		for ; t != nil; t = t.next {
			list = append(list, t)
		}
	}
	return list
}

// maxTries is how many tries wait on one socket or stream at most: a quarter of
// the IDs, so that a free one is soon drawn.
const maxTries = 1 << 14

// newID draws an ID that is not pending in b, and was not used there before
// unless b is nearly full: without descriptors a socket cannot be replaced.
func (c *Client) newID(b *table) uint16 {
	for draws := 0; ; draws++ {
		id := uint16(c.rand.Uint64())
		if b.find(id) == nil && (draws > 64 || !b.wasUsed(id)) {
			return id
		}
	}
}

const (
	// freshRate is the number of tries in a window below which each has a
	// socket of its own: 1,600/s, more than a VPC resolver takes.
	freshRate  = 400
	paceWindow = 250 * time.Millisecond

	// maxFresh bounds descriptors and goroutines when upstream is slow.
	maxFresh = 1024
)

// pace counts tries in this window and the one before.
type pace struct {
	window      int64
	count, last int
}

// calm counts one try and reports whether there are few.
func (p *pace) calm(now time.Duration) bool {
	if w := int64(now / paceWindow); w != p.window {
		p.last = p.count
		if w != p.window+1 {
			p.last = 0
		}
		p.window, p.count = w, 0
	}
	p.count++
	return p.count < freshRate && p.last < freshRate
}
