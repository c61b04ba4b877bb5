//go:build amd64 || arm64

package udp

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// add appends a reply of size bytes to the client with that port.
func add(o *Out, port, size int) {
	p := PeerOf(netip.AddrPortFrom(client.Addr(), uint16(port)))
	o.Add(append(o.Room(), make([]byte, size)...), p)
}

func TestPlan(t *testing.T) {
	for _, tc := range []struct {
		name    string
		replies [][2]int // port, size
		plain   bool
		want    []int // datagrams of each message
	}{
		{name: "none"},
		{name: "one", replies: [][2]int{{1, 60}}, want: []int{1}},
		{name: "two clients", replies: [][2]int{{1, 60}, {2, 60}}, want: []int{1, 1}},
		{name: "one client", replies: [][2]int{{1, 60}, {1, 60}, {1, 60}}, want: []int{3}},
		{name: "one client, told not to", replies: [][2]int{{1, 60}, {1, 60}, {1, 60}}, plain: true, want: []int{1, 1, 1}},
		{name: "two sizes", replies: [][2]int{{1, 60}, {1, 61}, {1, 60}}, want: []int{2, 1}},
		{name: "interleaved", replies: [][2]int{{1, 60}, {2, 60}, {1, 60}, {2, 60}}, want: []int{2, 2}},
		{name: "empty replies cannot be segments", replies: [][2]int{{1, 0}, {1, 0}}, want: []int{1, 1}},
		{name: "longer than a datagram", replies: slices.Repeat([][2]int{{1, 30_000}}, 5), want: []int{2, 2, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := NewOut()
			for _, r := range tc.replies {
				add(o, r[0], r[1])
			}
			o.segment = !tc.plain
			if o.plan(); !slices.Equal(planned(o), tc.want) {
				t.Errorf("plan() = %v, want %v", planned(o), tc.want)
			}
		})
	}
}

func planned(o *Out) (counts []int) {
	for _, m := range o.msgs[:o.count] {
		counts = append(counts, int(m.hdr.Iovlen))
	}
	return counts
}

// FuzzPlan checks that the messages hold each reply once, in the order of Add
// for one peer and size, and that the kernel takes them.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{1, 60, 1, 60, 2, 60, 1, 61})
	f.Add(bytes.Repeat([]byte{1, 255, 2, 60}, 40))
	f.Fuzz(func(t *testing.T, script []byte) {
		o := NewOut()
		for len(script) >= 2 && !o.Full() {
			add(o, 1+int(script[0]%8), 1+int(script[1])*17)
			script = script[2:]
		}
		o.segment = true
		o.plan()
		if err := checkPlan(o); err != nil {
			t.Errorf("plan() of %d replies: %v", o.n, err)
		}
	})
}

func checkPlan(o *Out) error {
	iov, seen := 0, make(map[int]bool)
	for m := range o.count {
		h := &o.msgs[m].hdr
		if h.Iov != &o.iovs[iov] {
			return fmt.Errorf("message %d does not follow the one before", m)
		}
		if err := checkMessage(o, h, iov, seen); err != nil {
			return fmt.Errorf("message %d: %w", m, err)
		}
		iov += int(h.Iovlen)
	}
	if len(seen) != o.n {
		return fmt.Errorf("%d replies are planned", len(seen))
	}
	return nil
}

func checkMessage(o *Out, h *unix.Msghdr, iov int, seen map[int]bool) error {
	bytes, before := uint64(0), -1
	for i, v := range o.iovs[iov : iov+int(h.Iovlen)] {
		r := replyAt(o, v)
		if r <= before || seen[r] {
			return fmt.Errorf("part %d is reply %d after %d, or comes twice", i, r, before)
		}
		if o.peer[r] != *peerOf(o, h) || v.Len != o.iovs[iov].Len {
			return fmt.Errorf("part %d has another peer or size", i)
		}
		before, seen[r] = r, true
		bytes += v.Len
	}
	if h.Iovlen > 1 && bytes > maxSegmented || h.Iovlen > 1 != (h.Controllen > 0) {
		return fmt.Errorf("%d parts, %d bytes, %d control bytes", h.Iovlen, bytes, h.Controllen)
	}
	return nil
}

