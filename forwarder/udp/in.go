package udp

// stride is the distance between two receive buffers. One cache line more
// than a power of two, or the heads of all buffers would fall into the same
// few sets of the processor's cache.
const stride = MaxQuery + 64

// In is a batch of received datagrams. It is reused from one batch to the
// next and belongs to one goroutine.
type In struct {
	inbox // what the system needs; first, for its alignment
	n     int
	size  [BatchSize]uint16
	peer  [BatchSize]Peer
	buf   [BatchSize * stride]byte
}

// NewIn returns an empty batch, about 270 kB.
func NewIn() *In {
	in := new(In)
	in.init()
	return in
}

// Len returns the number of datagrams.
func (in *In) Len() int { return in.n }

// Data returns datagram i, 0 ≤ i < Len, of at most MaxQuery bytes; a longer one
// has lost its end. It may be changed in place, and is valid until the next
// batch.
func (in *In) Data(i int) []byte {
	at := i * stride
	return in.buf[at : at+int(in.size[i]) : at+MaxQuery]
}

// Peer returns the sender of datagram i.
func (in *In) Peer(i int) Peer { return in.peer[i] }

// Full reports whether there is no room for another datagram.
func (in *In) Full() bool { return in.n == BatchSize }

// Reset empties the batch, for a Conn that is no socket.
func (in *In) Reset() { in.n = 0 }

// Put appends a datagram that did not come from a system call, unless the batch
// is Full.
func (in *In) Put(msg []byte, from Peer) {
	i := in.n
	in.n++
	in.peer[i] = from
	in.size[i] = uint16(copy(in.buf[i*stride:i*stride+MaxQuery], msg))
}
