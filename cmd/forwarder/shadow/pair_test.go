package shadow

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// answers make a server of a function that fills in the reply to its n-th question,
// from 1 on; false is silence.
type answers func(n int, m *dns.Msg) bool

// serve runs it on loopback, over UDP and TCP.
func (f answers) serve(t *testing.T) *Remote {
	t.Helper()
	var n atomic.Int64
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		if f(int(n.Add(1)), m) {
			w.WriteMsg(m)
		}
	})
	packets, stream := listen(t)
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		running.Go(func() { s.ActivateAndServe() })
		<-started
		t.Cleanup(func() { s.Shutdown() })
	}
	return &Remote{Addr: netip.MustParseAddrPort(packets.LocalAddr().String())}
}

// listen returns sockets of one port: one that is free for UDP may be taken for TCP.
func listen(t *testing.T) (packets net.PacketConn, stream net.Listener) {
	t.Helper()
	for range 100 {
		var err error
		if packets, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if stream, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, stream
		}
		packets.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

// says answers with records, always.
func says(records ...string) answers {
	return func(_ int, m *dns.Msg) bool { return put(m, records...) }
}

func put(m *dns.Msg, records ...string) bool {
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return true
}

// rcodes gives each question the code of its number, the last one for ever.
func rcodes(list ...int) answers {
	return func(n int, m *dns.Msg) bool {
		m.Rcode = list[min(n, len(list))-1]
		return true
	}
}

// bogusUnless fails unless CD is set, as a server that validates does.
func bogusUnless(records ...string) answers {
	return func(_ int, m *dns.Msg) bool {
		if !m.CheckingDisabled {
			m.Rcode = dns.RcodeServerFailure
			return true
		}
		return put(m, records...)
	}
}

// changing gives the n-th question the n-th address.
func changing(first int) answers {
	return func(n int, m *dns.Msg) bool {
		return put(m, "a.test. 60 A "+netip.AddrFrom4([4]byte{10, 0, byte(first), byte(n)}).String())
	}
}

// truncated cuts what comes over UDP; it cannot tell, so it does so every other time.
func truncated(n int, m *dns.Msg) bool {
	if n%2 == 1 {
		m.Truncated = true
		return true
	}
	return put(m, one)
}

func flagged(set func(*dns.Msg)) answers {
	return func(_ int, m *dns.Msg) bool { set(m); return put(m, one) }
}

func refusedFor20(_ int, m *dns.Msg) bool {
	m.Rcode = dns.RcodeRefused
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNotAuthoritative}}
	return true
}

const (
	one   = "a.test. 60 A 10.0.0.1"
	two   = "a.test. 60 A 10.0.0.2"
	three = "a.test. 60 A 10.0.0.3"
)

