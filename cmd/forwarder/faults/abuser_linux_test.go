package faults

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"vpcdns/cmd/forwarder/lab"
)

// abuser holds a TCP connection that is of no use to anybody, and opens it
// again when the server has had enough.
type abuser struct {
	fd    int
	annoy func(fd int) error // once a second; fails when the connection is gone
}

// abuse keeps the abusers at work until stop is closed.
func abuse(abusers []*abuser, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for _, a := range abusers {
			a.act()
		}
		select {
		case <-tick.C:
		case <-stop:
			for _, a := range abusers {
				unix.Close(a.fd)
			}
			return
		}
	}
}

func (a *abuser) act() {
	if a.fd > 0 && a.annoy(a.fd) == nil {
		return
	}
	if a.fd > 0 {
		unix.Close(a.fd)
	}
	a.fd = connect()
}

// abusers returns so many that do the same.
func abusers(count int, annoy func(fd int) error) []*abuser {
	all := make([]*abuser, count)
	for i := range all {
		all[i] = &abuser{annoy: annoy}
	}
	return all
}

// connect begins to connect to the server, and returns 0 if it cannot.
func connect() int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	_ = unix.Connect(fd, &unix.SockaddrInet4{Port: 53, Addr: netip.MustParseAddr(lab.ForwarderA).As4()}) // in progress
	return fd
}

// gone is nil for what a connection does that stands, or is being made.
func gone(err error) error {
	if err == unix.EAGAIN || err == unix.ENOTCONN {
		return nil
	}
	return err
}

// stayIdle only looks whether the server has closed the connection.
func stayIdle(fd int) error {
	n, err := unix.Read(fd, make([]byte, 1))
	if n == 0 && err == nil {
		return unix.EPIPE
	}
	return gone(err)
}

// sendSlowly sends a message of 257 octets, one by one.
func sendSlowly(fd int) error {
	_, err := unix.Write(fd, []byte{1})
	return gone(err)
}

// neverRead sends as many queries with large answers as the server takes.
func neverRead(fd int) error {
	const most = 1000
	query := largeQuery()
	for range most {
		if _, err := unix.Write(fd, query); err != nil {
			return gone(err)
		}
	}
	return nil
}

// largeQuery returns a query as it goes over TCP, whose answer is large.
func largeQuery() []byte {
	query, err := new(dns.Msg).SetQuestion("bigtext.awslab.mycompany.corp.", dns.TypeTXT).Pack()
	if err != nil {
		panic(err) // it is the same always
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
}
