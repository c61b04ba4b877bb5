package page

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vpcdns/forwarder/tcp"
)

const (
	// MaxViewers is how many may look at once.
	MaxViewers = 100

	// maxOfHost is how many of them one host may be: an IPv4 address, or a /64 of IPv6.
	// A browser has six connections to a server at most.
	maxOfHost = 10

	// maxRemote is how many may be other hosts' together, so that who comes by ssh, and
	// so from loopback, finds a place whatever the network does.
	maxRemote = 80

	// behind is how many seconds a viewer may be late before it is dropped. It comes
	// back by itself, and finds what it has missed in the history.
	behind = 5

	// writeWait is how long one event may take to be written.
	writeWait = 10 * time.Second

	// retryAfter is when a browser that has lost its events comes back, in ms.
	retryAfter = 2000

	// placeAfter is when one that had to be refused comes back, in s.
	placeAfter = 10
)

// hub hands each event to all viewers, and waits for none of them.
type hub struct {
	mu      sync.Mutex
	of      map[*viewer]bool
	closed  bool
	dropped uint64
	running sync.WaitGroup // of the viewers
}

// viewer is one who looks.
type viewer struct {
	from   netip.Addr  // as hostOf has it
	events chan []byte // closed when it is to end
}

// hostOf is the host that a request counts for. That of a tunnel is loopback.
func hostOf(r *http.Request) netip.Addr {
	a := addrOf(r)
	if a.IsLoopback() { // ::1 is not that of its /64
		return a
	}
	return tcp.ClientOf(a)
}

// addrOf is the address that a request comes from; what is none shares the zero value.
func addrOf(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr().Unmap()
}

// join returns a viewer, or why there is no place for one.
func (h *hub) join(from netip.Addr) (v *viewer, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if why := h.refusal(from); why != "" {
		return nil, why
	}
	v = &viewer{from, make(chan []byte, behind)}
	h.of[v] = true
	h.running.Add(1)
	return v, ""
}

// refusal is why one more from a host may not look, if so; mu is held.
func (h *hub) refusal(from netip.Addr) string {
	same, remote := 0, 0
	for v := range h.of {
		if v.from == from {
			same++
		}
		if !v.from.IsLoopback() {
			remote++
		}
	}
	switch {
	case h.closed:
		return "this forwarder is ending"
	case len(h.of) >= MaxViewers:
		return fmt.Sprintf("%d viewers look already", MaxViewers)
	case from.IsLoopback():
		return ""
	case same >= maxOfHost:
		return fmt.Sprintf("%d viewers look from your address already", maxOfHost)
	case remote >= maxRemote:
		return fmt.Sprintf("%d viewers look from other hosts already, and through ssh there are places", maxRemote)
	}
	return ""
}

// leave is called once for each that has joined.
func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.of, v)
	h.running.Done()
}

func (h *hub) isEmpty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.of) == 0
}

// tell hands an event to all, and drops who is too far behind.
func (h *hub) tell(event []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.of {
		select {
		case v.events <- event:
		default:
			h.dropped++
			h.end(v)
		}
	}
}

// end lets a viewer's request return; mu is held.
func (h *hub) end(v *viewer) {
	delete(h.of, v)
	close(v.events)
}

// close ends all viewers, and waits until they have left.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for v := range h.of {
		h.end(v)
	}
	h.mu.Unlock()
	h.running.Wait()
}

func (h *hub) viewers() Viewers {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Viewers{len(h.of), MaxViewers, h.dropped}
}

// message is JSON by itself and as one of server-sent events. All who are sent it share
// its octets: a hundred that read slowly would keep a hundred copies.
type message struct{ json, event []byte }

// newMessage takes JSON without line breaks.
func newMessage(name string, json []byte) message {
	const end = "\n\n"
	e := bytes.Join([][]byte{[]byte("event: " + name + "\ndata: "), json, []byte(end)}, nil)
	return message{e[len(e)-len(end)-len(json) : len(e)-len(end)], e}
}

// serveEvents tells a viewer how it is, as long as it looks and keeps up.
func (p *Page) serveEvents(w http.ResponseWriter, r *http.Request) {
	v, why := p.hub.join(hostOf(r))
	if v == nil {
		w.Header().Set("Retry-After", strconv.Itoa(placeAfter))
		http.Error(w, fmt.Sprintf("%s. The page tries again every %d seconds; /api/v1/status needs no place.", why, placeAfter), http.StatusServiceUnavailable)
		return
	}
	defer p.hub.leave(v)
	defer p.hold(r)()
	to := http.NewResponseController(w)
	_ = to.SetReadDeadline(time.Time{}) // the server's is for requests that end
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Connection", "close")
	if r.Method == http.MethodHead {
		return
	}
	if !send(w, to, retryLine) || !send(w, to, p.history().event) {
		return
	}
	for event, open := p.status().event, true; send(w, to, event); {
		select {
		case event, open = <-v.events:
			if !open {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// send reports whether an event has left in time.
func send(w http.ResponseWriter, to *http.ResponseController, event []byte) bool {
	_ = to.SetWriteDeadline(time.Now().Add(writeWait))
	_, err := w.Write(event)
	return err == nil && to.Flush() == nil
}