func TestCompare(t *testing.T) {
	nxdomain, servfail, refused := rcodes(dns.RcodeNameError), rcodes(dns.RcodeServerFailure), rcodes(dns.RcodeRefused)
	tests := []struct {
		name                  string
		named, ours, upstream answers
		question              Question
		want                  string // kinds, with what is known of them
		notice                bool
	}{
		{name: "the same in another order", named: says(one, two), ours: says(two, one)},
		{name: "letter case", named: says(one), ours: says("A.Test. 60 A 10.0.0.1")},
		{name: "a shorter TTL", named: says(one), ours: says("a.test. 50 A 10.0.0.1")},
		{name: "truncated", named: truncated, ours: says(one)},
		{name: "a failure that passes", named: says(one), ours: func(n int, m *dns.Msg) bool {
			m.Rcode = min(n, 2) % 2 * dns.RcodeServerFailure
			return n == 1 || put(m, one)
		}},
		{name: "letter case of a text", named: says(`a.test. 60 TXT "x"`), ours: says(`a.test. 60 TXT "X"`), want: "records"},
		{name: "another address", named: says(one), ours: says(two), want: "records"},
		{name: "one record less", named: says(one, two), ours: says(two), want: "records"},
		{name: "a failure", named: says(one), ours: servfail, want: "rcode"},
		{name: "no such name", named: says(one), ours: nxdomain, upstream: says(one), want: "rcode"},
		{name: "a longer TTL", named: says(one), ours: says("a.test. 70 A 10.0.0.1"), want: "TTL"},
		{name: "a longer TTL than upstream's", named: says(one), ours: says("a.test. 70 A 10.0.0.1"), upstream: says(one), want: "TTL"},
		{name: "AA", named: says(one), ours: flagged(func(m *dns.Msg) { m.Authoritative = true }), want: "flags"},
		{name: "no RA", named: says(one), ours: flagged(func(m *dns.Msg) { m.RecursionAvailable = false }), want: "flags"},
		{name: "no AD", named: flagged(func(m *dns.Msg) { m.AuthenticatedData = true }), ours: says(one), want: "flags (AD is never set)"},
		{name: "AD of ours", ours: flagged(func(m *dns.Msg) { m.AuthenticatedData = true }), named: says(one), want: "flags"},
		{name: "named says what upstream says", named: says(one), ours: says(two), upstream: says(one), want: "records"},
		{name: "named is older", named: says(one), ours: says(two), upstream: says(two), want: "records (named's answer is older)"},
		{name: "the name is gone by now", named: says(one), ours: nxdomain, upstream: nxdomain, want: "rcode (named's answer is older)"},
		{name: "upstream varies", named: says(one), ours: says(two), upstream: changing(3), want: "records (upstream says something else)"},
		{name: "upstream says a third thing, steadily", named: says(one), ours: says(two), upstream: says(three), want: "records"},
		{name: "TTL of upstream", named: says(one), ours: says("a.test. 90 A 10.0.0.1"), upstream: says("a.test. 90 A 10.0.0.1"), want: "TTL (upstream's TTL)"},
		{name: "bogus", named: bogusUnless(one), ours: says(one), want: "rcode (DNSSEC is not validated)"},
		{name: "named fails", named: servfail, ours: says(one), want: "rcode"},
		{name: "no forwarders", named: says(one), ours: refusedFor20, want: "rcode (nothing recurses)", notice: true},
		{name: "refused without that reason", named: says(one), ours: refused, want: "rcode"},
		{name: "this host may not ask", named: refused, ours: says(one), want: "rcode (this host may not ask named)"},
		{name: "RD=0", named: says(one), ours: refused, question: Question{Name: "a.test.", Type: dns.TypeA, Class: dns.ClassINET, NoRecursion: true}, want: "rcode (RD=0)"},
		{name: "ANY", named: says(one), ours: says(two), question: Question{Name: "a.test.", Type: dns.TypeANY, Class: dns.ClassINET}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := Pair{Named: test.named.serve(t), Ours: test.ours.serve(t), Again: 50 * time.Millisecond}
			if test.upstream != nil {
				third := test.upstream.serve(t)
				p.Upstream = func(string) Server { return third }
			}
			q := test.question
			if q.Name == "" {
				q, _ = newQuestion("a.test", dns.TypeA)
			}
			r, err := p.Compare(t.Context(), q, func(context.Context) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			got, notice := kinds(r.Differences)
			if !fits(got, test.want) || notice != test.notice {
				t.Errorf("the difference is %q, noticed %v, want %q, %v\n%v", got, notice, test.want, test.notice, r.Differences)
			}
		})
	}
}

func kinds(list []Difference) (text string, notice bool) {
	for _, d := range list {
		text += d.Kind
		if d.Known != "" {
			text += " (" + d.Known + ")"
		}
		notice = notice || d.ClientNotice
	}
	return text, notice
}

// fits compares a kind, and how its reason begins.
func fits(got, want string) bool {
	kind, reason, known := strings.Cut(want, " (")
	if !known {
		return got == want
	}
	return strings.HasPrefix(got, kind+" ("+strings.TrimSuffix(reason, ")"))
}

// Both are asked at the same moment, and a slow one ends with its context.
func TestCompareEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	silent := answers(func(int, *dns.Msg) bool { stop(); return false })
	p := Pair{Named: silent.serve(t), Ours: says(one).serve(t)}
	q, _ := newQuestion("a.test", dns.TypeA)
	begun := time.Now()
	if _, err := p.Compare(ctx, q, func(context.Context) error { return nil }); err == nil {
		t.Error("Compare = nil, want that it was ended")
	}
	if took := time.Since(begun); took > udpWait-time.Second {
		t.Errorf("it took %v after its end", took)
	}
}

// A query from where we asked is our own, and no other is.
func TestAsked(t *testing.T) {
	var from atomic.Value
	r := says(one).serve(t)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	r.Addr = netip.MustParseAddrPort(packets.LocalAddr().String())
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asking.Go(func() { ask(ctx, r, Question{Name: "a.", Type: 1, Class: 1}) })
	defer asking.Wait()
	defer stop()
	_, addr, err := packets.ReadFrom(make([]byte, 512))
	if err != nil {
		t.Fatal(err)
	}
	from.Store(addr)
	client := netip.MustParseAddrPort(addr.String())
	if !r.Asked(client) || r.Asked(netip.AddrPortFrom(client.Addr(), client.Port()^1)) {
		t.Errorf("Asked does not tell %v from others", client)
	}
}
