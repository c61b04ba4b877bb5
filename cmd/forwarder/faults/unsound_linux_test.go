package faults

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// unsound is of two servers, of which the faster one's answers are of no use.
var unsound = scenario{name: "unsound", rows: unsoundRows(), run: runUnsound}

// distortion spoils an answer.
type distortion struct {
	name  string
	spoil func(answer *dns.Msg) []byte
}

var distortions = []distortion{
	{"cut in a record", func(m *dns.Msg) []byte { p := withoutOPT(m); return p[:len(p)-5] }},
	{"bad compression pointer", func(m *dns.Msg) []byte { return changed(m, func(a []byte) { a[0], a[1] = 0xff, 0xff }) }},
	{"address of 3 octets", shortAddress},
	{"OPT among the answers", func(m *dns.Msg) []byte { m.Answer = append(m.Answer, m.Extra...); m.Extra = nil; return packed(m) }},
	{"two OPTs", func(m *dns.Msg) []byte { m.Extra = append(m.Extra, m.Extra...); return packed(m) }},
	{"referral", referral},
	{"more records announced than there are", func(m *dns.Msg) []byte { p := packed(m); p[7] = 5; return p }},
	{"data longer than the message", func(m *dns.Msg) []byte { return changed(m, func(a []byte) { a[11] = 200 }) }},
}

func unsoundRows() (rows []row) {
	for _, d := range distortions {
		rows = append(rows, row{"the faster of two servers answers unsoundly, " + d.name + ": answered", "%", atLeast(100)})
	}
	return append(rows, row{"the same, all kinds: p50", "ms", limit{}})
}

func runUnsound(t *testing.T, s *site) figures {
	const delay, length = 20 * time.Millisecond, time.Second
	s.vpc.SetFaults(".", vpcresolver.Faults{Delay: delay})
	o := newOddServer(s.Network)
	healthy := distortion{spoil: packed} // while the server starts, which may ask
	var kind atomic.Pointer[distortion]
	spoil := func(query *dns.Msg) []byte { return kind.Load().spoil(sound(query)) }
	o.overUDP(t, func(query *dns.Msg) [][]byte { return [][]byte{spoil(query)} })
	o.overTCP(t, inTurn(spoil))
	var all lab.Answers
	var values []float64
	for i := range distortions {
		kind.Store(&healthy)
		p := s.ForwarderA.Serve(t, s.server, lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.ResolverAlso, lab.Resolver}})
		kind.Store(&distortions[i])
		answers := s.newNames(fmt.Sprintf("unsound%d-", i), 50, length).Run(t.Context(), t)
		values = append(values, answers.Percent())
		all = append(all, answers...)
		p.Kill()
	}
	return inOrder(unsoundRows(), append(values, milliseconds(all.Quantile(0.5)))...)
}

// withoutOPT packs an answer whose last record is its only address.
func withoutOPT(m *dns.Msg) []byte {
	m.Extra = nil
	return packed(m)
}

// changed packs an answer whose first record, which names its owner by a pointer,
// f changes.
func changed(m *dns.Msg, f func(record []byte)) []byte {
	m.Compress = true
	packet := packed(m)
	f(packet[addressRecord(packet):])
	return packet
}

// addressRecord returns where the first record begins.
func addressRecord(packet []byte) int {
	_, end, err := dns.UnpackDomainName(packet, 12)
	if err != nil {
		panic(err) // no message of a test
	}
	return end + 4
}

// shortAddress drops the last octet of an address, and says so.
func shortAddress(m *dns.Msg) []byte {
	const length, size = 10, 4 // of the pointer, type, class and TTL; of an address
	m.Compress = true
	packet := packed(m)
	at := addressRecord(packet)
	binary.BigEndian.PutUint16(packet[at+length:], size-1)
	return slices.Delete(packet, at+length+2+size-1, at+length+2+size)
}

// referral is the answer of a server that is not recursive.
func referral(m *dns.Msg) []byte {
	header := dns.RR_Header{Name: "awslab.mycompany.corp.", Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: 3600}
	m.Answer, m.Ns = nil, []dns.RR{&dns.NS{Hdr: header, Ns: "ns-0.awsdns-00.com."}}
	m.RecursionAvailable = false
	return packed(m)
}
