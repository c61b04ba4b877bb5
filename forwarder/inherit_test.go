package forwarder

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// Queries that arrive between two servers are answered by the second one,
// whatever the numbers of their workers.
func TestInherit(t *testing.T) {
	for _, test := range []struct{ former, workers, want int }{
		{former: 1, workers: 1, want: 1}, {former: 1, workers: 3, want: 3}, {former: 3, workers: 3, want: 3}, {former: 3, workers: 1, want: 3},
	} {
		t.Run(fmt.Sprintf("%d then %d", test.former, test.workers), func(t *testing.T) {
			cfg, n := loopback(t)
			former := run(t, cfg, Options{Workers: test.former}, n)
			files := sockets(t, former.Server)
			if len(files) != test.former+1 {
				t.Fatalf("Sockets = %d files, want %d", len(files), test.former+1)
			}
			addr := former.Addrs()[0].String()
			former.HandOver(time.Second)
			former.stop()

			var clients []net.Conn
			for i := range 60 {
				clients = append(clients, askHesiod(t, []string{"udp", "tcp"}[i%2], addr))
			}
			next := run(t, cfg, Options{Workers: test.workers, Inherited: files}, n)
			if got := len(next.listeners.byWish[next.Addrs()[0]].udp); got != test.want {
				t.Errorf("%d sockets are read, want %d", got, test.want)
			}
			for _, c := range clients {
				if err := readReply(c); err != nil {
					t.Fatalf("a query that waited: %v", err)
				}
			}
			closeFiles(files)
			next.stop()
			if _, err := net.Dial("tcp", addr); err == nil {
				t.Errorf("Dial(%s) = nil after all holders have closed it, want an error", addr)
			}
		})
	}
}

// What was inherited and is not wanted ends for everybody, and junk is left
// alone.
func TestInheritUnwanted(t *testing.T) {
	cfg, n := loopback(t)
	former := run(t, cfg, Options{Workers: 2}, n)
	files := sockets(t, former.Server)
	old := former.Addrs()[0]
	former.HandOver(time.Second)
	former.stop()

	junk, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer junk.Close()
	other, _ := loopback(t)
	next := run(t, other, Options{Workers: 2, Inherited: append(files, junk)}, n)
	if _, err := net.Dial("tcp", old.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial(%v) = %v, want %v although the sockets are open here", old, err, syscall.ECONNREFUSED)
	}
	if got := next.Addrs(); len(got) != 1 || got[0] == old {
		t.Errorf("Addrs = %v, want another one than %v", got, old)
	}
}

// A Mem is no socket: there is nothing to hand over.
func TestSocketsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, testConfig())
		if _, err := r.s.Sockets(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Sockets = %v, want %v", err, errors.ErrUnsupported)
		}
		r.stop()
	})
}

func sockets(t *testing.T, s *Server) []*os.File {
	t.Helper()
	files, err := s.Sockets()
	if err != nil {
		t.Fatalf("Sockets = %v", err)
	}
	t.Cleanup(func() { closeFiles(files) })
	return files
}

// askHesiod asks what needs no upstream.
func askHesiod(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	q := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	q.Question[0].Qclass = dns.ClassHESIOD
	if err := (&dns.Conn{Conn: c}).WriteMsg(q); err != nil {
		t.Fatal(err)
	}
	return c
}

func readReply(c net.Conn) error {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, err := (&dns.Conn{Conn: c}).ReadMsg()
	return err
}
