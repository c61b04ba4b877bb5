package vpcresolver

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/testdata"
)

const domain = ".awslab.mycompany.corp."

func newResolver(t *testing.T, caching bool) *Resolver {
	t.Helper()
	r, err := New(testdata.Zone, caching)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// recorder is a client that is called, not sent to.
type recorder struct {
	dns.ResponseWriter
	client net.Addr
	reply  *dns.Msg
	raw    []byte
}

func (w *recorder) RemoteAddr() net.Addr             { return w.client }
func (w *recorder) WriteMsg(m *dns.Msg) error        { w.reply = m; return nil }
func (w *recorder) Write(packed []byte) (int, error) { w.raw = packed; return len(packed), nil }

func udpAddr(text string) *net.UDPAddr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

var udpClient = &net.UDPAddr{IP: net.IPv4(10, 79, 1, 10), Port: 4242}

func query(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, qtype).SetEdns0(1232, false)
}

func exchange(r *Resolver, q *dns.Msg) *dns.Msg {
	w := &recorder{client: udpClient}
	r.ServeDNS(w, q)
	return w.reply
}

func types(rrs []dns.RR) string {
	var names []string
	for _, rr := range rrs {
		names = append(names, dns.TypeToString[rr.Header().Rrtype])
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestAnswers(t *testing.T) {
	r := newResolver(t, false)
	tests := []struct {
		name              string
		qtype             uint16
		rcode             int
		answer, authority string
	}{
		{name: "myservice" + domain, qtype: dns.TypeA, rcode: dns.RcodeSuccess, answer: "A"},
		{name: "MYSERVICE.AwsLab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, answer: "A"},
		{name: "www" + domain, qtype: dns.TypeA, rcode: dns.RcodeSuccess, answer: "A CNAME CNAME"},
		{name: "www" + domain, qtype: dns.TypeCNAME, rcode: dns.RcodeSuccess, answer: "CNAME"},
		{name: "hop8" + domain, qtype: dns.TypeA, rcode: dns.RcodeSuccess, answer: "A CNAME CNAME CNAME CNAME CNAME CNAME CNAME CNAME"},
		{name: "outside" + domain, qtype: dns.TypeAAAA, rcode: dns.RcodeSuccess, answer: "AAAA CNAME"},
		{name: "dangling" + domain, qtype: dns.TypeA, rcode: dns.RcodeNameError, answer: "CNAME", authority: "SOA"},
		{name: "portal" + domain, qtype: dns.TypeAAAA, rcode: dns.RcodeSuccess, answer: "CNAME", authority: "SOA"},
		{name: "stable" + domain, qtype: dns.TypeMX, rcode: dns.RcodeSuccess, authority: "SOA"},
		{name: "nothing" + domain, qtype: dns.TypeA, rcode: dns.RcodeNameError, authority: "SOA"},
		{name: "x.y.wild" + domain, qtype: dns.TypeA, rcode: dns.RcodeSuccess, answer: "A"},
		{name: "named.wild" + domain, qtype: dns.TypeTXT, rcode: dns.RcodeSuccess, authority: "SOA"},
		{name: "x.named.wild" + domain, qtype: dns.TypeA, rcode: dns.RcodeNameError, authority: "SOA"},
		{name: "ent.wild" + domain, qtype: dns.TypeA, rcode: dns.RcodeSuccess, authority: "SOA"},
		{name: "x.dname" + domain, qtype: dns.TypeA, rcode: dns.RcodeSuccess, answer: "A CNAME DNAME"},
		{name: "mail" + domain, qtype: dns.TypeANY, rcode: dns.RcodeSuccess, answer: "A MX MX"},
		{name: ".", qtype: dns.TypeNS, rcode: dns.RcodeSuccess, answer: "NS NS"},
		{name: "nosuchtld.", qtype: dns.TypeA, rcode: dns.RcodeNameError, authority: "SOA"},
	}
	for _, test := range tests {
		reply := exchange(r, query(test.name, test.qtype))
		if reply.Rcode != test.rcode || types(reply.Answer) != test.answer || types(reply.Ns) != test.authority {
			t.Errorf("%s %s = rcode %d, answer %q, authority %q, want %d, %q, %q", test.name, dns.TypeToString[test.qtype],
				reply.Rcode, types(reply.Answer), types(reply.Ns), test.rcode, test.answer, test.authority)
		}
		for _, rr := range reply.Answer {
			if strings.HasPrefix(rr.Header().Name, "*") {
				t.Errorf("%s: the answer shows the wildcard: %v", test.name, rr)
			}
		}
	}
}

func TestAdditionalAddresses(t *testing.T) {
	r := newResolver(t, false)
	q := new(dns.Msg).SetQuestion("mail"+domain, dns.TypeMX)
	if got, want := types(exchange(r, q).Extra), "A A AAAA"; got != want {
		t.Errorf("additional section of the MX answer = %q, want %q", got, want)
	}
}

func TestDSIsOfTheZoneAbove(t *testing.T) {
	r := newResolver(t, false)
	for qtype, want := range map[uint16]string{dns.TypeDS: "awslab.mycompany.corp.", dns.TypeTXT: "soa-long.awslab.mycompany.corp."} {
		reply := exchange(r, query("soa-long.awslab.mycompany.corp.", qtype))
		if got := reply.Ns[0].Header().Name; got != want {
			t.Errorf("type %d: SOA of %s, want %s", qtype, got, want)
		}
	}
}

func TestSignaturesOnlyWhenAsked(t *testing.T) {
	r := newResolver(t, false)
	for do, want := range map[bool]string{false: "A", true: "A RRSIG"} {
		q := new(dns.Msg).SetQuestion("signed"+domain, dns.TypeA).SetEdns0(1232, do)
		if got := types(exchange(r, q).Answer); got != want {
			t.Errorf("DO=%v: answer %q, want %q", do, got, want)
		}
	}
}

func TestTTLsCountDownOnlyWithCaching(t *testing.T) {
	for _, caching := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { testCountdown(t, caching) })
	}
}

func testCountdown(t *testing.T, caching bool) {
	r := newResolver(t, caching)
	name := "myservice" + domain
	ask := func() (ttl uint32, address string) {
		a := exchange(r, query(name, dns.TypeA)).Answer[0].(*dns.A)
		return a.Hdr.Ttl, a.A.String()
	}
	ask()
	if err := r.Set(name + " 10 IN A 10.79.252.14"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3500 * time.Millisecond)
	wantTTL, wantAddress := uint32(10), "10.79.252.14"
	if caching {
		wantTTL, wantAddress = 7, "10.79.252.13"
	}
	if ttl, address := ask(); ttl != wantTTL || address != wantAddress {
		t.Errorf("caching %v: after 3.5 s: %s with TTL %d, want %s with TTL %d", caching, address, ttl, wantAddress, wantTTL)
	}
	time.Sleep(6500 * time.Millisecond)
	if ttl, address := ask(); ttl != 10 || address != "10.79.252.14" {
		t.Errorf("caching %v: after 10 s: %s with TTL %d, want the new address with TTL 10", caching, address, ttl)
	}
}

func TestFlushCache(t *testing.T) {
	r := newResolver(t, true)
	q := query("myservice"+domain, dns.TypeA)
	exchange(r, q)
	if err := r.Set("myservice" + domain + " 10 IN A 10.79.252.14"); err != nil {
		t.Fatal(err)
	}
	r.FlushCache()
	if got := exchange(r, q).Answer[0].(*dns.A).A.String(); got != "10.79.252.14" {
		t.Errorf("after FlushCache: %s, want 10.79.252.14", got)
	}
}

func TestFaults(t *testing.T) {
	const name = "stable" + domain
	tests := []struct {
		title  string
		faults Faults
		broken func(reply *dns.Msg) bool
	}{
		{"drop", Faults{Drop: 1}, func(m *dns.Msg) bool { return m == nil }},
		{"rcode", Faults{Rcode: dns.RcodeServerFailure}, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeServerFailure && len(m.Answer) == 0 }},
		{"truncated", Faults{Truncated: true}, func(m *dns.Msg) bool { return m.Truncated && len(m.Answer) == 0 && m.IsEdns0() != nil }},
		{"no EDNS", Faults{NoEDNS: true}, func(m *dns.Msg) bool { return m.Rcode == dns.RcodeFormatError && m.IsEdns0() == nil }},
		{"no OPT", Faults{NoOPT: true}, func(m *dns.Msg) bool { return m.IsEdns0() == nil && len(m.Answer) == 1 }},
		{"no RA", Faults{NoRA: true}, func(m *dns.Msg) bool { return !m.RecursionAvailable }},
		{"empty", Faults{Empty: true}, func(m *dns.Msg) bool { return m.Rcode == 0 && len(m.Answer)+len(m.Ns) == 0 }},
		{"referral", Faults{Referral: true}, func(m *dns.Msg) bool { return len(m.Answer) == 0 && types(m.Ns) == "NS NS NS NS" }},
		{"wrong ID", Faults{WrongID: true}, func(m *dns.Msg) bool { return m.Id == 43 }},
		{"wrong name", Faults{WrongName: true}, func(m *dns.Msg) bool { return m.Question[0].Name != name }},
		{"no question", Faults{NoQuestion: true}, func(m *dns.Msg) bool { return len(m.Question) == 0 }},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			r := newResolver(t, false)
			r.SetFaults("awslab.mycompany.corp", test.faults)
			q := query(name, dns.TypeA)
			q.Id = 42
			if reply := exchange(r, q); !test.broken(reply) {
				t.Errorf("the reply is not as the fault has it:\n%v", reply)
			}
			if reply := exchange(r, query("www.example.com.", dns.TypeA)); len(reply.Answer) != 1 {
				t.Errorf("a name elsewhere suffers too:\n%v", reply)
			}
			if got := r.Queries(name); got != 1 {
				t.Errorf("Queries = %d, want 1", got)
			}
		})
	}
}

