package forwarder

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/udp"
)

// What was read before the sockets are handed over is answered, what arrives
// after is not read.
func TestHandOver(t *testing.T) {
	const wait = 250 * time.Millisecond
	tests := []struct {
		name   string
		answer time.Duration // of upstream, after HandOver
		rcode  int
		after  time.Duration // that the client gets its reply
	}{
		{name: "upstream answers", answer: 100 * time.Millisecond, rcode: dns.RcodeSuccess, after: 100 * time.Millisecond},
		{name: "upstream is slow", answer: time.Second, rcode: dns.RcodeServerFailure, after: wait},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := serveVirtual(t, testConfig())
				r.net.ask(testClient, testServer, false, queryFor(7, "hold.example.", dns.TypeA))
				synctest.Wait()
				q := r.net.take(netip.Addr{})
				r.s.HandOver(wait)
				synctest.Wait()
				r.net.ask(testClient, testServer, false, queryFor(8, "www.example.", dns.TypeA))
				time.AfterFunc(test.answer, func() { q.answer(answerTo(q.msg, 60, "10.0.0.9")) })
				began := time.Now()
				<-r.done
				// waiters.drain looks every 10 ms.
				if took := time.Since(began); took < test.after || took > test.after+10*time.Millisecond {
					t.Errorf("Serve returned after %v, want %v", took, test.after)
				}
				got := r.net.got()
				if len(got) != 1 || got[0].msg[1] != 7 || int(got[0].msg[3]&15) != test.rcode {
					t.Errorf("got %d replies %v, want one to query 7 with %s", len(got), got, dns.RcodeToString[test.rcode])
				}
				time.Sleep(2 * time.Second) // the late answer
			})
		})
	}
}

// One reader's socket can be read by another once it has stopped.
func TestStopReading(t *testing.T) {
	c, err := udp.Listen(netip.MustParseAddrPort("127.0.0.1:0"), udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ended := make(chan error, 1)
	go func() {
		ended <- c.Serve(udp.NewIn(), func() bool { return true })
	}()
	c.StopReading()
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Serve = %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

// Once the sockets are another process's, neither a reload nor an interface ends
// them.
func TestChangesAfterHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveVirtual(t, testConfig())
		r.net.ask(testClient, testServer, false, queryFor(7, "hold.example.", dns.TypeA))
		synctest.Wait()
		r.s.HandOver(time.Second)
		synctest.Wait()
		cfg := testConfig()
		cfg.Listen[0].Port = 5353
		if err := r.s.Reload(cfg); !errors.Is(err, errStopped) {
			t.Errorf("Reload = %v, want %v", err, errStopped)
		}
		r.net.change(envOf("10.79.9.9/24"))
		r.s.readInterfaces()
		if r.net.udp[testServer].shut() {
			t.Error("the socket has ended")
		}
		r.stop()
	})
}

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
			held := sockets(t, next.Server)
			closeAll(held)
			if got := len(held) - 1; got != test.want {
				t.Errorf("%d sockets are read, want %d", got, test.want)
			}
			for _, c := range clients {
				if err := readReply(c); err != nil {
					t.Fatalf("a query that waited: %v", err)
				}
			}
			closeAll(files)
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
	t.Cleanup(func() { closeAll(files) })
	return files
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
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