// replyAt returns the reply that v stands for, or -1.
func replyAt(o *Out, v unix.Iovec) int {
	return slices.IndexFunc(o.reply[:o.n], func(reply []byte) bool { return iovec(reply) == v })
}

func peerOf(o *Out, h *unix.Msghdr) *Peer {
	for i := range o.peer {
		if o.peer[i].sockaddr() == h.Name {
			return &o.peer[i]
		}
	}
	return new(Peer)
}

// peerAt returns the Peer of u.
func peerAt(u *net.UDPConn) Peer { return PeerOf(u.LocalAddr().(*net.UDPAddr).AddrPort()) }

func TestSegmentedReplies(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			c, out := mustListen(t, addr, Options{}), NewOut()
			u, v := dialPlain(t, c.LocalAddr()), dialPlain(t, c.LocalAddr())
			for i := range 20 {
				out.Add(append(out.Room(), 'u', byte(i)), peerAt(u))
				out.Add(append(out.Room(), 'v', byte(i)), peerAt(v))
			}
			if err := c.WriteBatch(out); err != nil {
				t.Fatal(err)
			}
			for i := range 20 {
				if got := read(t, u); string(got) != string([]byte{'u', byte(i)}) {
					t.Errorf("reply %d = %q", i, got)
				}
				if got := read(t, v); string(got) != string([]byte{'v', byte(i)}) {
					t.Errorf("reply %d = %q", i, got)
				}
			}
			if s := c.Stats(); s.Sent != 40 || s.Segmented != 40 || s.SendFailed != 0 {
				t.Errorf("Stats() = %+v, want 40 sent, all segmented", s)
			}
		})
	}
}

// TestUnsegment sends a message in parts after the kernel refused it whole.
func TestUnsegment(t *testing.T) {
	for _, tc := range []struct {
		errno syscall.Errno
		keep  bool
		sent  int
	}{
		{unix.EINVAL, true, 2}, // longer than this destination's MTU
		{unix.EMSGSIZE, true, 2},
		{unix.EIO, false, 2}, // the device cannot
		{unix.ENOPROTOOPT, false, 2},
		{unix.EPERM, true, 0}, // nothing to do with segments
	} {
		t.Run(unix.ErrnoName(tc.errno), func(t *testing.T) {
			c, out := mustListen(t, "127.0.0.1:0", Options{}).(*conn), NewOut()
			u := dialPlain(t, c.LocalAddr())
			add(out, 1, 10)
			for i := range 2 {
				out.Add(append(out.Room(), byte(i)), peerAt(u))
			}
			out.segment = true
			out.plan()
			out.next = 1
			c.raw.Control(func(fd uintptr) { out.recover(fd, tc.errno) })
			for i := range tc.sent {
				if got := read(t, u); len(got) != 1 || got[0] != byte(i) {
					t.Errorf("part %d = %q", i, got)
				}
			}
			s := out.stats
			if out.segment != tc.keep || out.next != 2 || int(s.Sent) != tc.sent || int(s.SendFailed) != 2-tc.sent {
				t.Errorf("segment = %v, next = %d, stats = %+v, want %v, 2, %d sent", out.segment, out.next, s, tc.keep, tc.sent)
			}
		})
	}
}

func TestStopsSegmenting(t *testing.T) {
	c, out := mustListen(t, "127.0.0.1:0", Options{}).(*conn), NewOut()
	if !c.segment.Load() {
		t.Skip("the kernel has no UDP_SEGMENT")
	}
	out.stats.SegmentFailed, out.segment = 1, false
	if c.count(out); c.segment.Load() || c.Stats().SegmentFailed != 1 {
		t.Errorf("segment = %v, stats = %+v, want false and 1 failure", c.segment.Load(), c.Stats())
	}
}

