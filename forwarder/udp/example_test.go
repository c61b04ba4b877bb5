package udp_test

import (
	"fmt"
	"net"
	"net/netip"

	"vpcdns/forwarder/udp"
)

// A server reads batches until its socket is closed. Here the service is an
// echo.
func Example() {
	conn, err := udp.Listen(netip.MustParseAddrPort("127.0.0.1:0"), udp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
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
	client, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	client.Write([]byte("hello"))
	reply := make([]byte, udp.MaxReply)
	n, _ := client.Read(reply)
	fmt.Printf("%s\n", reply[:n])
	// Output: hello
}
