//go:build !linux || !(amd64 || arm64)

package udp

import (
	"fmt"
	"net"
	"net/netip"
)

// Socket is a connected socket: the system delivers only what its server
// sends. One goroutine may call Send while another calls Recv.
type Socket struct{ udp *net.UDPConn }

// Dial opens a socket from source to server, both of one family. A zero source
// is any address; port 0 is a random one. The error wraps a syscall.Errno.
func Dial(server, source netip.AddrPort) (*Socket, error) {
	var s Socket
	err := bindRandom(sourceFor(server, source), func(local netip.AddrPort) (err error) {
		s.udp, err = net.DialUDP(network(server), net.UDPAddrFromAddrPort(local), net.UDPAddrFromAddrPort(server))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to UDP %v#%d: %w", server.Addr(), server.Port(), withoutAddress(err))
	}
	return &s, nil
}

// Send sends msgs in order and returns how many the system took.
func (s *Socket) Send(msgs [][]byte) (n int, err error) {
	for n < len(msgs) {
		if _, err := s.udp.Write(msgs[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Recv waits for one message: bufs[0][:sizes[0]]. A longer one is cut.
func (s *Socket) Recv(bufs [][]byte, sizes []int) (n int, err error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	sizes[0], err = s.udp.Read(bufs[0])
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// LocalAddr returns the source address and port.
func (s *Socket) LocalAddr() netip.AddrPort { return s.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

// Close unblocks Recv.
func (s *Socket) Close() error { return s.udp.Close() }
