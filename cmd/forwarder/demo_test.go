package main

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a terminal that calls back when a line is complete.
type screen struct {
	mu     sync.Mutex
	text   bytes.Buffer
	onLine func(text string)
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if bytes.HasSuffix(p, []byte("\n")) {
		s.onLine(s.text.String())
	}
	return len(p), nil
}

func TestDemoShowsFailovers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &screen{onLine: func(text string) {
		if strings.Count(text, "answered after") == 2 {
			cancel()
		}
	}}
	d := &demo{out: out, ttl: 1, pause: 100 * time.Millisecond, jitter: 100 * time.Millisecond, poll: 20 * time.Millisecond}
	if err := d.run(ctx); err != nil {
		t.Errorf("run = %v, want nil: Ctrl-C is a clean end", err)
	}
	shown := out.text.String()
	for _, want := range []string{
		`dig @127\.0\.0\.1 -p \d+ myservice\.awslab\.mycompany\.corp\n`,
		`moved to 10\.79\.253\.13, with [01] s of the old answer left … answered after \d+\.\d s\n`,
		`moved to 10\.79\.252\.13, with [01] s of the old answer left … answered after \d+\.\d s\n`,
	} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("the demo shows no %q:\n%s", want, shown)
		}
	}
}

func TestDemoEndsBeforeTheFirstFailover(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &screen{onLine: func(string) { cancel() }}
	if err := runDemo(ctx, out); err != nil {
		t.Errorf("runDemo = %v, want nil", err)
	}
}

func TestFreePortAvoidsTakenOnes(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			taken := take(t, network)
			if got := freePort(taken); got == taken || !isFree(netip.AddrPortFrom(loopback, got)) {
				t.Errorf("freePort(%d) = %d, want another that is free", taken, got)
			}
		})
	}
}

func take(t *testing.T, network string) uint16 {
	t.Helper()
	if network == "udp" {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	}
	conn, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.Addr().(*net.TCPAddr).AddrPort().Port()
}
