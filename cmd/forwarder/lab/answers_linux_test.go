package lab

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestAnswers(t *testing.T) {
	begun := time.Now()
	var all Answers
	for i := range 100 {
		a := Answer{Sent: begun.Add(time.Duration(i) * time.Second), Took: time.Duration(100-i) * time.Millisecond}
		if i != 50 {
			a.Address = netip.MustParseAddr("192.0.2.1")
		}
		all = append(all, a)
	}
	if got := all.Percent(); got != 99 {
		t.Errorf("Percent() = %v, want 99", got)
	}
	if got := (Answers{}).Percent(); got != 100 {
		t.Errorf("Percent() of none = %v, want 100", got)
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := all.Quantile(p); got != want*time.Millisecond {
			t.Errorf("Quantile(%v) = %v, want %v ms", p, got, int(want))
		}
	}
	if got := len(all.Between(begun.Add(10*time.Second), begun.Add(20*time.Second))); got != 10 {
		t.Errorf("Between(10 s, 20 s) = %d answers, want 10", got)
	}
}

func TestFill(t *testing.T) {
	reply := new(dns.Msg).SetQuestion("www.example.", dns.TypeA).SetEdns0(1232, false)
	cname, err := dns.NewRR("www.example. 300 IN CNAME a.example.")
	if err != nil {
		t.Fatal(err)
	}
	address, err := dns.NewRR("a.example. 7 IN A 192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	reply.Rcode, reply.Answer = dns.RcodeNameError, []dns.RR{cname, address}
	reply.IsEdns0().Option = append(reply.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: 22})
	got := Answer{Rcode: -1, EDE: -1}
	got.fill(reply)
	want := Answer{Rcode: dns.RcodeNameError, EDE: 22, Address: netip.MustParseAddr("192.0.2.1"), TTL: 7 * time.Second}
	if got != want {
		t.Errorf("fill() = %+v, want %+v", got, want)
	}
}
