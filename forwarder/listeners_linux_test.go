package forwarder

import (
	"net"
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

// tcp-listen-queue holds, also when it changes; connections that it has no room for
// are counted; what is not said is plenty.
func TestListenQueue(t *testing.T) {
	cfg, n := loopback(t)
	cfg.TCP.Backlog = 10
	s := newUnserved(t, cfg, 1, n)
	addr := s.Addrs()[0].String()
	lost := connectAll(t, addr, 14)
	if got := s.Stats().TCPDropped; lost == 0 || got < uint64(lost) {
		t.Errorf("with a queue of 10 for 14: TCPDropped = %d, %d were lost, want some", got, lost)
	}
	plenty := testConfig()
	plenty.Listen = cfg.Listen
	if err := s.Reload(plenty); err != nil {
		t.Fatal(err)
	}
	if lost := connectAll(t, addr, 100); lost > 0 {
		t.Errorf("without tcp-listen-queue %d of 100 connections were lost, want none", lost)
	}
	before := s.Stats().TCPDropped
	if s.listeners.closeAll(); s.Stats().TCPDropped < before {
		t.Errorf("TCPDropped = %d when all is closed, want %d at least", s.Stats().TCPDropped, before)
	}
}
