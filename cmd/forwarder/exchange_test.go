package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// exchange returns the reply to the packet, or none.
func exchange(packet []byte, server netip.AddrPort, p probe, wait time.Duration) reply {
	conn, err := dial(server, p, wait)
	if err != nil {
		return reply{}
	}
	defer conn.Close()
	start := time.Now() // not before: a full listen queue costs a second
	_ = conn.SetDeadline(start.Add(wait))
	if p.tcp {
		packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	}
	if _, err := conn.Write(packet); err != nil {
		return reply{}
	}
	r := newReply(receive(conn, p.tcp))
	r.took = time.Since(start)
	return r
}

func dial(server netip.AddrPort, p probe, wait time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: wait}
	if p.tcp {
		if p.source.IsValid() {
			dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.source, 0))
		}
		return dialer.Dial("tcp", server.String())
	}
	if p.source.IsValid() {
		dialer.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.source, 0))
	}
	return dialer.Dial("udp", server.String())
}

// receive returns one message, or nil.
func receive(conn net.Conn, tcp bool) []byte {
	buf := make([]byte, dns.MaxMsgSize)
	if !tcp {
		n, err := conn.Read(buf)
		if err != nil {
			return nil
		}
		return buf[:n]
	}
	if _, err := io.ReadFull(conn, buf[:2]); err != nil {
		return nil
	}
	buf = buf[:binary.BigEndian.Uint16(buf)]
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil
	}
	return buf
}