func TestCutAnswerDoesNotParse(t *testing.T) {
	r := newResolver(t, false)
	r.SetFaults(".", Faults{Cut: true})
	w := &recorder{client: udpClient}
	r.ServeDNS(w, new(dns.Msg).SetQuestion("pair"+domain, dns.TypeA))
	if err := new(dns.Msg).Unpack(w.raw); err == nil {
		t.Errorf("Unpack of a cut answer of %d octets = nil, want an error", len(w.raw))
	}
}

func TestNegativeWithoutSOA(t *testing.T) {
	r := newResolver(t, false)
	r.SetFaults("awslab.mycompany.corp.", Faults{NoSOA: true})
	reply := exchange(r, query("nothing"+domain, dns.TypeA))
	if reply.Rcode != dns.RcodeNameError || len(reply.Ns) != 0 {
		t.Errorf("reply = %v, want NXDOMAIN without SOA", reply)
	}
}

func TestPacketsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, false)
		r.SetFaults(".", Faults{PPS: 100})
		for second := range 3 {
			answered := 0
			for range 150 {
				if exchange(r, query("stable"+domain, dns.TypeA)) != nil {
					answered++
				}
			}
			if answered != 100 {
				t.Errorf("second %d: %d answered, want 100", second, answered)
			}
			time.Sleep(time.Second)
		}
		if got := r.Total(); got != 450 {
			t.Errorf("Total = %d, want 450", got)
		}
	})
}

