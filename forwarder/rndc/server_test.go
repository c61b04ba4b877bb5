package rndc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log for tests.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// wait returns when the log has a line with the text.
func (l *lines) wait(t *testing.T, text string) {
	t.Helper()
	eventually(t, "a log line with "+text, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return strings.Contains(l.text.String(), text)
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s within 30 s", what)
}

// handlerFunc is a Handler.
type handlerFunc func(ctx context.Context, r Request) (string, error)

func (f handlerFunc) Command(ctx context.Context, r Request) (string, error) { return f(ctx, r) }

// echo answers with what it was asked.
func echo(_ context.Context, r Request) (string, error) { return r.Key + " " + r.Line, nil }

// testServer serves h at a port of its own.
type testServer struct {
	*Server
	t    *testing.T
	log  *lines
	key  *Key
	addr netip.AddrPort
}

func newTestServer(t *testing.T, h handlerFunc, change func(*Channel)) *testServer {
	t.Helper()
	s := &testServer{t: t, log: &lines{}, key: newKey(t, "hmac-sha256", capturedSecret)}
	s.Server = NewServer(Options{Handler: h, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	t.Cleanup(s.Close)
	s.Serve([]Channel{s.channel(change)})
	s.addr = s.Addrs()[0]
	return s
}

func (s *testServer) channel(change func(*Channel)) Channel {
	c := Channel{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Keys: []*Key{s.key}}
	if change != nil {
		change(&c)
	}
	return c
}

func (s *testServer) dial(key *Key) (*Client, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	s.t.Cleanup(cancel)
	c, err := Dial(ctx, s.addr, netip.Addr{}, key)
	if err == nil {
		s.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// connect is dial where it must not fail.
func (s *testServer) connect() *Client {
	s.t.Helper()
	c, err := s.dial(s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// raw sends octets, and returns what comes until the server closes.
func (s *testServer) raw(frames ...[]byte) string {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	for _, f := range frames {
		c.Write(f)
	}
	got, err := io.ReadAll(c)
	if errors.Is(err, context.DeadlineExceeded) || (err != nil && strings.Contains(err.Error(), "timeout")) {
		s.t.Errorf("still open after 30 s")
	}
	return string(got)
}

func TestCommands(t *testing.T) {
	s := newTestServer(t, func(_ context.Context, r Request) (string, error) {
		switch r.Line {
		case "fail":
			return "", NotFound.With("no zone")
		case "wrapped":
			return "more", fmt.Errorf("flushing: %w", OutOfRange.With("why"))
		case "other":
			return "", errors.New("it broke")
		case "long":
			return strings.Repeat("0123456789\n", 200_000), nil
		}
		return fmt.Sprint(r.Key, " ", r.Line, " ", r.ReadOnly, " ", r.From.Addr()), nil
	}, func(c *Channel) { c.ReadOnly = true })
	c := s.connect()
	for _, tt := range []struct {
		line string
		want Reply
	}{
		{"null", Reply{"0", "", "k null true 127.0.0.1"}},
		{"fail", Reply{"23", "not found", "no zone"}},
		{"wrapped", Reply{"41", "out of range", "why\nmore"}},
		{"other", Reply{"25", "failure", "it broke"}},
		{"", Reply{"0", "", "k  true 127.0.0.1"}},
	} {
		if got, err := c.Do(tt.line); err != nil || got != tt.want {
			t.Errorf("Do(%q) = %+v, %v, want %+v", tt.line, got, err, tt.want)
		}
	}
	got, err := c.Do("long")
	if want := "0123456789\n(more does not fit into a reply)"; err != nil || !strings.HasSuffix(got.Text, want) || len(got.Text) < maxReply-2048 {
		t.Errorf("Do(long) = %d octets, %v, want nearly %d that end in %q", len(got.Text), err, maxReply, want)
	}
}

// hand makes frames by hand, the first with what get changes.
func (s *testServer) hand(now time.Time, change func(ctrl []entry) []entry) []byte {
	ctrl := []entry{text("_ser", "1"), text("_tim", seconds(now)), text("_exp", seconds(now.Add(lifetime)))}
	return seal(s.key, []entry{table("_ctrl", change(ctrl)...), table("_data", text("type", "null"))})
}

func with(key, v string) func([]entry) []entry {
	return func(ctrl []entry) []entry { return append(ctrl, text(key, v)) }
}

func without(key string) func([]entry) []entry {
	return func(ctrl []entry) []entry {
		return slices.DeleteFunc(ctrl, func(e entry) bool { return e.key == key })
	}
}

// What is wrong is logged in BIND's words, and closed without one.
func TestRefusedMessages(t *testing.T) {
	now := time.Now()
	forms := map[string]func(s *testServer) [][]byte{
		"bad auth":    func(s *testServer) [][]byte { f := capturedMessage(t); f[len(f)-1] ^= 1; return [][]byte{f} },
		"unknown ver": func(s *testServer) [][]byte { f := capturedMessage(t); f[7] = 2; return [][]byte{f} },
		"clock skew":  func(s *testServer) [][]byte { return [][]byte{capturedMessage(t)} },
		"clock skew ": func(s *testServer) [][]byte {
			return [][]byte{s.hand(now.Add((skew+30)*time.Second), without(""))}
		},
		"expired": func(s *testServer) [][]byte {
			return [][]byte{s.hand(now, with("_exp", seconds(now.Add(-time.Minute))))}
		},
		"duplicate": func(s *testServer) [][]byte { f := s.hand(now, without("")); return [][]byte{f, f} },
		"failure":   func(s *testServer) [][]byte { return [][]byte{s.hand(now, with("_rpl", "1"))} },
		"failure ":  func(s *testServer) [][]byte { return [][]byte{s.hand(now, without("_tim"))} },
		"failure  ": func(s *testServer) [][]byte { return [][]byte{s.hand(now, without("_ser"))} },
		"failure   ": func(s *testServer) [][]byte {
			return [][]byte{seal(s.key, []entry{table("_ctrl", text("_ser", "1"), text("_tim", seconds(now)))})}
		},
		"failure    ": func(s *testServer) [][]byte { return [][]byte{seal(s.key, nil)} },
		"bad auth ": func(s *testServer) [][]byte { // the second without a nonce
			return [][]byte{s.hand(now, without("")), s.hand(now, with("_ser", "2"))}
		},
		"bad auth  ": func(s *testServer) [][]byte {
			return [][]byte{s.hand(now, without("")), s.hand(now, func(c []entry) []entry { return append(with("_ser", "2")(c), text("_nonce", "0")) })}
		},
		"out of range":  func(s *testServer) [][]byte { return [][]byte{{0, 0, 0x80, 1}} },
		"out of range ": func(s *testServer) [][]byte { return [][]byte{{0, 0, 0, 0}} },
		"unexpected end of input": func(s *testServer) [][]byte {
			return [][]byte{{0, 0, 0, 2, 0, 1}}
		},
	}
	for reason, frames := range forms {
		t.Run(reason, func(t *testing.T) {
			s := newTestServer(t, func(context.Context, Request) (string, error) {
				t.Error("the command is run")
				return "", nil
			}, nil)
			got := s.raw(frames(s)...)
			s.log.wait(t, "invalid command from 127.0.0.1#")
			s.log.wait(t, strings.TrimSpace(reason))
			if len(frames(s)) == 1 && got != "" {
				t.Errorf("it is told %q, want nothing", got)
			}
		})
	}
}

// A message without _exp is fine, and one that was recorded is refused in other
// connections too.
func TestReplay(t *testing.T) {
	s := newTestServer(t, echo, nil)
	f := s.hand(time.Now(), without("_exp"))
	c, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(f)
	if n, err := c.Read(make([]byte, 512)); n == 0 {
		t.Fatalf("the first has no reply: %v", err)
	}
	if got := s.raw(f); got != "" {
		t.Errorf("the second has a reply: %q", got)
	}
	s.log.wait(t, "duplicate")
}

func TestReplaysAreBounded(t *testing.T) {
	var r replays
	now := time.Now()
	for i := range 2 * maxReplays {
		r.note(fmt.Sprint(i), now)
	}
	if len(r.seen) > maxReplays || len(r.order) > maxReplays {
		t.Errorf("%d are remembered, want %d at most", len(r.seen), maxReplays)
	}
	if !r.note(fmt.Sprint(2*maxReplays-1), now) || r.note("new", now.Add(2*replayWindow)) || len(r.seen) != 1 {
		t.Errorf("%d are remembered after the window, want 1", len(r.seen))
	}
}

func TestWrongKeyIsClosed(t *testing.T) {
	s := newTestServer(t, echo, nil)
	_, err := s.dial(newKey(t, "hmac-sha256", "AAAA"))
	if !errors.Is(err, ErrClosed) {
		t.Errorf("dial with another key: %v, want %v", err, ErrClosed)
	}
	s.log.wait(t, "bad auth")
}

// Who has no key does not fill the log, and how often he came is told.
func TestRefusalsAreBounded(t *testing.T) {
	var r refusals
	now, told := time.Now(), 0
	for range 1000 {
		if untold, ok := r.mayTell(now); ok && untold == 0 {
			told++
		}
	}
	untold, ok := r.mayTell(now.Add(refusalEvery))
	if told != refusalBurst || !ok || untold != 1000-refusalBurst {
		t.Errorf("%d of 1000 lines at once, then %d left out, %v; want %d, %d, true", told, untold, ok, refusalBurst, 1000-refusalBurst)
	}

	s := newTestServer(t, echo, func(c *Channel) { c.Allow = func(netip.Addr) bool { return false } })
	began := time.Now()
	for range 100 {
		_, _ = s.dial(s.key)
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	most := refusalBurst + int(time.Since(began)/refusalEvery) + 1
	if n := strings.Count(s.log.text.String(), "rejected command channel message"); n == 0 || n > most {
		t.Errorf("%d lines about 100 connections, want %d at most", n, most)
	}
}

func TestAllow(t *testing.T) {
	s := newTestServer(t, echo, func(c *Channel) { c.Allow = func(a netip.Addr) bool { return a != netip.MustParseAddr("127.0.0.1") } })
	if _, err := s.dial(s.key); !errors.Is(err, ErrClosed) {
		t.Errorf("dial from an address that is not allowed: %v, want %v", err, ErrClosed)
	}
	s.log.wait(t, "rejected command channel message from 127.0.0.1#")
}
