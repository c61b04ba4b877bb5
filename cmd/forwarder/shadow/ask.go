package shadow

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// Server answers questions. Ask may be called by several goroutines; an error is
// that there was no answer.
type Server interface {
	Ask(ctx context.Context, q Question) (*dns.Msg, error)
}

// InProcess is a server in this process: what Ask gives is as over TCP.
type InProcess func(ctx context.Context, m *dns.Msg) (*dns.Msg, error)

// Ask asks it.
func (f InProcess) Ask(ctx context.Context, q Question) (*dns.Msg, error) {
	return f(ctx, q.message())
}

// Remote is a server at an address, asked as a stub resolver does: over UDP from a
// new port, and over TCP what does not fit or finds no answer.
type Remote struct {
	Addr netip.AddrPort
	own  ports
}

// udpWait is longer than a named takes to say SERVFAIL, which is 10 s.
const udpWait = 11 * time.Second

// tcpWait is for what got no answer over UDP, or one that was too long.
const tcpWait = 13 * time.Second

// Ask asks it. Silence over UDP may be a lost packet, or a rate limit.
func (r *Remote) Ask(ctx context.Context, q Question) (*dns.Msg, error) {
	m := q.message()
	reply, err := r.exchange(ctx, "udp", m, udpWait)
	if errors.Is(err, syscall.ECONNREFUSED) || err == nil && !reply.Truncated {
		return reply, err
	}
	return r.exchange(ctx, "tcp", m, tcpWait)
}

func (r *Remote) exchange(ctx context.Context, network string, m *dns.Msg, wait time.Duration) (*dns.Msg, error) {
	client := &dns.Client{Net: network, Timeout: wait, UDPSize: dns.MaxMsgSize}
	conn, err := client.DialContext(ctx, r.Addr.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
	defer stop()
	r.own.add(conn.LocalAddr())
	reply, _, err := client.ExchangeWithConnContext(ctx, m, conn)
	return reply, err
}

// Asked reports whether a query from there was one of ours.
func (r *Remote) Asked(from netip.AddrPort) bool { return r.own.has(from) }

// ports are those that we asked from lately: a server's query log has our own
// questions too.
type ports struct {
	mu   sync.Mutex
	list [4096]netip.AddrPort
	next int
}

func (p *ports) add(a net.Addr) {
	addr, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list[p.next%len(p.list)] = addr
	p.next++
}

func (p *ports) has(a netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.list[:min(p.next, len(p.list))] {
		if a == b {
			return true
		}
	}
	return false
}

// Knock returns nil if a server answers at all, be it with an error.
func Knock(ctx context.Context, r *Remote) error {
	a := ask(ctx, r, Question{Name: "version.bind.", Type: dns.TypeTXT, Class: dns.ClassCHAOS})
	if a.Msg == nil {
		return errors.New(a.rcode())
	}
	return nil
}
