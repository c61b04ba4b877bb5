package forwarder

import (
	"errors"
	"net"
	"runtime"
	"time"

	"vpcdns/forwarder/udp"
)

// udpReader serves one socket: it answers hits where they arrive, and hands
// the rest to the slow path.
type udpReader struct {
	answerer
	conn udp.Conn
	in   *udp.In
	out  *udp.Out
}

func newUDPReader(s *Server, conn udp.Conn) *udpReader {
	r := &udpReader{conn: conn, in: udp.NewIn(), out: udp.NewOut()}
	r.init(s, s.udpCounters)
	return r
}

// readPause is how long a reader rests when the system fails it.
const readPause = 50 * time.Millisecond

// run serves until the socket is closed.
func (r *udpReader) run() {
	c := client{local: r.conn.LocalAddr()}
	for {
		n, err := r.conn.ReadBatch(r.in)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of memory, say: to stop would lose this socket's clients
			time.Sleep(readPause)
			continue
		}
		r.begin()
		for i := range n {
			r.datagram(i, &c)
		}
		if r.out.Len() > 0 {
			r.conn.WriteBatch(r.out)
		}
		r.end()
		if n == udp.BatchSize {
			runtime.Gosched() // under full load misses must get on too
		}
	}
}

// datagram serves the i-th datagram of the batch.
func (r *udpReader) datagram(i int, c *client) {
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
