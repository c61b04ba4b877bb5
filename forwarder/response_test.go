package forwarder

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// A cached answer that is too large for UDP is cut before it is written: the
// buffer stays as small as the reply.
func TestReplyCutsBeforeItWrites(t *testing.T) {
	var msg wire.Message
	m, q := new(dns.Msg), new(dns.Msg)
	m.SetQuestion("big.example.", dns.TypeTXT)
	m.Response = true
	for i := range 200 {
		m.Answer = append(m.Answer, &dns.TXT{
			Hdr: dns.RR_Header{Name: "big.example.", Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60},
			Txt: []string{fmt.Sprintf("%0200d", i)},
		})
	}
	m.Compress = true
	if !msg.Parse(packed(m)) {
		t.Fatal("Parse = false, want true")
	}
	kept, _ := msg.AppendAnswer(nil, wire.TTLPolicy{Max: 60})
	q.SetQuestion("big.example.", dns.TypeTXT)

	tests := []struct {
		name       string
		edns       uint16
		tcp        bool
		most, room int // octets of the reply, and of its buffer
	}{
		{name: "UDP", most: 512, room: 1024},
		{name: "UDP with EDNS", edns: 1232, most: 1232, room: 1024}, // no records at all
		{name: "TCP", tcp: true, most: 65535, room: 1 << 17},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, testConfig(), func(t *testing.T, r *replay) {
				q := q.Copy()
				if test.edns > 0 {
					q.SetEdns0(test.edns, false)
				}
				a := r.s.newAsker()
				a.begin()
				a.q.client = testAsker(test.tcp)
				a.q.Parse(packed(q))
				reply := a.reply(nil, &a.q, wire.Answer(kept), wire.Aging{}, ede{})
				got := new(dns.Msg)
				if err := got.Unpack(reply); err != nil {
					t.Fatalf("Unpack(%x) = %v", reply, err)
				}
				if got.Truncated == test.tcp || len(reply) > test.most || cap(reply) > test.room {
					t.Errorf("reply: TC %v, %d octets in a buffer of %d, want TC %v, %d and %d at most",
						got.Truncated, len(reply), cap(reply), !test.tcp, test.most, test.room)
				}
				if all := 200; test.tcp && len(got.Answer) != all {
					t.Errorf("reply: %d records, want %d", len(got.Answer), all)
				}
			})
		})
	}
}
