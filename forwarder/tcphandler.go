package forwarder

import (
	"time"

	"vpcdns/forwarder/tcp"
)

// tcpHandler answers the messages of one connection.
type tcpHandler struct {
	answerer
	conn   *tcp.Conn
	client client
}

// newTCPHandler returns nil for a client that is blackholed.
func (s *Server) newTCPHandler(c *tcp.Conn) tcp.Handler {
	h := &tcpHandler{conn: c, client: client{addr: c.Client, local: c.Local, tcp: true}}
	h.init(s, s.tcpCounters)
	h.begin()
	if h.rightsOf(c.Client.Addr()).blackholed {
		return nil
	}
	return h
}

// tcpLimits are those of the state in force.
func (s *Server) tcpLimits() tcp.Limits {
	o := &s.state.Load().cfg.TCP
	return tcp.Limits{Clients: o.Clients, InitialTimeout: o.InitialTimeout}
}

func (h *tcpHandler) Begin() time.Duration {
	h.begin()
	return h.now
}

func (h *tcpHandler) End() { h.end() }

func (h *tcpHandler) Serve(dst, msg []byte) ([]byte, tcp.Outcome) {
	dst, what := h.serve(dst, msg, &h.client)
	switch what {
	case dropped:
		return dst, tcp.Refused
	case waiting:
		w := h.s.slow.waiter(&h.answerer, &h.q, &h.client)
		w.over = h.conn
		h.misses.push(w)
		return dst, tcp.Waiting
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
