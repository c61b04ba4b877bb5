package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const zoneWire = "\x06awslab\x09mycompany\x04corp\x00"

// appendQuery appends a query for the A record of the name that is stem
// followed by a number, in the zone.
func appendQuery(dst []byte, id uint16, stem string, number int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	dst = append(dst, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0) // RD, one question
	length := len(dst) - 1
	dst = append(dst, stem...)
	dst = strconv.AppendInt(dst, int64(number), 10)
	dst[length] = byte(len(dst) - length - 1)
	dst = append(dst, zoneWire...)
	return append(dst, 0, 1, 0, 1) // A, IN
}

// traffic is what clients send: with a window as soon as less queries than that
// wait for an answer, else at a rate, whatever the answers do.
type traffic struct {
	window int
	rate   float64       // queries a second
	count  int           // at most; 0 is no limit
	length time.Duration // at most; 0 sends nothing
	query  func(i int) (stem string, number int)
}

// outcome is what came of it.
type outcome struct {
	answered, lost int
	rtt            []time.Duration // of each answer
}

// percentile returns the round trip that the given share of answers stayed below.
func (o *outcome) percentile(share float64) time.Duration {
	if len(o.rtt) == 0 {
		return 0
	}
	slices.Sort(o.rtt)
	return o.rtt[int(share*float64(len(o.rtt)-1))]
}

// clients are sockets connected to one server, used by one goroutine.
type clients struct {
	sockets []int
	epoll   int
	events  []unix.EpollEvent
	sent    [1 << 16]time.Duration // since begun, by ID; 0: not waited for
	begun   time.Time
	buf     []byte
}

func newClients(server netip.AddrPort, n int) (*clients, error) {
	c := &clients{events: make([]unix.EpollEvent, 256), buf: make([]byte, 4096)}
	var err error
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("creating an epoll: %w", err)
	}
	for range n {
		if err := c.open(server); err != nil {
			c.close()
			return nil, fmt.Errorf("opening client socket %d: %w", len(c.sockets)+1, err)
		}
	}
	return c, nil
}

func (c *clients) open(server netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.sockets = append(c.sockets, fd)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()}); err != nil {
		return err
	}
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (c *clients) close() {
	for _, fd := range c.sockets {
		unix.Close(fd)
	}
	unix.Close(c.epoll)
}

// run sends the traffic and waits for the last answers. What is not answered
// when nothing has come for a while is lost. It takes longer where no answer came.
func (c *clients) run(t traffic) outcome {
	lost := 0 // by the tries before
	for {
		o := c.send(t)
		o.lost += lost
		if o.answered > 0 || t.length <= 0 || t.length >= longest {
			return o
		}
		lost, t.length = o.lost, min(8*t.length, longest)
	}
}

func (c *clients) send(t traffic) outcome {
	const timeout = time.Second
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else a rate comes in bursts
	clear(c.sent[:])
	c.begun = time.Now()
	var o outcome
	for seq, heard := 0, time.Duration(0); ; {
		now := time.Since(c.begun)
		due, next := t.due(seq, seq-o.answered-o.lost, now)
		for ; seq < due; seq++ {
			c.ask(seq, t)
		}
		if next == 0 && seq <= o.answered+o.lost {
			return o
		}
		if next == 0 || t.window > 0 {
			next = timeout
		}
		before := o.answered
		c.receive(&o, next)
		if now = time.Since(c.begun); o.answered > before {
			heard = now
		} else if now-heard >= timeout {
			o.lost, heard = seq-o.answered, now
		}
	}
}

// due returns how many queries are to be sent by now, of which seq were sent and
// waiting are not answered, and the time until the next; 0: that was all.
func (t *traffic) due(seq, waiting int, now time.Duration) (due int, next time.Duration) {
	if now >= t.length || t.count > 0 && seq >= t.count {
		return seq, 0
	}
	if t.window > 0 {
		due, next = seq+t.window-waiting, 1
	} else {
		due = int(now.Seconds() * t.rate)
		next = max(1, time.Duration(float64(due+1)/t.rate*1e9)-now)
	}
	if t.count > 0 {
		due = min(due, t.count)
	}
	return due, next
}

// ask sends query seq from the next socket; its ID leads back to when.
func (c *clients) ask(seq int, t traffic) {
	id := uint16(seq)
	stem, number := t.query(seq)
	query := appendQuery(c.buf[:0], id, stem, number)
	c.sent[id] = time.Since(c.begun) + 1
	_, _ = unix.Write(c.sockets[seq%len(c.sockets)], query) // lost ones are counted
}

// receive waits for answers at most that long and takes all there are.
func (c *clients) receive(o *outcome, wait time.Duration) {
	timeout := unix.NsecToTimespec(int64(wait))
	if n, _ := unix.Ppoll([]unix.PollFd{{Fd: int32(c.epoll), Events: unix.POLLIN}}, &timeout, nil); n <= 0 {
		return
	}
	n, _ := unix.EpollWait(c.epoll, c.events, 0)
	for _, e := range c.events[:max(n, 0)] {
		for {
			size, err := unix.Read(int(e.Fd), c.buf)
			if err != nil {
				break
			}
			c.note(o, c.buf[:size])
		}
	}
}

func (c *clients) note(o *outcome, answer []byte) {
	if len(answer) < headerLen {
		return
	}
	sent := &c.sent[binary.BigEndian.Uint16(answer)]
	if *sent == 0 {
		return // came twice, or after it was given up
	}
	o.answered++
	o.rtt = append(o.rtt, time.Since(c.begun)+1-*sent)
	*sent = 0
}
