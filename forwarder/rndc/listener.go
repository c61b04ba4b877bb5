package rndc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// listener serves one channel. Its goroutines are of the server's running.
type listener struct {
	server  *Server
	addr    netip.AddrPort // as configured
	channel atomic.Pointer[Channel]
	since   time.Time // when the address was first tried
	ctx     context.Context
	cancel  context.CancelFunc

	mu     sync.Mutex
	tcp    net.Listener // nil while the address cannot be had
	conns  map[*conn]struct{}
	closed bool
}

// listen starts a channel, and returns when its address is bound or is not to be
// had for now. s.mu is held.
func (s *Server) listen(c Channel) *listener {
	l := &listener{server: s, addr: c.Addr, since: time.Now(), conns: make(map[*conn]struct{})}
	l.channel.Store(&c)
	l.ctx, l.cancel = context.WithCancel(s.ctx)
	fault := l.bind("")
	s.running.Go(func() { l.run(fault) })
	return l
}

// bind tries to have the address. What it cannot is logged unless it is fault,
// which was; it returns what there is.
func (l *listener) bind(fault string) string {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // whose listeners are not had again at once after a restart
	t, err := lc.Listen(l.ctx, family(l.addr), l.addr.String())
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) && time.Since(l.since) < grace || l.ctx.Err() != nil {
			return fault
		}
		if err.Error() != fault {
			l.complain(err)
		}
		return err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		t.Close()
		return ""
	}
	l.tcp = t
	l.server.o.Log.Log(l.ctx, levelNotice, "command channel listening on "+hostport(addrPortOf(t.Addr())))
	return ""
}

// family keeps 0.0.0.0 to IPv4 and :: to IPv6, as named does.
func family(a netip.AddrPort) string {
	if a.Addr().Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// complain logs why the address cannot be had.
func (l *listener) complain(err error) {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // without the address, which the line has
	}
	if explain := l.server.o.Explain; explain != nil {
		err = explain(l.addr, err)
	}
	l.server.o.Log.Error(fmt.Sprintf("couldn't add command channel %s: %v; DNS goes on, and this is tried again", hostport(l.addr), err))
}

// levelNotice is BIND's, between info and warning.
const levelNotice = slog.LevelInfo + 2

// bound is the address that the channel has; invalid if it has none.
func (l *listener) bound() netip.AddrPort {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tcp == nil {
		return netip.AddrPort{}
	}
	return addrPortOf(l.tcp.Addr())
}

// run accepts until the listener is closed.
func (l *listener) run(fault string) {
	for {
		if t := l.tcpListener(); t != nil {
			l.accept(t)
		}
		select {
		case <-l.ctx.Done():
			return
		case <-time.After(retryInterval(fault)):
		}
		if l.tcpListener() == nil {
			fault = l.bind(fault)
		}
	}
}

// retryInterval is how long an address that cannot be had is left alone: less
// than a second where another process may be about to leave it.
func retryInterval(fault string) time.Duration {
	if fault == "" || strings.Contains(fault, syscall.EADDRINUSE.Error()) {
		return 250 * time.Millisecond
	}
	return 5 * time.Second
}

func (l *listener) tcpListener() net.Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tcp
}

// accept returns when the listener fails, as it does when it is closed or
// descriptors are short.
func (l *listener) accept(t net.Listener) {
	for {
		c, err := t.Accept()
		if err != nil {
			return
		}
		peer := addrPortOf(c.RemoteAddr())
		if !l.allows(peer) {
			l.server.refused(slog.LevelWarn, "rejected command channel message from "+hostport(peer))
			c.Close()
			continue
		}
		l.start(&conn{listener: l, net: c, peer: peer})
	}
}

func (l *listener) allows(peer netip.AddrPort) bool {
	allow := l.channel.Load().Allow
	return allow == nil || allow(peer.Addr())
}

// start serves a connection, which takes the place of an older one where there
// are too many.
func (l *listener) start(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.server.conns.add(c) {
		c.net.Close()
		return
	}
	l.conns[c] = struct{}{}
	l.server.running.Go(func() {
		c.serve()
		l.server.conns.remove(c)
		l.mu.Lock()
		delete(l.conns, c)
		l.mu.Unlock()
	})
}

// close ends the listener, and its connections when no command runs in them.
func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	if l.tcp != nil {
		l.server.o.Log.Log(l.ctx, levelNotice, "stopping command channel on "+hostport(addrPortOf(l.tcp.Addr())))
		l.tcp.Close()
	}
	l.cancel()
	for c := range l.conns {
		c.finish()
	}
}
