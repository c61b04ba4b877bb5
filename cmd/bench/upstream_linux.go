package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"

	"vpcdns/forwarder/udp"
)

const headerLen = 12

// startUpstream answers every question on loopback, over UDP and TCP, until stop
// is called.
func startUpstream() (addr netip.AddrPort, stop func(), err error) {
	addr, err = freeAddr()
	if err != nil {
		return addr, nil, err
	}
	packets, err := udp.Listen(addr, udp.Options{NoSegment: true})
	if err != nil {
		return addr, nil, err
	}
	stream, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		packets.Close()
		return addr, nil, err
	}
	var serving sync.WaitGroup
	serving.Go(func() { serveUDP(packets) })
	serving.Go(func() { serveTCP(stream) })
	return addr, func() { packets.Close(); stream.Close(); serving.Wait() }, nil
}

// serveTCP leaves the end of connections to their clients, which end first.
func serveTCP(stream net.Listener) {
	for {
		conn, err := stream.Accept()
		if err != nil {
			return
		}
		go answerTCP(conn)
	}
}

func answerTCP(conn net.Conn) {
	defer conn.Close()
	in, message, reply := bufio.NewReader(conn), make([]byte, 1<<16), make([]byte, 0, 1024)
	for {
		if _, err := io.ReadFull(in, message[:2]); err != nil {
			return
		}
		query := message[:binary.BigEndian.Uint16(message)]
		if _, err := io.ReadFull(in, query); err != nil {
			return
		}
		reply = appendAnswer(reply[:2], query)
		if reply == nil {
			return
		}
		binary.BigEndian.PutUint16(reply, uint16(len(reply)-2))
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

func serveUDP(conn udp.Conn) {
	in, out := udp.NewIn(), udp.NewOut()
	_ = conn.Serve(in, func() bool { // until it is closed
		for i := range in.Len() {
			if out.Full() && conn.WriteBatch(out) != nil {
				return false
			}
			if reply := appendAnswer(out.Room(), in.Data(i)); reply != nil {
				out.Add(reply, in.Peer(i))
			}
		}
		return conn.WriteBatch(out) == nil
	})
}

// appendAnswer appends the answer to query: for type A an address, with a TTL
// that outlives the run, else no data. nil is for what is not a query.
func appendAnswer(dst, query []byte) []byte {
	end := questionEnd(query)
	if end == 0 {
		return nil
	}
	var addresses, opts byte
	if typeA := query[end-4] == 0 && query[end-3] == 1; typeA {
		addresses = 1
	}
	if query[11] > 0 {
		opts = 1
	}
	dst = append(dst, query[0], query[1], 0x84|query[2]&1, 0x80) // QR, AA, RD; RA
	dst = append(dst, 0, 1, 0, addresses, 0, 0, 0, opts)
	dst = append(dst, query[headerLen:end]...)
	if addresses > 0 {
		dst = append(dst, 0xc0, headerLen, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4, 10, 79, 252, 13) // TTL 86400
	}
	if opts > 0 {
		dst = append(dst, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0) // 1232 octets
	}
	return dst
}

// questionEnd returns where the only question of a query ends, or 0.
func questionEnd(query []byte) int {
	if len(query) < headerLen || query[2]&0x80 != 0 || query[4] != 0 || query[5] != 1 {
		return 0
	}
	at := headerLen
	for at < len(query) && query[at] != 0 {
		at += int(query[at]) + 1
	}
	if at+5 > len(query) {
		return 0
	}
	return at + 5
}
