package rndc

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// conn is one connection: a nonce, then commands one after the other.
type conn struct {
	listener *listener
	net      net.Conn
	peer     netip.AddrPort
	nonce    uint32 // 0 until the first message
	head     [4]byte

	mu        sync.Mutex
	busy      bool // a request is being answered
	finishing bool
}

// skew is how far the clocks of both sides may differ, as in BIND.
const skew = 300 // seconds

var (
	errFailure   = errors.New(Failure.String())
	errSkew      = errors.New("clock skew")
	errExpired   = errors.New("expired")
	errDuplicate = errors.New("duplicate")
)

func (c *conn) serve() {
	defer c.net.Close()
	if c.net.SetDeadline(time.Now().Add(authTimeout)) != nil {
		return
	}
	for {
		err := c.answer()
		if err == nil && c.done() {
			continue
		}
		if err != nil && !isQuiet(err) {
			c.listener.server.refused(slog.LevelError, fmt.Sprintf("invalid command from %s: %v", hostport(c.peer), err))
		}
		return
	}
}

// isQuiet reports whether an error is how connections end: rndc's close, ours,
// a deadline.
func isQuiet(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, errRejected)
}

var errRejected = errors.New("rejected")

// answer reads one request and replies to it.
func (c *conn) answer() error {
	m, key, err := c.read()
	if err != nil {
		return err
	}
	if !c.begin() {
		return net.ErrClosed
	}
	first := c.nonce == 0
	ctrl, line, err := c.check(m)
	if err != nil {
		return err
	}
	data := []entry{text("type", line), text("result", number(uint32(Success)))}
	if !first {
		data = c.run(key, line)
	}
	return c.reply(key, ctrl, data)
}

// read returns the entries of the next message, and the key that has signed it.
func (c *conn) read() ([]entry, *Key, error) {
	s := c.listener.server
	room := s.frames.Get().(*[maxRequest]byte)
	defer s.frames.Put(room)
	frame, err := readFrame(c.net, &c.head, maxRequest, func(n int) []byte { return room[:n] })
	if err != nil {
		return nil, nil, err
	}
	if !c.listener.allows(c.peer) { // any more
		s.refused(slog.LevelWarn, "rejected command channel message from "+hostport(c.peer))
		return nil, nil, errRejected
	}
	return open(frame, c.listener.channel.Load().Keys)
}

// check looks at a signed message as BIND does, in BIND's order, and returns its
// _ctrl and its command.
func (c *conn) check(m []entry) (ctrl []entry, line string, err error) {
	ctrl, ok := tableOf(m, "_ctrl")
	_, isReply := get(ctrl, "_rpl")
	tim, timed := numberOf(ctrl, "_tim")
	ser, serial := numberOf(ctrl, "_ser")
	if !ok || isReply || !timed {
		return nil, "", errFailure
	}
	now := c.listener.server.now()
	if err := checkTimes(ctrl, int64(tim), now.Unix()); err != nil {
		return nil, "", err
	}
	if c.listener.server.replays.note(identity(ctrl, ser, tim), now) {
		return nil, "", errDuplicate
	}
	if !serial {
		return nil, "", errFailure
	}
	if err := c.checkNonce(ctrl); err != nil {
		return nil, "", err
	}
	data, _ := tableOf(m, "_data")
	if line, ok = textOf(data, "type"); !ok {
		return nil, "", errFailure
	}
	return ctrl, line, nil
}

func checkTimes(ctrl []entry, tim, now int64) error {
	if tim < now-skew || tim > now+skew {
		return errSkew
	}
	if exp, ok := numberOf(ctrl, "_exp"); ok && now > int64(exp) {
		return errExpired
	}
	return nil
}

// identity is what makes a message one of its own, as in BIND.
func identity(ctrl []entry, ser, tim uint32) string {
	from, _ := textOf(ctrl, "_frm")
	to, _ := textOf(ctrl, "_to")
	return fmt.Sprintf("%q %q %d %d", from, to, ser, tim)
}

// checkNonce gives the connection its nonce with the first message, and wants it
// in every other: a message that was recorded is of no use elsewhere.
func (c *conn) checkNonce(ctrl []entry) error {
	if c.nonce == 0 {
		c.nonce = newNonce()
		c.listener.server.conns.authenticated(c)
		return nil
	}
	if n, ok := numberOf(ctrl, "_nonce"); !ok || n != c.nonce {
		return errBadAuth
	}
	return nil
}

func newNonce() uint32 {
	var b [4]byte
	for {
		rand.Read(b[:]) // never fails
		if n := binary.BigEndian.Uint32(b[:]); n != 0 {
			return n
		}
	}
}

// run has the command done, and returns the _data of the reply.
func (c *conn) run(key *Key, line string) []entry {
	l := c.listener
	said, err := l.server.o.Handler.Command(l.server.ctx, Request{
		From: c.peer, Key: key.Name, Line: line, ReadOnly: l.channel.Load().ReadOnly,
	})
	result := Success
	if err != nil {
		result, said = outcome(err, said)
	}
	data := []entry{text("type", line), text("result", number(uint32(result)))}
	if result != Success {
		data = append(data, text("err", result.String()))
	}
	if said = fit(said, len(line)); said != "" {
		data = append(data, text("text", said))
	}
	return data
}

// outcome is what rndc is told of a failure.
func outcome(err error, said string) (Result, string) {
	result, why := Failure, err.Error()
	if e := (*Error)(nil); errors.As(err, &e) {
		result, why = e.Result, e.Text
	}
	if said != "" && why != "" {
		why += "\n"
	}
	return result, why + said
}

// fit cuts a text to what rndc takes, less the rest of the reply.
func fit(s string, line int) string {
	const rest = 1024
	s = strings.TrimRight(s, "\n")
	limit := maxReply - rest - line
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	return s[:strings.LastIndexByte(s, '\n')+1] + "(more does not fit into a reply)"
}

func (c *conn) reply(key *Key, request, data []entry) error {
	now := c.listener.server.now()
	ser, _ := textOf(request, "_ser")
	ctrl := []entry{
		text("_ser", ser),
		text("_tim", seconds(now)),
		text("_exp", seconds(now.Add(lifetime))),
		text("_rpl", "1"),
		text("_nonce", number(c.nonce)),
	}
	if who, ok := textOf(request, "_frm"); ok {
		ctrl = append(ctrl, text("_to", who))
	}
	if who, ok := textOf(request, "_to"); ok {
		ctrl = append(ctrl, text("_frm", who))
	}
	if err := c.net.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.net.Write(seal(key, []entry{table("_ctrl", ctrl...), table("_data", data...)}))
	return err
}

// begin notes that a request is being answered. It returns false when the
// connection is to end.
func (c *conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = !c.finishing
	return c.busy
}

// done notes that it was, and waits for the next one; false as begin.
func (c *conn) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	return !c.finishing && c.net.SetDeadline(time.Now().Add(idleTimeout)) == nil
}

// finish ends the connection, after the reply to a request that is being
// answered.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finishing = true
	if !c.busy {
		c.net.Close()
	}
}
