package forwarder

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// exchange is a query from within the process. It is pooled.
type exchange struct {
	worker
	q query
}

// thisHost stands for the client of an exchange where an address is needed.
var thisHost = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)

func newExchange(e *engine) *exchange {
	x := &exchange{q: query{client: client{addr: thisHost, local: thisHost, via: viaExchange}}}
	x.init(e, e.inProcess)
	return x
}

var (
	errDropped = errors.New("too many questions are waiting")
	errNoQuery = errors.New("the message is no query")
)

// Exchange resolves m as if a client had sent it over TCP whom no access list
// turns away, and returns the response: from the cache, from a local zone, or from
// upstream. It needs Serve to run. An error is that there is no response: ctx has
// ended, the server has stopped, or m cannot be packed.
func (s *Server) Exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	if m == nil {
		return nil, errNoQuery
	}
	msg, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("packing a query: %w", err)
	}
	if err := s.isServing(ctx); err != nil {
		return nil, fmt.Errorf("exchanging: %w", err)
	}
	reply, err := s.exchange(ctx, msg)
	if err != nil {
		return nil, fmt.Errorf("exchanging: %w", err)
	}
	r := new(dns.Msg)
	if err := r.Unpack(reply); err != nil {
		return nil, fmt.Errorf("unpacking a response: %w", err)
	}
	return r, nil
}

// isServing waits for Serve, and says when that is over.
func (s *Server) isServing(ctx context.Context) error {
	if s.stopped() {
		return errStopped
	}
	select {
	case <-s.quit:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ready:
		return nil
	}
}

func (s *Server) exchange(ctx context.Context, msg []byte) ([]byte, error) {
	x := s.exchanges.Get().(*exchange)
	x.begin()
	reply, what := x.serve(nil, msg, &x.q)
	later := make(laterReply, 1)
	if what == waiting {
		w := x.wait(&x.q)
		w.late = later
		x.misses.push(w)
	}
	x.end()
	s.exchanges.Put(x)
	if what == waiting {
		return later.await(ctx, s.stop)
	}
	if what == dropped {
		return nil, errNoQuery
	}
	return reply, nil
}

// laterReply is a reply that comes later, or nil.
type laterReply chan []byte

func (c laterReply) Reply(write func(dst []byte) []byte) { c <- write(nil) }

func (c laterReply) Drop() { c <- nil }

func (c laterReply) await(ctx context.Context, stopped <-chan struct{}) ([]byte, error) {
	select {
	case reply := <-c:
		if reply == nil {
			return nil, errDropped
		}
		return reply, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-stopped:
		return nil, errStopped
	}
}
