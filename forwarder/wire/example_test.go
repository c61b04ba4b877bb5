package wire_test

import (
	"fmt"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// An answer from upstream is kept once, and given to clients with fresh TTLs.
func Example() {
	asked := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	query, _ := asked.Pack()

	answered := new(dns.Msg).SetReply(asked)
	rr, _ := dns.NewRR("www.example. 10 IN A 10.79.252.13")
	answered.Answer = []dns.RR{rr}
	response, _ := answered.Pack()

	var m wire.Message
	if !m.Parse(response) || !m.Keepable() {
		return
	}
	kept, ttl := m.AppendAnswer(nil, wire.TTLPolicy{Max: 3600})

	var q wire.Query
	if q.Parse(query) != wire.Sound {
		return
	}
	age := wire.Aging{Sub: 3} // seconds since the answer came
	reply := wire.AppendReply(nil, &q, wire.QR|wire.RD|wire.RA, wire.Answer(kept), age, new(wire.Order))

	got := new(dns.Msg)
	if err := got.Unpack(reply); err != nil {
		return
	}
	fmt.Println(ttl, got.Answer[0])
	// Output: 10 www.example.	7	IN	A	10.79.252.13
}
