package faults

import (
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
)

// oddServer is one at the upstream's other address that does what it likes with
// queries.
type oddServer struct {
	*lab.Network

	mu    sync.Mutex
	asked map[string]int // queries by name, over UDP and TCP
}

func newOddServer(n *lab.Network) *oddServer {
	return &oddServer{Network: n, asked: map[string]int{}}
}

func (o *oddServer) count(query *dns.Msg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[query.Question[0].Name]++
}

// most returns the most queries for one name, since the last call.
func (o *oddServer) most() float64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	most := 0
	for _, n := range o.asked {
		most = max(most, n)
	}
	clear(o.asked)
	return float64(most)
}

// overUDP answers each query with what f returns.
func (o *oddServer) overUDP(t *testing.T, f func(query *dns.Msg) (packets [][]byte)) {
	t.Helper()
	serveAlso(t, o.Network, &dns.Server{Net: "udp", Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		for _, packet := range f(query) {
			_, _ = w.Write(packet)
		}
	})})
}

// overTCP hands each connection to f, and closes it afterwards.
func (o *oddServer) overTCP(t *testing.T, f func(*dns.Conn)) {
	t.Helper()
	var listener net.Listener
	var err error
	o.Resolver.Do(t, func() { listener, err = net.Listen("tcp", lab.ResolverAlso+":53") })
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				f(&dns.Conn{Conn: conn})
			})
		}
	})
	t.Cleanup(func() { listener.Close() }) // connections end with the server
}

// inTurn answers each query of a connection before it reads the next one.
func inTurn(answer func(query *dns.Msg) []byte) func(*dns.Conn) {
	return func(conn *dns.Conn) {
		for {
			query, err := conn.ReadMsg()
			if err != nil {
				return
			}
			if _, err := conn.Write(answer(query)); err != nil {
				return
			}
		}
	}
}

// sound returns a good answer, with an address.
func sound(query *dns.Msg) *dns.Msg {
	reply := new(dns.Msg).SetReply(query)
	reply.RecursionAvailable = true
	header := dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 3600}
	reply.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(10, 79, 6, 13)}}
	if opt := query.IsEdns0(); opt != nil {
		reply.SetEdns0(udpSize, opt.Do())
	}
	return reply
}

// udpSize is what good answers say that queries may be.
const udpSize = 4096

func packed(m *dns.Msg) []byte {
	packet, err := m.Pack()
	if err != nil {
		panic(err) // no message of a test
	}
	return packet
}

// truncated returns an answer that says that it does not fit.
func truncated(query *dns.Msg) []byte {
	reply := sound(query)
	reply.Truncated, reply.Answer = true, nil
	return packed(reply)
}

// withID returns the packet with another ID.
func withID(packet []byte, id uint16) []byte {
	packet = slices.Clone(packet)
	binary.BigEndian.PutUint16(packet, id)
	return packet
}
