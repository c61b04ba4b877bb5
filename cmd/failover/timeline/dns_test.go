package timeline

import (
	"context"
	"net"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Answers are read through chains, over TCP where they are cut off; failures are told.
func TestDNS(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Skip("the port is in use over TCP")
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r := new(dns.Msg).SetReply(q)
		_, overUDP := w.RemoteAddr().(*net.UDPAddr)
		switch q.Question[0].Name {
		case "chain.test.":
			r.Answer = records(t, "chain.test. 30 CNAME a.test.", "a.test. 7 A 192.0.2.1", "a.test. 5 A 192.0.2.2")
		case "cut.test.":
			if r.Truncated = overUDP; !overUDP {
				r.Answer = records(t, "cut.test. 9 A 192.0.2.3")
			}
		case "none.test.":
			r.Rcode = dns.RcodeNameError
		default:
			r.Rcode = dns.RcodeServerFailure
		}
		_ = w.WriteMsg(r)
	})
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
		started := make(chan bool)
		s.NotifyStartedFunc = func() { close(started) }
		go s.ActivateAndServe()
		<-started
		t.Cleanup(func() { s.Shutdown() })
	}
	server := netip.MustParseAddrPort(udp.LocalAddr().String())
	for name, want := range map[string]Answer{
		"chain.test": {Data: []string{"192.0.2.1", "192.0.2.2"}, TTL: 5},
		"cut.test":   {Data: []string{"192.0.2.3"}, TTL: 9},
		"none.test":  {},
		"bad.test":   {Err: "SERVFAIL"},
	} {
		got := DNS(server, name, dns.TypeA)(context.Background())
		want.Asked, want.At = got.Asked, got.At
		if !reflect.DeepEqual(got, want) {
			t.Errorf("DNS(%s) = %+v, want %+v", name, got, want)
		}
	}
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(dead.LocalAddr().String())
	if got := DNS(addr, "a.test", dns.TypeA)(context.Background()); got.Err != "timed out" {
		t.Errorf("DNS of a silent server = %+v", got)
	}
	dead.Close()
	if got := DNS(addr, "a.test", dns.TypeA)(context.Background()); got.Err != "connection refused" {
		t.Errorf("DNS where no server is = %+v", got)
	}
}

func records(t *testing.T, lines ...string) (rrs []dns.RR) {
	t.Helper()
	for _, s := range lines {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	return rrs
}

// An answer that our own end cuts off is no failure of the server's.
func TestObserveEnds(t *testing.T) {
	line := New(Spec{Name: "app.example", Type: "A", New: []string{"10.0.0.2"}}, time.Now(), nil)
	l := line.AddLane("a", Forwarder)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(50*time.Millisecond))
	defer cancel()
	line.Observe(ctx, l, func(one context.Context) Answer {
		end, _ := one.Deadline()
		for time.Now().Before(end) { // as a socket does, which is quicker than a timer
		}
		return Answer{At: time.Now(), Err: "timed out"}
	})
	if l.Asked != 0 {
		t.Errorf("%d answers were counted: %v", l.Asked, l.Counts)
	}
}
