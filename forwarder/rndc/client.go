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
	ctrl := []entry{text("_ser", number(c.serial)), text("_tim", seconds(now)), text("_exp", seconds(now.Add(lifetime)))}
	if c.nonce != "" {
		ctrl = append(ctrl, text("_nonce", c.nonce))
	}
	c.serial++
	if _, err := c.conn.Write(seal(c.key, []entry{table("_ctrl", ctrl...), table("_data", text("type", line))})); err != nil {
		return Reply{}, fmt.Errorf("send failed: %w", closed(err))
	}
	return c.receive()
}

func (c *Client) receive() (Reply, error) {
	var head [4]byte
	frame, err := readFrame(c.conn, &head, maxReply, func(n int) []byte { return make([]byte, n) })
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
	if c.nonce == "" {
		ctrl, _ := tableOf(m, "_ctrl")
		c.nonce, _ = textOf(ctrl, "_nonce")
	}
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

// closed is ErrClosed where the server has ended the connection.
func closed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return ErrClosed
	}
	return err
}