func TestListen(t *testing.T) {
	r := newResolver(t, false)
	addr, err := r.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	q := query("bigtext"+domain, dns.TypeTXT)
	over := map[string]*dns.Msg{}
	for _, transport := range []string{"udp", "tcp"} {
		reply, _, err := (&dns.Client{Net: transport}).Exchange(q, addr.String())
		if err != nil {
			t.Fatalf("%s: %v", transport, err)
		}
		over[transport] = reply
	}
	if m := over["udp"]; !m.Truncated || len(m.Answer) != 0 {
		t.Errorf("over UDP: TC %v and %d records, want TC and none", m.Truncated, len(m.Answer))
	}
	if m := over["tcp"]; m.Truncated || len(m.Answer) != 60 {
		t.Errorf("over TCP: TC %v and %d records, want all 60", m.Truncated, len(m.Answer))
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

func TestCloseGivesDelayedAnswersUp(t *testing.T) {
	r := newResolver(t, false)
	r.SetFaults(".", Faults{Delay: time.Hour})
	addr, err := r.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dns.Dial("udp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.WriteMsg(query("stable"+domain, dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	for r.Total() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

func TestBadZone(t *testing.T) {
	for _, zonefile := range []string{"stable 10 IN A not-an-address\n", "www 10 IN CNAME a b\n"} {
		if _, err := New(zonefile, false); err == nil {
			t.Errorf("New(%q) = nil, want an error", zonefile)
		}
	}
	r := newResolver(t, false)
	if err := r.Set("stable 10 IN A nonsense"); err == nil {
		t.Error("Set of a bad record = nil, want an error")
	}
}
