package timeline

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Ask asks a server once. It returns at ctx's end at the latest.
type Ask func(ctx context.Context) Answer

const (
	fastest   = 100 * time.Millisecond // while it matters
	slow      = time.Second            // once a server is steady
	perServer = 5 * time.Millisecond   // so that all servers together get 200 questions a second at most
	patience  = time.Second            // for one answer
)

// Observe asks again and again until ctx ends, and notes what comes.
func (t *Timeline) Observe(ctx context.Context, l *Lane, ask Ask) {
	next := time.Now()
	for {
		one, cancel := context.WithTimeout(ctx, patience)
		a := ask(one)
		cancel()
		if over(ctx) {
			return
		}
		t.Take(l, a)
		now := time.Now()
		next = next.Add(t.interval(l, now))
		if next.Before(now) {
			next = now
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next.Sub(now)):
		}
	}
}

// over reports whether ctx has ended. A socket's deadline, which is taken from it, may
// pass a moment before ctx says so.
func over(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(end)
}

func (t *Timeline) interval(l *Lane, now time.Time) time.Duration {
	if t.settled(l, now) {
		return slow
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(fastest, time.Duration(len(t.lanes))*perServer)
}

// DNS asks a server over UDP, and over TCP where the answer is cut off.
func DNS(server netip.AddrPort, name string, rtype uint16) Ask {
	return func(ctx context.Context) Answer {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(name), rtype)
		q.SetEdns0(1232, false)
		a := Answer{Asked: time.Now()}
		udp, tcp := dns.Client{Timeout: patience}, dns.Client{Net: "tcp", Timeout: patience}
		r, _, err := udp.ExchangeContext(ctx, q, server.String())
		if err == nil && r.Truncated {
			r, _, err = tcp.ExchangeContext(ctx, q, server.String())
		}
		a.At = time.Now()
		a.read(r, err, rtype)
		return a
	}
}

func (a *Answer) read(r *dns.Msg, err error, rtype uint16) {
	switch {
	case err != nil:
		a.Err = failure(err)
		return
	case r.Rcode != dns.RcodeSuccess && r.Rcode != dns.RcodeNameError:
		a.Err = dns.RcodeToString[r.Rcode]
		return
	}
	for _, rr := range r.Answer {
		if h := rr.Header(); h.Rrtype == rtype {
			if len(a.Data) == 0 || h.Ttl < a.TTL {
				a.TTL = h.Ttl
			}
			a.Data = append(a.Data, strings.TrimPrefix(rr.String(), h.String()))
		}
	}
}

func failure(err error) string {
	var ne net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		return "timed out"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		var call *os.SyscallError
		if errors.As(op.Err, &call) {
			return call.Err.Error()
		}
		return op.Err.Error()
	}
	return err.Error()
}
