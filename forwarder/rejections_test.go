package forwarder

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// A reply has its query's opcode, whatever else is wrong.
func TestSignedOtherOpcode(t *testing.T) {
	const dso = 6
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Opcode: dso}}
	m.SetTsig("key.", dns.HmacSHA256, 300, 0)
	reply, _ := unserved(t).newAsker().ask(packed(m), testAsker(false))
	if got := unpacked(t, reply); got.Opcode != dso || got.Rcode != dns.RcodeNotAuth {
		t.Errorf("reply = opcode %d, %s, want %d, NOTAUTH", got.Opcode, dns.RcodeToString[got.Rcode], dso)
	}
}

// What is no query gets no reply where that would be answered again.
func TestChatteringPorts(t *testing.T) {
	s := unserved(t)
	sound := hits()[0].query
	garbage := []byte("!\"#$%&'()*+,-./0123456789")
	tests := []struct {
		name string
		port uint16
		tcp  bool
		msg  []byte
		want outcome
	}{
		{"echo", 7, false, garbage, dropped},
		{"chargen", 19, false, garbage, dropped},
		{"kpasswd", 464, false, garbage, dropped},
		{"chargen over TCP", 19, true, garbage, replied},
		{"DNS", 53, false, garbage, replied},
		{"query from chargen", 19, false, sound, replied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := testAsker(tt.tcp)
			c.addr = netip.AddrPortFrom(testClient.Addr(), tt.port)
			if reply, what := s.newAsker().ask(tt.msg, c); what != tt.want || (len(reply) > 0) != (what == replied) {
				t.Errorf("serve(%q) = %x, %v, want %v", tt.msg, reply, what, tt.want)
			}
		})
	}
}
