package rndc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// serveRaw answers each connection to an address of its own by h, until the test ends.
func serveRaw(t *testing.T, h func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); h(c) }()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// frame reads a frame with its length.
func frame(r io.Reader) ([]byte, error) {
	var head [4]byte
	body, err := readFrame(r, &head, maxReply, func(n int) []byte { return make([]byte, n) })
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...), err
}

// Who has the server's address and not its key has what clients send there, and may have
// recorded what servers said to others. Neither is a reply.
func TestReplayedReplies(t *testing.T) {
	s := newTestServer(t, echo, nil)
	var recorded [][]byte
	relay := serveRaw(t, func(c net.Conn) {
		to, err := net.Dial("tcp", s.addr.String())
		if err != nil {
			return
		}
		defer to.Close()
		for {
			request, err := frame(c)
			if err != nil {
				return
			}
			_, _ = to.Write(request)
			reply, err := frame(to)
			if err != nil {
				return
			}
			recorded = append(recorded, reply)
			_, _ = c.Write(reply)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := Dial(ctx, relay, netip.Addr{}, s.key)
	if err != nil {
		t.Fatalf("through a relay: %v", err)
	}
	if r, err := c.Do("status"); err != nil || r.Result != "0" {
		t.Fatalf("status through a relay = %+v, %v", r, err)
	}
	c.Close()
	for name, reply := range map[string]func(n int, request []byte) []byte{
		"own message":        func(_ int, request []byte) []byte { return request },
		"recorded":           func(n int, _ []byte) []byte { return recorded[n] },
		"recorded, the last": func(int, []byte) []byte { return recorded[1] },
	} {
		c, err := Dial(ctx, serveRaw(t, func(c net.Conn) {
			for n := range recorded {
				request, err := frame(c)
				if err != nil {
					return
				}
				_, _ = c.Write(reply(n, request))
			}
		}), netip.Addr{}, s.key)
		if err == nil {
			c.Close()
		}
		if !errors.Is(err, errNoReply) {
			t.Errorf("%s: Dial = %v, want %v", name, err, errNoReply)
		}
	}
}

// A reply of this connection is one to the message that was sent, and no other.
func TestReplyOfAnotherMessage(t *testing.T) {
	s := newTestServer(t, echo, nil)
	c := s.connect()
	ours, theirs := net.Pipe()
	defer ours.Close()
	for name, change := range map[string]func([]entry) []entry{
		"as it is":       func(e []entry) []entry { return e },
		"another serial": with("_ser", number(c.serial+7)),
		"no serial":      without("_ser"),
		"no reply":       without("_rpl"),
		"another nonce":  with("_nonce", "1"),
		"no nonce":       without("_nonce"),
	} {
		ctrl := change([]entry{text("_ser", number(c.serial)), text("_rpl", "1"), text("_nonce", c.nonce)})
		go func() {
			if _, err := frame(theirs); err == nil {
				_, _ = theirs.Write(seal(s.key, []entry{table("_ctrl", ctrl...), table("_data", text("result", "0"))}))
			}
		}()
		_, err := (&Client{conn: ours, key: s.key, serial: c.serial, nonce: c.nonce, now: time.Now}).Do("status")
		if want := name != "as it is"; errors.Is(err, errNoReply) != want || !want && err != nil {
			t.Errorf("%s: Do = %v", name, err)
		}
	}
}

// Who has not shown the key gets no room for a megabyte.
func TestUnsignedReplyIsSmall(t *testing.T) {
	addr := serveRaw(t, func(c net.Conn) {
		if _, err := frame(c); err == nil {
			_, _ = c.Write(append([]byte{0, 0, 0x80, 1}, bytes.Repeat([]byte{0}, maxRequest+1)...))
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := Dial(ctx, addr, netip.Addr{}, newKey(t, "hmac-sha256", capturedSecret)); !errors.Is(err, errRange) {
		t.Errorf("Dial to who sends %d octets first = %v, want %v", maxRequest+1, err, errRange)
	}
}

// A client that is told to end waits for no server.
func TestDialIsCancelled(t *testing.T) {
	silent := make(chan struct{})
	defer close(silent)
	ctx, cancel := context.WithCancel(context.Background())
	addr := serveRaw(t, func(c net.Conn) {
		if _, err := frame(c); err == nil {
			cancel()
			<-silent
		}
	})
	if _, err := Dial(ctx, addr, netip.Addr{}, newKey(t, "hmac-sha256", capturedSecret)); err == nil {
		t.Error("Dial of a silent server succeeded")
	}
}