// TestSendFails has replies that cannot be sent among others that can.
func TestSendFails(t *testing.T) {
	c, out := mustListen(t, "127.0.0.1:0", Options{}), NewOut()
	u := dialPlain(t, c.LocalAddr())
	portless := PeerOf(netip.MustParseAddrPort("127.0.0.1:0"))
	out.Add(append(out.Room(), "first"...), peerAt(u))
	out.Add(append(out.Room(), "to no port"...), portless)
	out.Add(append(out.Room(), "to no port"...), portless)
	out.Add(make([]byte, 65508), peerAt(u))
	out.Add(append(out.Room(), "to IPv6"...), PeerOf(netip.MustParseAddrPort("[::1]:1053")))
	out.Add(append(out.Room(), "last"...), peerAt(u))
	if err := c.WriteBatch(out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "last"} {
		if got := read(t, u); string(got) != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	if s := c.Stats(); s.Sent != 2 || s.SendFailed != 4 {
		t.Errorf("Stats() = %+v, want 2 sent, 4 failed", s)
	}
}

// TestSendFull meets a send buffer that stays full: one wait, then the rest of
// the batch is dropped.
func TestSendFull(t *testing.T) {
	c, out := mustListen(t, "127.0.0.1:0", Options{}).(*conn), NewOut()
	for range 3 {
		add(out, 1, 60)
	}
	add(out, 2, 60)
	out.segment = true
	out.plan()
	c.raw.Control(func(fd uintptr) {
		for i, want := range []bool{true, false} {
			if got := out.recover(fd, unix.EAGAIN); got != want {
				t.Errorf("recover(EAGAIN), time %d = %v, want %v", i+1, got, want)
			}
		}
	})
	if c.count(out); c.Stats().SendFull != 4 {
		t.Errorf("Stats() = %+v, want 4 dropped", c.Stats())
	}
}

func TestReceiveFull(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{RecvBuffer: 4096})
	s := mustDial(t, c.LocalAddr())
	msgs := slices.Repeat([][]byte{make([]byte, 100)}, 2*BatchSize)
	if n, err := s.Send(msgs); n != len(msgs) || err != nil {
		t.Fatalf("Send() = %d, %v", n, err)
	}
	if got := c.Stats().ReceiveFull; got == 0 || got >= 2*BatchSize {
		t.Errorf("ReceiveFull = %d, want some of %d", got, 2*BatchSize)
	}
}

// TestSocketOptions reads back what protects against forged ICMP.
func TestSocketOptions(t *testing.T) {
	s := mustDial(t, netip.MustParseAddrPort("127.0.0.1:53"))
	for name, raw := range map[string]syscall.RawConn{
		"IPv4":     mustListen(t, "127.0.0.1:0", Options{}).(*conn).raw,
		"upstream": s.raw,
	} {
		wantOption(t, name, raw, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT)
	}
	raw := mustListen(t, "[::1]:0", Options{}).(*conn).raw
	wantOption(t, "IPv6", raw, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT)
	wantOption(t, "IPv6", raw, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
}

func wantOption(t *testing.T, name string, raw syscall.RawConn, level, option, want int) {
	t.Helper()
	err := control(raw, func(fd int) error {
		got, err := unix.GetsockoptInt(fd, level, option)
		if got != want {
			t.Errorf("%s: option %d/%d = %d, want %d", name, level, option, got, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExchangeAllocates(t *testing.T) {
	for _, count := range []int{1, BatchSize} {
		run := exchanger(t, count, Options{})
		run() // sizes the Socket's batches
		if got := testing.AllocsPerRun(100, run); got != 0 {
			t.Errorf("batch of %d: %v allocations, want 0", count, got)
		}
	}
}
