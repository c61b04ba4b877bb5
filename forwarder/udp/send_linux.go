//go:build amd64 || arm64

package udp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// sendWait is how long a batch waits, in milliseconds and once, for room in
// the send buffer: a network card drains 4 MiB at 10 Gbit/s in as many. What
// still fills it then, such as packets to neighbours that do not answer ARP,
// must not stop the reader.
const sendWait = 4

// flush sends the planned messages.
func (o *Out) flush(fd uintptr) {
	o.waited = false
	for o.next < o.count {
		n, errno := sendmmsg(fd, o.msgs[o.next:o.count])
		if errno == 0 {
			o.sent(n)
			continue
		}
		if !o.recover(fd, errno) {
			return
		}
	}
}

// sent counts the next n messages as sent.
func (o *Out) sent(n int) {
	for _, m := range o.msgs[o.next : o.next+n] {
		o.stats.Sent += m.hdr.Iovlen
		if m.hdr.Iovlen > 1 {
			o.stats.Segmented += m.hdr.Iovlen
		}
	}
	o.next += n
}

// recover decides what happens after the next message failed; false gives up
// on the rest of the batch.
func (o *Out) recover(fd uintptr, errno syscall.Errno) bool {
	switch {
	case errno == unix.EINTR:
		return true
	case errno == unix.EAGAIN:
		return o.awaitRoom(fd)
	case o.msgs[o.next].hdr.Iovlen > 1 && segmenting(errno):
		o.unsegment(fd, errno)
	default:
		o.stats.SendFailed += o.msgs[o.next].hdr.Iovlen
	}
	o.next++
	return true
}

func (o *Out) awaitRoom(fd uintptr) bool {
	if !o.waited {
		o.waited = true
		poll(fd, unix.POLLOUT, sendWait)
		return true
	}
	for _, m := range o.msgs[o.next:o.count] {
		o.stats.SendFull += m.hdr.Iovlen
	}
	return false
}

// segmenting reports whether a send error can come from UDP_SEGMENT. EINVAL
// and EMSGSIZE: a part is longer than the MTU towards this destination. The
// others: the device, the route (IPsec) or the kernel cannot segment.
func segmenting(errno syscall.Errno) bool {
	switch errno {
	case unix.EINVAL, unix.EMSGSIZE, unix.EIO, unix.ENOPROTOOPT, unix.EOPNOTSUPP:
		return true
	}
	return false
}

// unsegment sends the parts of the next message one by one, and stops
// segmenting unless only this destination's MTU is in the way.
func (o *Out) unsegment(fd uintptr, errno syscall.Errno) {
	o.stats.SegmentFailed++
	if errno != unix.EINVAL && errno != unix.EMSGSIZE {
		o.segment = false
	}
	o.one[0] = o.msgs[o.next]
	part := &o.one[0].hdr
	part.Control, part.Controllen, part.Iovlen = nil, 0, 1
	at := o.iovsBefore(o.next)
	for i := range int(o.msgs[o.next].hdr.Iovlen) {
		part.Iov = &o.iovs[at+i]
		o.sendOne(fd)
	}
}

func (o *Out) iovsBefore(m int) int {
	at := 0
	for _, m := range o.msgs[:m] {
		at += int(m.hdr.Iovlen)
	}
	return at
}

func (o *Out) sendOne(fd uintptr) {
	if _, errno := sendmmsg(fd, o.one[:]); errno != 0 {
		o.stats.SendFailed++
		return
	}
	o.stats.Sent++
}

// poll waits for an event on fd, at most ms milliseconds.
func poll(fd uintptr, events int16, ms int) {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
	_, _ = unix.Poll(p[:], ms) // the send that follows tells
}
