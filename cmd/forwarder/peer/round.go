package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxAsked are the questions of a round at most, each a datagram.
	maxAsked = 100

	// roundTime is how long their answers are waited for: a round is each second.
	roundTime = 900 * time.Millisecond

	// maxRead bounds what is read in a round: somebody may send more than was asked for.
	maxRead = 4 * maxAsked

	// udpSize is what passes every network unfragmented (DNS flag day 2020).
	udpSize = 1232
)

// key tells sets apart.
type key struct {
	name  string
	rtype uint16
}

// reply is an answer to one of them, after that time.
type reply struct {
	key
	answer
	took time.Duration // over UDP, else 0
}

// round asks a server all at once, from an address if it is valid, and returns what comes
// back in time. The error says why nothing did, if that is known. What is too long for
// UDP is asked for over TCP, which takes as long again at most.
func round(ctx context.Context, from netip.Addr, to netip.AddrPort, keys []key) ([]reply, error) {
	replies, err := exchange(ctx, "udp", from, to, keys)
	long := keysOf(replies, cut)
	if len(long) == 0 {
		return replies, err
	}
	whole, _ := exchange(ctx, "tcp", from, to, long)
	return preferWhole(replies, whole), err
}

// preferWhole leaves out what came whole too. What is cut only tells that there is a server.
func preferWhole(replies, whole []reply) []reply {
	replies = slices.DeleteFunc(replies, func(r reply) bool {
		return r.kind == cut && slices.ContainsFunc(whole, func(w reply) bool { return w.key == r.key })
	})
	for _, w := range whole {
		w.took = 0
		replies = append(replies, w)
	}
	return replies
}

// keysOf returns the questions that were answered so.
func keysOf(replies []reply, k kind) (list []key) {
	for i := range replies {
		if replies[i].kind == k {
			list = append(list, replies[i].key)
		}
	}
	return list
}

func exchange(ctx context.Context, network string, from netip.Addr, to netip.AddrPort, keys []key) ([]reply, error) {
	begun := time.Now()
	conn, err := dial(ctx, network, from, to)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	a := asking{conn: &dns.Conn{Conn: conn, UDPSize: udpSize}, waiting: make(map[uint16]key), begun: begun}
	conn.SetDeadline(a.begun.Add(roundTime))
	for _, k := range keys {
		a.ask(k)
	}
	for range maxRead {
		if len(a.waiting) == 0 || !a.read() {
			break
		}
	}
	return a.replies, a.fault
}

// dial opens a socket of its own, and so a port that nobody can know before.
func dial(ctx context.Context, network string, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: roundTime}
	if from.IsValid() && network == "tcp" {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	} else if from.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, network, to.String())
}

// asking is an exchange under way.
type asking struct {
	conn    *dns.Conn
	begun   time.Time
	waiting map[uint16]key // by ID
	replies []reply
	fault   error
}

func (a *asking) ask(k key) {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(k.name), k.rtype)
	for _, taken := a.waiting[m.Id]; taken; _, taken = a.waiting[m.Id] {
		m.Id = dns.Id()
	}
	m.RecursionDesired = false
	m.SetEdns0(udpSize, false)
	if err := a.conn.WriteMsg(m); err != nil {
		a.note(err)
		return
	}
	a.waiting[m.Id] = k
}

// read takes a message, and reports whether there may be more. What is no answer to a
// question of ours, by its ID too, does not count.
func (a *asking) read() bool {
	m, err := a.conn.ReadMsg()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
		return false
	case err != nil:
		a.note(err)
		_, packets := a.conn.Conn.(net.PacketConn)
		return packets // a stream has ended, or one does not know where the next begins
	}
	k, ok := a.waiting[m.Id]
	if !ok || !m.Response || m.Opcode != dns.OpcodeQuery || !k.isOf(m.Question) {
		return true
	}
	delete(a.waiting, m.Id)
	a.replies = append(a.replies, reply{k, read(m, k.rtype), time.Since(a.begun)})
	return true
}

func (k key) isOf(list []dns.Question) bool {
	return len(list) == 1 && strings.EqualFold(list[0].Name, dns.Fqdn(k.name)) && list[0].Qtype == k.rtype && list[0].Qclass == dns.ClassINET
}

// note keeps what the system said of the server, or the way there.
func (a *asking) note(err error) {
	var number syscall.Errno
	if errors.As(err, &number) {
		a.fault = number
	}
}
