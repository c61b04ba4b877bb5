// Package selfcheck finds out whether a server answers: it asks it a question that
// nobody else knows, through the sockets that clients use.
package selfcheck

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Server is one that is checked.
type Server struct {
	Addrs    []netip.AddrPort // that are served, each over UDP and TCP
	Question []byte           // of NewQuestion
	UDP, TCP func() uint64    // replies so far, to anybody
}

// Check asks s over UDP and then over TCP, and returns nil when both are answered before
// ctx ends; else the error says which was not. It tries several times. A server that is
// too busy to hear the question, but answers others meanwhile, is well, and one that
// serves no address is taken at its word.
func Check(ctx context.Context, s *Server) error {
	if len(s.Addrs) == 0 {
		return nil
	}
	if err := s.check(ctx, overUDP, s.UDP); err != nil {
		return err
	}
	return s.check(ctx, overTCP, s.TCP)
}

// Wait is how long one try may take: far above any pause of a server that
// is well. Each try comes from another port, and so to any of the readers.
const Wait = 200 * time.Millisecond

// transport is a way to ask.
type transport struct {
	network  string
	source   func(netip.Addr) net.Addr
	exchange func(c net.Conn, query []byte) (reply []byte, err error)
}

var (
	overUDP = transport{
		"udp",
		func(a netip.Addr) net.Addr { return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)) },
		exchangeUDP,
	}
	overTCP = transport{
		"tcp",
		func(a netip.Addr) net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)) },
		exchangeTCP,
	}
)

// check tries one address after the other until one answers.
func (s *Server) check(ctx context.Context, by transport, replies func() uint64) error {
	before := replies()
	var err error
	for i := 0; ctx.Err() == nil; i++ {
		slot, cancel := context.WithTimeout(ctx, Wait)
		if err = s.try(slot, by, s.Addrs[i%len(s.Addrs)]); err == nil {
			cancel()
			return nil
		}
		<-slot.Done()
		cancel()
	}
	if replies() > before {
		return nil
	}
	return fmt.Errorf("checking itself over %s: %w", by.network, err)
}

// try asks at a from a itself, which access lists know.
func (s *Server) try(ctx context.Context, by transport, a netip.AddrPort) error {
	d := net.Dialer{LocalAddr: by.source(a.Addr())}
	c, err := d.DialContext(ctx, by.network, a.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	query := wire.AppendHeader(nil, 0, 0, 1, 0, 0, 0)
	rand.Read(query[:2])
	query = append(query, s.Question...)
	reply, err := by.exchange(c, query)
	if err != nil {
		return err
	}
	if len(reply) < wire.HeaderLen || !bytes.Equal(reply[:2], query[:2]) || wire.Flags(reply)&wire.QR == 0 {
		return fmt.Errorf("%v gave a reply to another question", a)
	}
	return nil
}

func exchangeUDP(c net.Conn, query []byte) ([]byte, error) {
	if _, err := c.Write(query); err != nil {
		return nil, err
	}
	reply := make([]byte, 512)
	n, err := c.Read(reply)
	return reply[:n], err
}

func exchangeTCP(c net.Conn, query []byte) ([]byte, error) {
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(c, reply)
	return reply, err
}

// NewQuestion returns a question that nobody can guess, in class CHAOS, which the
// cache never has.
func NewQuestion() []byte {
	label := make([]byte, 16)
	rand.Read(label)
	text := hex.AppendEncode(nil, label)
	q := append([]byte{byte(len(text))}, text...)
	return append(q, 0, 0, byte(dns.TypeTXT), 0, byte(wire.ClassCH))
}
