package peer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// serve runs a DNS server over UDP at an address until the end of the test.
func serve(t *testing.T, address string, handle func(reply *dns.Msg) *dns.Msg) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Skipf("listening: %v", err)
	}
	serveOn(t, &dns.Server{PacketConn: conn}, handle)
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func serveOn(t *testing.T, s *dns.Server, handle func(reply *dns.Msg) *dns.Msg) {
	t.Helper()
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + " 7 IN A 10.0.0.1")
		m.Answer = []dns.RR{rr}
		if q.RecursionDesired {
			t.Errorf("%v wants recursion", q)
		}
		if m = handle(m); m != nil {
			_ = w.WriteMsg(m)
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		_ = s.Shutdown()
		<-ended
	})
}

// A reply counts only with our ID and question. All come in one round, over IPv6 too.
func TestRound(t *testing.T) {
	keys := make([]key, maxAsked)
	for i := range keys {
		keys[i] = key{string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".corp.test", dns.TypeA}
	}
	for name, test := range map[string]struct {
		address string
		handle  func(m *dns.Msg) *dns.Msg
		want    int
	}{
		"good":           {"127.0.0.1:0", func(m *dns.Msg) *dns.Msg { return m }, maxAsked},
		"IPv6":           {"[::1]:0", func(m *dns.Msg) *dns.Msg { return m }, maxAsked},
		"wrong ID":       {"127.0.0.1:0", func(m *dns.Msg) *dns.Msg { m.Id ^= 1 << 15; return m }, 0},
		"wrong question": {"127.0.0.1:0", func(m *dns.Msg) *dns.Msg { m.Question[0].Name = "x.corp.test."; return m }, 0},
		"no question":    {"127.0.0.1:0", func(m *dns.Msg) *dns.Msg { m.Question = nil; return m }, 0},
		"a query":        {"127.0.0.1:0", func(m *dns.Msg) *dns.Msg { m.Response = false; return m }, 0},
		"silent":         {"127.0.0.1:0", func(*dns.Msg) *dns.Msg { return nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := serve(t, test.address, test.handle)
			got := 0
			for range 20 { // a busy machine may lose some of a hundred at once
				replies, err := round(t.Context(), netip.Addr{}, addr, keys)
				if err != nil {
					t.Fatal(err)
				}
				got = len(replies)
				for _, r := range replies {
					if r.kind != data || r.end != "10.0.0.1" || r.ttl != 7 {
						t.Fatalf("%v = %+v", r.key, r.answer)
					}
				}
				if got == test.want {
					break
				}
			}
			if got != test.want {
				t.Errorf("%d replies count, want %d", got, test.want)
			}
		})
	}
}

// What is too long for a datagram is asked for again over TCP, and only that. Without TCP
// it is not had whole.
func TestRoundOverTCP(t *testing.T) {
	long, short := key{"long.corp.test", dns.TypeA}, key{"short.corp.test", dns.TypeA}
	const records = 300
	handle := func(isTCP bool) func(m *dns.Msg) *dns.Msg {
		return func(m *dns.Msg) *dns.Msg {
			switch isLong := m.Question[0].Name == "long.corp.test."; {
			case isLong && !isTCP:
				m.Truncated, m.Answer = true, nil
			case isLong:
				m.Answer = nil
				for i := range records {
					rr, _ := dns.NewRR(fmt.Sprintf("long.corp.test. 9 IN A 10.0.%d.%d", i/256, i%256))
					m.Answer = append(m.Answer, rr)
				}
			case isTCP:
				t.Error("what UDP gave whole is asked for over TCP")
			}
			return m
		}
	}
	addr := serve(t, "127.0.0.1:0", handle(false))
	find := func(k key) (last answer) {
		t.Helper()
		for range 20 { // a busy machine may lose one
			replies, err := round(t.Context(), netip.Addr{}, addr, []key{long, short})
			if err != nil {
				t.Fatal(err)
			}
			if len(replies) > 2 {
				t.Errorf("%d replies to 2 questions", len(replies))
			}
			for _, r := range replies {
				if r.key == k {
					last = r.answer
				}
			}
			if last.kind != unknown {
				return last
			}
		}
		return last
	}
	if got := find(long); got.kind != cut {
		t.Errorf("without TCP it is %+v, want cut", got)
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Skipf("the port is taken for TCP: %v", err)
	}
	serveOn(t, &dns.Server{Listener: l}, handle(true))
	if got := find(long); got.kind != data || got.data[maxData] != fmt.Sprintf("and %d more", records-maxData) || got.ttl != 9 {
		t.Errorf("over TCP it is %+v, want %d records", got, records)
	}
	if got := find(short); got.kind != data {
		t.Errorf("beside it the short one is %+v", got)
	}
}

// That nobody listens is known from ICMP, and a round ends with its context.
func TestRoundFails(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	if replies, _ := round(ctx, netip.Addr{}, addr, []key{alive}); len(replies) > 0 || time.Since(begun) > roundTime {
		t.Errorf("a round that was ended took %v", time.Since(begun))
	}
	conn.Close()
	if _, err := round(t.Context(), netip.Addr{}, addr, []key{alive}); err == nil || err.Error() != "connection refused" {
		t.Errorf("asking a closed port: %v, want connection refused", err)
	}
}

// Data that does not parse, and more of it than was asked for, ends a round in its time.
func TestRoundOfJunk(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		_, from, err := conn.ReadFrom(buf)
		for i := 0; err == nil && i < 10*maxRead; i++ {
			_, err = conn.WriteTo([]byte("junk that is no message"), from)
		}
	}()
	if replies, err := round(t.Context(), netip.Addr{}, conn.LocalAddr().(*net.UDPAddr).AddrPort(), []key{alive}); len(replies) > 0 || err != nil && err.Error() != "connection refused" {
		t.Errorf("junk is %v, %v", replies, err)
	}
}
