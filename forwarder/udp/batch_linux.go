//go:build amd64 || arm64

package udp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// inbox is the kernel's view of an In.
type inbox struct {
	msgs  [BatchSize]mmsghdr
	iovs  [BatchSize]unix.Iovec
	try   func(fd uintptr) bool // bound once: a method value allocates
	errno syscall.Errno
	conn  *conn
	batch func() bool
}

func (in *In) init() {
	in.try = in.serve
	for i := range in.msgs {
		at := i * stride
		in.iovs[i] = iovec(in.buf[at : at+MaxQuery])
		in.msgs[i].hdr = unix.Msghdr{
			Name:    in.peer[i].sockaddr(),
			Namelen: unix.SizeofSockaddrInet6,
			Iov:     &in.iovs[i],
			Iovlen:  1,
		}
	}
}

// few datagrams or less, and the queue is most likely empty: waiting at once
// saves the call that would say so.
const few = 3

// serve hands over what has arrived, batch by batch; false means to wait. The
// wait is over at once if something arrived since serve was called, so it need
// not have seen the queue empty.
func (in *In) serve(fd uintptr) bool {
	for in.receive(fd) {
		in.conn.received.Add(uint64(in.n))
		if in.errno != 0 || !in.batch() {
			return true
		}
		if in.n <= few || in.conn.stopped.Load() {
			return false
		}
	}
	return false
}

// passingTries bounds the passing errors in a row: a security module may
// refuse every call with one of them.
const passingTries = 64

// receive fills in with what has arrived; false means nothing has.
func (in *In) receive(fd uintptr) bool {
	in.Reset()
	for range passingTries {
		n, errno := recvmmsg(fd, in.msgs[:])
		if errno == 0 {
			in.accept(n)
			return true
		}
		if errno == unix.EAGAIN {
			return false
		}
		if in.errno = errno; !passing(errno) {
			break
		}
	}
	return true
}

// accept takes over what the kernel wrote into the first n headers.
func (in *In) accept(n int) {
	in.n, in.errno = n, 0
	for i := range in.msgs[:n] {
		m := &in.msgs[i]
		in.size[i] = uint16(m.len)
		if m.hdr.Namelen != unix.SizeofSockaddrInet6 {
			m.hdr.Namelen = unix.SizeofSockaddrInet6
			in.peer[i].trim()
		}
	}
}

// passing reports whether a receive error is about an earlier datagram, as
// ICMP errors are (ip(7), "Error handling"), or about a signal: the next call
// may succeed.
func passing(errno syscall.Errno) bool {
	switch errno {
	case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN,
		unix.ENETDOWN, unix.ENONET, unix.EPROTO, unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EMSGSIZE, unix.EACCES:
		return true
	}
	return false
}

// outbox is the kernel's view of an Out.
type outbox struct {
	msgs    [BatchSize]mmsghdr
	iovs    [BatchSize]unix.Iovec
	sizes   [BatchSize]segmentSize
	one     [1]mmsghdr // a message that is sent again in parts
	groups  groups
	count   int  // of msgs in use
	next    int  // the first of msgs that is not yet sent
	segment bool // UDP_SEGMENT may be used
	waited  bool // for room in the send buffer, once a batch
	try     func(fd uintptr)
	stats   Stats // of this batch
}

func (o *Out) init() { o.try = o.flush }
