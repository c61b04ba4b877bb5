package forwarder

import (
	"errors"
	"net/netip"
	"os"
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
