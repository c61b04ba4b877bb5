package rndc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// Of 200 connections that say nothing the oldest go, and who has a key is heard.
func TestSilentConnections(t *testing.T) {
	s := newTestServer(t, echo, nil)
	var open []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", s.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
		s.conns.mu.Lock()
		if n := len(s.conns.unknown); n > maxUnknownOfClient {
			t.Errorf("%d connections before authentication, want %d at most", n, maxUnknownOfClient)
		}
		s.conns.mu.Unlock()
	}
	if got, err := s.connect().Do("status"); err != nil || got.Text != "k status" {
		t.Errorf("Do(status) = %+v, %v", got, err)
	}
	for i, c := range open { // the last ones by authTimeout
		c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isQuiet(err) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("connection %d: %v, want it closed", i, err)
		}
	}
	eventually(t, "end of them", func() bool {
		s.conns.mu.Lock()
		defer s.conns.mu.Unlock()
		return len(s.conns.unknown) == 0 && len(s.conns.all) == 1
	})
}

// Who has shown a key is not among those who go.
func TestKnownConnectionsStay(t *testing.T) {
	s := newTestServer(t, echo, nil)
	c := s.connect()
	for range 3 * maxUnknownOfClient {
		silent, err := net.Dial("tcp", s.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	if got, err := c.Do("status"); err != nil || got.Text != "k status" {
		t.Errorf("Do(status) = %+v, %v", got, err)
	}
}

// One octet a moment is no way to stay.
func TestSlowConnection(t *testing.T) {
	s := newTestServer(t, echo, nil)
	c, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, b := range s.hand(time.Now(), without("")) {
		if _, err := c.Write([]byte{b}); err != nil {
			return // before it was through
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("a frame that took 10 s is taken, want its connection closed after 2 s")
}

func TestClientsThatCountAsOne(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%lo", "fe80::2%lo", true},
	} {
		if got := clientOf(netip.MustParseAddr(tt.a)) == clientOf(netip.MustParseAddr(tt.b)); got != tt.same {
			t.Errorf("%s and %s are one: %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
}

// A command that runs has its reply, though the server closes.
func TestCloseWaits(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	s := newTestServer(t, func(context.Context, Request) (string, error) {
		close(started)
		<-release
		return "done", nil
	}, nil)
	c, idle := s.connect(), s.connect()
	closed := make(chan struct{})
	go func() {
		<-started
		go func() { time.Sleep(100 * time.Millisecond); close(release) }()
		s.Close()
		close(closed)
	}()
	if got, err := c.Do("stop"); err != nil || got.Text != "done" {
		t.Errorf("Do(stop) = %+v, %v", got, err)
	}
	<-closed
	if _, err := idle.Do("null"); !errors.Is(err, ErrClosed) {
		t.Errorf("an idle connection: %v, want %v", err, ErrClosed)
	}
	if _, err := s.dial(s.key); err == nil {
		t.Error("it still listens")
	}
}

// A command that never ends, ends with the server.
func TestCloseEndsCommands(t *testing.T) {
	started := make(chan struct{})
	s := newTestServer(t, func(ctx context.Context, _ Request) (string, error) {
		close(started)
		<-ctx.Done()
		return "", ctx.Err()
	}, nil)
	c := s.connect()
	go c.Do("queries")
	<-started
	s.Close()
}

// A connection outlives a reload in which its channel stays, and has the new
// keys; one whose channel goes does not.
func TestServeAnew(t *testing.T) {
	s := newTestServer(t, echo, nil)
	c := s.connect()
	second := newKey(t, "hmac-sha512", "c2Vjb25k")
	s.Serve([]Channel{s.channel(func(c *Channel) { c.Keys = []*Key{second} }), {Addr: netip.MustParseAddrPort("[::1]:0"), Keys: []*Key{second}}})
	if got := s.Addrs(); len(got) != 2 || got[0] != s.addr {
		t.Fatalf("Addrs = %v, want %v and another", got, s.addr)
	}
	c.key = second
	if got, err := c.Do("null"); err != nil || got.Text != "k null" {
		t.Errorf("with the new key: %+v, %v", got, err)
	}
	if _, err := s.dial(s.key); !errors.Is(err, ErrClosed) {
		t.Errorf("with the former key: %v, want %v", err, ErrClosed)
	}
	s.Serve(nil)
	s.log.wait(t, "stopping command channel on 127.0.0.1#")
	if _, err := c.Do("null"); !errors.Is(err, ErrClosed) {
		t.Errorf("without its channel: %v, want %v", err, ErrClosed)
	}
}

// A port that another has is had once it is free.
func TestTakenPort(t *testing.T) {
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newTestServer(t, echo, nil)
	s.o.Explain = func(a netip.AddrPort, err error) error { return errors.Join(err, errors.New("held by somebody")) }
	s.addr = addrPortOf(other.Addr())
	s.Serve([]Channel{s.channel(func(c *Channel) { c.Addr = s.addr })})
	s.log.wait(t, "couldn't add command channel "+hostport(s.addr))
	s.log.wait(t, "held by somebody")
	if got := s.Addrs(); len(got) != 0 {
		t.Errorf("Addrs = %v, want none", got)
	}
	other.Close()
	s.log.wait(t, "command channel listening on "+hostport(s.addr))
	if got, err := s.connect().Do("x"); err != nil || got.Text != "k x" {
		t.Errorf("Do = %+v, %v", got, err)
	}
}

// Replies may come in any pieces, and those that are too large are not read.
func TestClientLimits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reply []byte
		want  string
	}{
		{"too large", []byte{0, 0x10, 0, 1}, "recv failed: out of range"},
		{"another key", seal(newKey(t, "hmac-sha256", "AAAA"), nil), "parse message: bad auth"},
		{"no reply", seal(newKey(t, "hmac-sha256", capturedSecret), nil), "parse message: it is no reply to what was sent"},
		{"closed", []byte{0, 0, 0, 9, 0}, "recv failed: connection to remote host closed"},
	} {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, _ := l.Accept()
			io.ReadAtLeast(c, make([]byte, 512), 200)
			for _, b := range tt.reply {
				c.Write([]byte{b})
			}
			c.Close()
		}()
		_, err = Dial(t.Context(), addrPortOf(l.Addr()), netip.MustParseAddr("127.0.0.1"), newKey(t, "hmac-sha256", capturedSecret))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		l.Close()
	}
}
