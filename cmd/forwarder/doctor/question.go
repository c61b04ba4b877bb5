package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
)

// udpTry is how long one question over UDP may take, and tcpTry one over TCP.
const (
	udpTry = time.Second
	tcpTry = 3 * time.Second
)

// tries over UDP: a lost packet is no finding.
const tries = 3

var errEcho = errors.New("it sends our own question back")

// ask asks over "udp" or "tcp" from the source that the configuration says, and
// returns the shortest of some round trips.
func ask(ctx context.Context, cfg *config.Config, network string, server netip.AddrPort, m *dns.Msg) (reply *dns.Msg, rtt time.Duration, err error) {
	wait, times := udpTry, tries
	if network == "tcp" {
		wait, times = tcpTry, 1
	}
	for range times {
		answer, took, failed := once(ctx, cfg, network, server, m, wait)
		switch {
		case errors.Is(failed, syscall.ECONNREFUSED) || errors.Is(failed, errEcho):
			return nil, 0, failed
		case failed != nil:
			err = failed
			continue
		case reply == nil || took < rtt:
			reply, rtt = answer, took
		}
	}
	if reply != nil {
		return reply, rtt, nil
	}
	return nil, 0, err
}

func once(ctx context.Context, cfg *config.Config, network string, server netip.AddrPort, m *dns.Msg, wait time.Duration) (*dns.Msg, time.Duration, error) {
	client := &dns.Client{Net: network, Timeout: wait, UDPSize: dns.MaxMsgSize, Dialer: &net.Dialer{Timeout: wait, LocalAddr: localAddr(cfg, network, server)}}
	reply, took, err := client.ExchangeContext(ctx, m, server.String())
	if err == nil && !reply.Response {
		return nil, took, errEcho
	}
	return reply, took, err
}

// localAddr is query-source, nil for any.
func localAddr(cfg *config.Config, network string, server netip.AddrPort) net.Addr {
	source := cfg.Source4
	if server.Addr().Is6() {
		source = cfg.Source6
	}
	switch {
	case !source.IsValid() || source.Addr().IsUnspecified():
		return nil
	case network == "tcp":
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(source.Addr(), 0))
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(source.Addr(), 0))
}

// why is an error in few words.
func why(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection is closed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused (ICMP or RST): nothing serves that port"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "query-source is no address of this host"
	}
	return err.Error()
}
