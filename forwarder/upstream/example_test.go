package upstream_test

import (
	"fmt"
	"net"
	"net/netip"

	"vpcdns/forwarder/upstream"
)

// printer prints what comes back.
type printer struct{ done chan struct{} }

func (p printer) Answer(r *upstream.Request, msg []byte, err error) {
	fmt.Println(r.Tag, len(msg), err)
	close(p.done)
}

func (printer) Flush() {}

// nowhere is a network without servers.
func nowhere(_, _ netip.AddrPort) (upstream.Socket, error) { return nil, net.ErrClosed }

func Example() {
	server := netip.MustParseAddrPort("10.79.0.2:53")
	p := printer{make(chan struct{})}
	c, err := upstream.New(upstream.Config{
		Servers:    []upstream.Server{{Addr: server}},
		PPS:        900,
		Wait:       1e8, // 100 ms
		Dial:       nowhere,
		NewHandler: func() upstream.Handler { return p },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	c.Start(&upstream.Request{
		Question: []byte("\x07example\x00\x00\x01\x00\x01"),
		Servers:  []netip.AddrPort{server},
		Tag:      "example A",
	})
	c.Flush()
	<-p.done
	// Output: example A 0 server unreachable
}
