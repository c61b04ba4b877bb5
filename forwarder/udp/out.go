package udp

// arena is the memory for the replies of an Out: a batch of the largest
// replies that leave by default (max-udp-size 1232), and room for one more of
// any size. Small replies lie side by side, so a batch of them stays in the
// processor's first cache.
const arena = BatchSize*1280 + MaxReply

// Out is a batch of replies to send. It is reused from one WriteBatch to the
// next and belongs to one goroutine.
type Out struct {
	outbox // what the system needs; first, for its alignment
	n      int
	used   int // bytes of buf that hold replies
	reply  [BatchSize][]byte
	peer   [BatchSize]Peer
	buf    [arena]byte
}

// NewOut returns an empty batch, about 100 kB.
func NewOut() *Out {
	out := new(Out)
	out.init()
	return out
}

// Room returns an empty slice of capacity MaxReply or more to append one reply
// to. What is appended is kept only by Add. The batch must not be Full.
func (o *Out) Room() []byte { return o.buf[o.used:o.used] }

// Add appends reply to the batch, to be sent to p. The reply is either Room
// grown in place, or any other slice, which must then stay unchanged until
// WriteBatch returns. The batch must not be Full.
func (o *Out) Add(reply []byte, p Peer) {
	o.reply[o.n] = reply
	o.peer[o.n] = p
	o.n++
	if o.grewInPlace(reply) {
		o.used += len(reply)
	}
}

func (o *Out) grewInPlace(reply []byte) bool {
	return cap(reply) == arena-o.used && len(reply) > 0 && &reply[0] == &o.buf[o.used]
}

// Len returns the number of replies.
func (o *Out) Len() int { return o.n }

// Reply returns reply i, 0 ≤ i < Len, and where it goes.
func (o *Out) Reply(i int) ([]byte, Peer) { return o.reply[i], o.peer[i] }

// Full reports whether the batch must be sent before the next Room or Add.
func (o *Out) Full() bool { return o.n == BatchSize || o.used > arena-MaxReply }

// Reset empties the batch, as WriteBatch does.
func (o *Out) Reset() {
	clear(o.reply[:o.n])
	o.n, o.used = 0, 0
}
