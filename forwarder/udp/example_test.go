package udp_test

import (
	"fmt"
	"net/netip"

	"vpcdns/forwarder/udp"
)

// A server reads batches until its socket is closed. Here the socket is in
// memory, and the service is an echo.
func Example() {
	conn := udp.NewMem(netip.MustParseAddrPort("10.79.1.10:53"))
	go func() {
		in, out := udp.NewIn(), udp.NewOut()
		conn.Serve(in, func() bool {
			for i := range in.Len() {
				if out.Full() {
					conn.WriteBatch(out)
				}
				reply := append(out.Room(), in.Data(i)...)
				out.Add(reply, in.Peer(i))
			}
			return conn.WriteBatch(out) == nil
		})
	}()
	client := netip.MustParseAddrPort("192.168.7.7:40000")
	fmt.Printf("%s\n", conn.Exchange(client, []byte("hello")))
	conn.Close()
	// Output: hello
}
