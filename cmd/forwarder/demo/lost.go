package demo

import (
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lostSockets are those of a server that is gone. What arrives is read and
// forgotten: else it would be answered late, when the server is back.
type lostSockets struct {
	files   []*os.File
	conns   []net.PacketConn
	reading sync.WaitGroup
	queries atomic.Int64 // that nobody answered
}

// swallow takes the files over. Those of TCP accept, and say nothing.
func (l *lostSockets) swallow(files []*os.File) error {
	l.files = files
	for _, f := range files {
		conn, err := net.FilePacketConn(f)
		if _, isUDP := conn.(*net.UDPConn); err != nil || !isUDP {
			continue
		}
		l.conns = append(l.conns, conn)
		l.reading.Go(func() { l.read(conn) })
	}
	if len(l.conns) == 0 {
		return fmt.Errorf("silencing a forwarder: it has no UDP socket")
	}
	return nil
}

func (l *lostSockets) read(conn net.PacketConn) {
	for buf := make([]byte, 512); ; l.queries.Add(1) {
		if _, _, err := conn.ReadFrom(buf); err != nil {
			return
		}
	}
}

// rest lets what comes from now on wait for the next server.
func (l *lostSockets) rest() {
	for _, conn := range l.conns {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // it is open
	}
	l.reading.Wait()
}

// close gives up all there is. The sockets live on where somebody else has them.
func (l *lostSockets) close() {
	l.rest()
	for _, conn := range l.conns {
		conn.Close()
	}
	for _, f := range l.files {
		f.Close()
	}
	l.conns, l.files = nil, nil
}
