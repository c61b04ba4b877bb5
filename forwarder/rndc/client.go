package rndc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrClosed is that the server has closed the connection instead of a reply: it
// does so without a word where key, address or clock are wrong.
var ErrClosed = errors.New("connection to remote host closed")

// Client sends commands to a server, one after the other.
type Client struct {
	conn   net.Conn
	key    *Key
	serial uint32
	nonce  string // "" until the first reply
	now    func() time.Time
}

// Reply is what the server says to a command.
type Reply struct {
	Result string // its number as it came, "" if there is none
	Err    string // the words of a failure, "" is none
	Text   string
}

// Dial connects to a server, from a local address unless it is the zero one, and
// has a nonce of it. A failure to connect is an *net.OpError. What follows is to
// end before the deadline of ctx.
func Dial(ctx context.Context, server netip.AddrPort, local netip.Addr, key *Key) (*Client, error) {
	var d net.Dialer
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	conn, err := d.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // an open connection takes any
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // cancelled, it waits for nobody
	defer stop()
	c := &Client{conn: conn, key: key, serial: rand.Uint32(), now: time.Now}
	if _, err := c.Do("null"); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do sends a command and returns the reply. The error says that there was none
// that can be believed.
func (c *Client) Do(line string) (Reply, error) {
	now := c.now()
	serial := number(c.serial)
	ctrl := []entry{text("_ser", serial), text("_tim", seconds(now)), text("_exp", seconds(now.Add(lifetime)))}
	if c.nonce != "" {
		ctrl = append(ctrl, text("_nonce", c.nonce))
	}
	c.serial++
	if _, err := c.conn.Write(seal(c.key, []entry{table("_ctrl", ctrl...), table("_data", text("type", line))})); err != nil {
		return Reply{}, fmt.Errorf("send failed: %w", closed(err))
	}
	return c.receive(serial)
}

// receive reads the reply to the message with that serial.
func (c *Client) receive(serial string) (Reply, error) {
	var head [4]byte
	frame, err := readFrame(c.conn, &head, c.room(), func(n int) []byte { return make([]byte, n) })
	if errors.Is(err, errRange) {
		return Reply{}, fmt.Errorf("recv failed: %w", errRange)
	}
	if err != nil {
		return Reply{}, fmt.Errorf("recv failed: %w", closed(err))
	}
	m, _, err := open(frame, []*Key{c.key})
	if err != nil {
		return Reply{}, fmt.Errorf("parse message: %w", err)
	}
	ctrl, _ := tableOf(m, "_ctrl")
	if !c.isReply(ctrl, serial) {
		return Reply{}, fmt.Errorf("parse message: %w", errNoReply)
	}
	c.nonce, _ = textOf(ctrl, "_nonce")
	data, ok := tableOf(m, "_data")
	if !ok {
		return Reply{}, errors.New("no data section in response")
	}
	var r Reply
	r.Result, _ = textOf(data, "result")
	r.Err, _ = textOf(data, "err")
	r.Text, _ = textOf(data, "text")
	return r, nil
}

// errNoReply is that who has no key gave back what was recorded: our own message, or what
// a server once replied.
var errNoReply = errors.New("it is no reply to what was sent")

// isReply reports whether a signed message replies to the one with that serial, on this
// connection.
func (c *Client) isReply(ctrl []entry, serial string) bool {
	_, reply := get(ctrl, "_rpl")
	ser, _ := textOf(ctrl, "_ser")
	nonce, _ := textOf(ctrl, "_nonce")
	return reply && ser == serial && (c.nonce == "" || nonce == c.nonce)
}

// room is how large a reply may be: one without text, until the server has shown its key.
func (c *Client) room() uint32 {
	if c.nonce == "" {
		return maxRequest
	}
	return maxReply
}

// closed is ErrClosed where the server has ended the connection.
func closed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return ErrClosed
	}
	return err
}
