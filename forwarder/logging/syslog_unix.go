//go:build unix

package logging

import (
	"net"
	"syscall"
)

// errBusy: the receiver's queue is full.
const errBusy = syscall.EAGAIN

// unixgram is a connection to a syslog socket.
type unixgram struct{ *net.UnixConn }

func dialLog(path string) (datagrams, error) {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return unixgram{c}, nil
}

// send makes a single attempt: net's own Write would wait for room.
func (u unixgram) send(msg []byte) error {
	raw, err := u.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		_, sent = syscall.Write(int(fd), msg)
		return true
	})
	switch {
	case err != nil:
		return err
	case sent == syscall.ENOBUFS: // what the BSDs say for EAGAIN
		return errBusy
	}
	return sent
}

func (u unixgram) close() error { return u.Close() }
