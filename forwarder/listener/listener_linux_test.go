package listener

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// connectAll connects n times to a server that accepts nothing yet, and returns how
// many were lost: those come again after a second.
func connectAll(t *testing.T, addr string, n int) (lost int) {
	t.Helper()
	for range n {
		d := net.Dialer{Timeout: 50 * time.Millisecond}
		c, err := d.Dial("tcp", addr)
		if err != nil {
			lost++
			continue
		}
		t.Cleanup(func() { c.Close() })
	}
	return lost
}

// The queue holds what it is said to, also when it changes; connections that it has no
// room for are counted, also once all is closed; what is not said is plenty.
func TestQueue(t *testing.T) {
	s := newSet(t, new(world).config(1))
	if err := s.Open([]netip.AddrPort{anyPort}, 10); err != nil {
		t.Fatal(err)
	}
	addr := s.Addrs()[0].String()
	lost := connectAll(t, addr, 14)
	if _, dropped := s.Stats(); lost == 0 || dropped < uint64(lost) {
		t.Errorf("with a queue of 10 for 14: %d dropped, %d were lost, want some", dropped, lost)
	}
	open(t, s, anyPort)
	if lost := connectAll(t, addr, 100); lost > 0 {
		t.Errorf("without a limit %d of 100 connections were lost, want none", lost)
	}
	_, before := s.Stats()
	s.CloseAll()
	if _, after := s.Stats(); after < before {
		t.Errorf("%d dropped when all is closed, want %d at least", after, before)
	}
}
