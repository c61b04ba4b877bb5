package udp

import (
	"bytes"
	"net/netip"
	"testing"
)

var (
	client = netip.MustParseAddrPort("192.0.2.1:1053")
	other  = netip.MustParseAddrPort("[2001:db8::1]:1053")
)

// serve echoes datagrams until c is closed, those that start with '-' never.
func serve(c Conn) error {
	in, out := NewIn(), NewOut()
	return c.Serve(in, func() bool {
		for i := range in.Len() {
			echo(in, out, i)
		}
		c.WriteBatch(out) // Serve has the same error
		return true
	})
}

// readBatch is a Serve that ends with the first batch.
func readBatch(c Conn, in *In) (int, error) {
	err := c.Serve(in, func() bool { return false })
	return in.Len(), err
}

func echo(in *In, out *Out, i int) {
	if data := in.Data(i); len(data) == 0 || data[0] != '-' {
		out.Add(append(out.Room(), data...), in.Peer(i))
	}
}

func TestInTruncates(t *testing.T) {
	in := NewIn()
	in.Put(bytes.Repeat([]byte("x"), MaxQuery), PeerOf(client))
	in.Put(bytes.Repeat([]byte("x"), MaxQuery+1), PeerOf(client))
	for i := range 2 {
		if got := len(in.Data(i)); got != MaxQuery {
			t.Errorf("datagram %d has %d bytes, want %d", i, got, MaxQuery)
		}
	}
}
