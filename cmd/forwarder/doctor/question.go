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
)

// udpTry is how long one question over UDP may take, and tcpTry one over TCP.
const (
	udpTry = time.Second
	tcpTry = 3 * time.Second
)

// tries over UDP: a lost packet is no finding.
const tries = 3

var errEcho = errors.New("it sends our own question back")

// ask asks over "udp" or "tcp", and returns the shortest of some round trips.
func ask(ctx context.Context, s sourced, network string, m *dns.Msg) (reply *dns.Msg, rtt time.Duration, err error) {
	wait, times := udpTry, tries
	if network == "tcp" {
		wait, times = tcpTry, 1
	}
	for range times {
		answer, took, failed := once(ctx, s, network, m, wait)
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

func once(ctx context.Context, s sourced, network string, m *dns.Msg, wait time.Duration) (*dns.Msg, time.Duration, error) {
	client := &dns.Client{Net: network, Timeout: wait, UDPSize: dns.MaxMsgSize, Dialer: &net.Dialer{Timeout: wait, LocalAddr: localAddr(network, s.from)}}
	reply, took, err := client.ExchangeContext(ctx, m, s.server.String())
	if err == nil && !reply.Response {
		return nil, took, errEcho
	}
	return reply, took, err
}

// localAddr is where a socket is to be bound, nil for any.
func localAddr(network string, from netip.AddrPort) net.Addr {
	switch {
	case !from.IsValid():
		return nil
	case network == "tcp":
		return net.TCPAddrFromAddrPort(from)
	}
	return net.UDPAddrFromAddrPort(from)
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
		return "the source address is no address of this host"
	}
	return err.Error()
}
