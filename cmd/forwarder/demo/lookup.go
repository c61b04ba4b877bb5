package demo

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// lookup is a question and what came of it.
type lookup struct {
	from        place
	name        string
	asked, came time.Time

	address string // "": it failed
	ttl     uint32 // seconds
	rcode   int
	ede     *dns.EDNS0_EDE // nil: none came
	heard   bool           // there was a reply
	cut     bool           // the demo ended before
}

func (l *lookup) took() time.Duration { return l.came.Sub(l.asked) }

// place is where a question is asked.
type place int

const (
	atClient place = iota // behind corporate DNS
	atA
	atB
	places
)

// stubWaits is for how long a stub resolver waits by default (resolv.conf(5)).
const stubWaits = 5 * time.Second

// ask asks a server over UDP, once, as a stub resolver does.
func ask(ctx context.Context, server netip.AddrPort, name string) lookup {
	l := lookup{name: name, asked: time.Now()}
	reply, err := exchange(ctx, server, name)
	l.came = time.Now()
	if err != nil {
		l.cut = ctx.Err() != nil
		return l
	}
	l.heard, l.rcode = true, reply.Rcode
	for _, rr := range reply.Answer {
		if a, ok := rr.(*dns.A); ok {
			l.address, l.ttl = a.A.String(), a.Hdr.Ttl
		}
	}
	l.ede = extendedError(reply)
	return l
}

func exchange(ctx context.Context, server netip.AddrPort, name string) (*dns.Msg, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetDeadline(time.Now().Add(stubWaits)); err != nil {
		return nil, err
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA).SetEdns0(1232, false)
	conn := &dns.Conn{Conn: c}
	if err := conn.WriteMsg(question); err != nil {
		return nil, err
	}
	for {
		reply, err := conn.ReadMsg()
		if err == nil && reply.Id == question.Id {
			return reply, nil
		}
		var network net.Error
		if errors.As(err, &network) {
			return nil, err
		}
	}
}

func extendedError(reply *dns.Msg) *dns.EDNS0_EDE {
	opt := reply.IsEdns0()
	if opt == nil {
		return nil
	}
	for _, o := range opt.Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok {
			return ede
		}
	}
	return nil
}
