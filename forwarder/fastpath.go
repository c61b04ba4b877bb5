package forwarder

import (
	"errors"
	"net"
	"os"
	"runtime"
	"time"

	"vpcdns/forwarder/udp"
)

// udpReader serves one socket: it answers hits where they arrive, and hands
// the rest to the slow path.
type udpReader struct {
	answerer
	conn   udp.Conn
	in     *udp.In
	out    *udp.Out
	client client // of the datagram that is served
}

func newUDPReader(s *Server, conn udp.Conn) *udpReader {
	r := &udpReader{conn: conn, in: udp.NewIn(), out: udp.NewOut()}
	r.init(s, s.udpCounters)
	return r
}

// readPause is how long a reader rests when the system fails it.
const readPause = 50 * time.Millisecond

// run serves until the socket is closed, or to be read by somebody else.
func (r *udpReader) run() {
	r.client.local = r.conn.LocalAddr()
	for {
		err := r.conn.Serve(r.in, r.batch)
		if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		time.Sleep(readPause) // out of memory, say: to stop would lose this socket's clients
	}
}

// batch serves the datagrams that have arrived.
func (r *udpReader) batch() bool {
	r.begin()
	for i := range r.in.Len() {
		r.datagram(i)
	}
	if r.out.Len() > 0 {
		r.conn.WriteBatch(r.out)
	}
	r.end()
	if r.in.Len() == udp.BatchSize {
		runtime.Gosched() // under full load misses must get on too
	}
	return true
}

// datagram serves the i-th datagram of the batch.
func (r *udpReader) datagram(i int) {
	c := &r.client
	peer := r.in.Peer(i)
	c.addr = peer.AddrPort()
	reply, what := r.serve(r.out.Room(), r.in.Data(i), c)
	if what == replied && r.st.rates != nil {
		reply, what = r.limitRate(reply, 0, c)
	}
	switch what {
	case replied:
		r.out.Add(reply, peer)
		if r.out.Full() {
			r.conn.WriteBatch(r.out)
		}
	case waiting:
		w := r.s.slow.waiter(&r.answerer, &r.q, c)
		w.conn, w.peer = r.conn, peer
		r.misses.push(w)
	}
}
