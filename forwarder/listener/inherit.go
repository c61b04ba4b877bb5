package listener

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
)

// Opened has a value when sockets were opened since Serve.
func (s *Set) Opened() <-chan struct{} { return s.opened }

// Files returns duplicates of all sockets, for Config.Inherited of another Set, as a rule
// in another process. The caller closes them. The error wraps a syscall.Errno, or
// net.ErrClosed after StopReading.
func (s *Set) Files() (list []*os.File, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byWish {
		more, err := l.files()
		list = append(list, more...)
		if err != nil {
			closeFiles(list)
			return nil, fmt.Errorf("duplicating the sockets of %s: %w", host.Address(l.addr), err)
		}
	}
	return list, nil
}

// files returns what it has also when it fails.
func (l *address) files() (list []*os.File, err error) {
	for _, c := range l.udp {
		f, err := c.File()
		if err != nil {
			return list, err
		}
		list = append(list, f)
	}
	f, err := tcp.File(l.tcp)
	if err != nil {
		return list, err
	}
	return append(list, f), nil
}

func closeFiles(list []*os.File) {
	for _, f := range list {
		f.Close()
	}
}

// inheritance is the sockets of a former process, by the address that they are
// bound to. Methods are called with Set.mu held.
type inheritance struct {
	udp map[netip.AddrPort][]udp.Conn
	tcp map[netip.AddrPort]net.Listener
}

// inherit adopts what are sockets of ours; files are left as they are.
func inherit(files []*os.File, workers int) (h inheritance) {
	h.udp = make(map[netip.AddrPort][]udp.Conn)
	h.tcp = make(map[netip.AddrPort]net.Listener)
	for _, f := range files {
		if c, err := udp.Adopt(f, udp.Options{ReusePort: workers > 1}); err == nil {
			a := withZoneName(c.LocalAddr())
			h.udp[a] = append(h.udp[a], c)
		} else if l, err := tcp.Adopt(f); err == nil {
			h.addTCP(l)
		}
	}
	return h
}

func (h *inheritance) addTCP(l net.Listener) {
	a := withZoneName(tcp.LocalAddr(l))
	if h.tcp[a] != nil {
		l.Close()
		return
	}
	h.tcp[a] = l
}

// withZoneName gives an address the name of its interface, which is a number
// where it was read from a socket.
func withZoneName(a netip.AddrPort) netip.AddrPort {
	index, err := strconv.Atoi(a.Addr().Zone())
	if err != nil {
		return a
	}
	i, err := net.InterfaceByIndex(index)
	if err != nil {
		return a // gone, and nobody wants its address
	}
	return netip.AddrPortFrom(a.Addr().WithZone(i.Name), a.Port())
}

// takeUDP returns all sockets that were inherited for a, be they more than
// there are workers: one that is not read would swallow its share of queries.
func (h *inheritance) takeUDP(a netip.AddrPort) []udp.Conn {
	conns := h.udp[a]
	delete(h.udp, a)
	return conns
}

// takeTCP returns nil when none was inherited for a.
func (h *inheritance) takeTCP(a netip.AddrPort) net.Listener {
	l := h.tcp[a]
	delete(h.tcp, a)
	return l
}

// release closes what was not taken. With kill it ends for others too.
func (h *inheritance) release(kill bool) {
	for _, conns := range h.udp {
		(&address{udp: conns}).release(kill)
	}
	for _, l := range h.tcp {
		(&address{tcp: l}).release(kill)
	}
	*h = inheritance{}
}

// release closes the sockets. With kill they end for all processes that have
// them, which a service manager notices (EPOLLHUP) and lets them go: an address
// that nobody serves must not hold queries back.
func (l *address) release(kill bool) {
	if kill {
		l.shutDown()
	}
	l.close()
}

func (l *address) shutDown() {
	for _, c := range l.udp {
		c.Shutdown()
	}
	if l.tcp != nil {
		tcp.Shutdown(l.tcp)
	}
}
