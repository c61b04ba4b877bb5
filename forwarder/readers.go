package forwarder

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"

	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/wire"
)

// udpReader serves one socket: it answers hits where they arrive, and queues the
// rest.
type udpReader struct {
	worker
	conn udp.Conn
	in   *udp.In
	out  *udp.Out
	q    query // of the datagram that is served
}

func newUDPReader(e *engine, conn udp.Conn) *udpReader {
	r := &udpReader{conn: conn, in: udp.NewIn(), out: udp.NewOut()}
	r.init(e, e.udp)
	return r
}

// readPause is how long a reader rests when the system fails it.
const readPause = 50 * time.Millisecond

// run serves until the socket is closed, or to be read by somebody else.
func (r *udpReader) run() {
	r.q.local = r.conn.LocalAddr()
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
	peer := r.in.Peer(i)
	r.q.addr = peer.AddrPort()
	reply, what := r.serve(r.out.Room(), r.in.Data(i), &r.q)
	if what == replied && (r.st.rates != nil || r.q.Class == wire.ClassCH) {
		reply, what = r.limitRate(reply, 0, &r.q)
	}
	switch what {
	case replied:
		if r.observers != 0 {
			r.replied(&r.q, reply)
		}
		r.out.Add(reply, peer)
		if r.out.Full() {
			r.conn.WriteBatch(r.out)
		}
	case waiting:
		w := r.wait(&r.q)
		w.conn, w.peer = r.conn, peer
		r.misses.push(w)
	}
}

// tcpHandler answers the messages of one connection.
type tcpHandler struct {
	worker
	conn lateReply
	q    query // of the message that is served
}

// newTCPHandler returns nil for a client that is blackholed.
func (e *engine) newTCPHandler(c *tcp.Conn) tcp.Handler {
	h := &tcpHandler{conn: c, q: query{client: client{addr: c.Client, local: c.Local, via: viaTCP}}}
	h.init(e, e.tcp)
	h.glance.replies.Most, h.glance.refused.Most = sampledTCP, sampledTCP
	h.begin()
	if h.rightsOf(c.Client.Addr()).blackholed {
		return nil
	}
	h.last = netip.Addr{} // it has not asked yet
	return h
}

// tcpLimits are those of the state in force.
func (e *engine) tcpLimits() tcp.Limits {
	o := &e.state.Load().cfg.TCP
	return tcp.Limits{Clients: o.Clients, Waiting: o.Waiting(), InitialTimeout: o.InitialTimeout}
}

func (h *tcpHandler) Begin() time.Duration {
	h.begin()
	return h.now
}

func (h *tcpHandler) End() { h.end() }

func (h *tcpHandler) Serve(dst, msg []byte) ([]byte, tcp.Outcome) {
	from := len(dst)
	dst, what := h.serve(dst, msg, &h.q)
	switch what {
	case dropped:
		return dst, tcp.Refused
	case waiting:
		w := h.wait(&h.q)
		w.late = h.conn
		h.misses.push(w)
		return dst, tcp.Waiting
	}
	if h.observers != 0 {
		h.replied(&h.q, dst[from:])
	}
	return dst, tcp.Replied
}

func (h *tcpHandler) IdleTimeout() time.Duration {
	o := &h.st.cfg.TCP
	if h.q.EDNS.Keepalive {
		return o.KeepaliveTimeout
	}
	return o.IdleTimeout
}
