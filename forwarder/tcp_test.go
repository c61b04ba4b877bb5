package forwarder

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/tcp"
)

func TestTCPPipelineOutOfOrder(t *testing.T) {
	s, upstream := serveLoopback(t)
	c := dialServer(t, s)
	pipeline := frame(queryFor(1, "hold.example.", dns.TypeA))
	for i := range 50 {
		pipeline = append(pipeline, frame(queryFor(uint16(100+i), fmt.Sprintf("n%d.example.", i), dns.TypeA))...)
	}
	c.send(pipeline)
	seen := make(map[uint16]bool)
	for range 50 {
		m := c.receive()
		if seen[m.Id] = true; m.Id == 1 || len(m.Answer) != 1 {
			t.Errorf("got reply %d with %d records before upstream answered 1, want 100 to 149 with 1", m.Id, len(m.Answer))
		}
	}
	q := upstream.awaited(t)
	q.answer(answerTo(q.msg, 60, "10.0.0.1"))
	if m := c.receive(); m.Id != 1 || len(m.Answer) != 1 || len(seen) != 50 {
		t.Errorf("got reply %d with %d records after %d others, want 1 with 1 after 50", m.Id, len(m.Answer), len(seen))
	}
}

// Each octet comes in a segment of its own.
func TestTCPSingleOctets(t *testing.T) {
	s, _ := serveLoopback(t)
	c := dialServer(t, s)
	c.SetNoDelay(true)
	for id := range uint16(3) {
		for _, b := range frame(queryFor(id, "www.example.", dns.TypeA)) {
			c.send([]byte{b})
		}
		if m := c.receive(); m.Id != id || len(m.Answer) != 1 {
			t.Errorf("got reply %d with %d records, want %d with 1", m.Id, len(m.Answer), id)
		}
	}
}

// Messages are cut anywhere, and longer than the read buffer.
func TestTCPPartialFrames(t *testing.T) {
	s, _ := serveLoopback(t)
	c := dialServer(t, s)
	m := new(dns.Msg)
	m.SetQuestion("www.example.", dns.TypeA)
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 1232}}
	opt.Option = []dns.EDNS0{&dns.EDNS0_PADDING{Padding: make([]byte, 3*tcp.ReadBuffer)}}
	m.Extra = []dns.RR{opt}
	long := frame(packed(m))
	stream := append(frame(queryFor(1, "www.example.", dns.TypeA)), long...)
	stream = append(stream, frame(queryFor(2, "www.example.", dns.TypeA))...)
	for _, part := range [][2]int{{0, 40}, {40, 5000}, {5000, len(stream) - 1}, {len(stream) - 1, len(stream)}} {
		c.send(stream[part[0]:part[1]])
		time.Sleep(time.Millisecond) // a segment of its own, mostly
	}
	for _, want := range []uint16{1, m.Id, 2} {
		if got := c.receive(); got.Id != want || len(got.Answer) != 1 {
			t.Errorf("got reply %d with %d records, want %d with 1", got.Id, len(got.Answer), want)
		}
	}
}

func TestTCPGarbageEndsConnection(t *testing.T) {
	response := frame(queryFor(1, "www.example.", dns.TypeA))
	response[4] |= 0x80
	tests := []struct {
		name string
		sent []byte
	}{
		{"length 0", []byte{0, 0}},
		{"shorter than a header", []byte{0, 5, 1, 2, 3, 4, 5}},
		{"a response", response},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, _ := serveLoopback(t)
			c := dialServer(t, s)
			c.send(append(frame(queryFor(9, "www.example.", dns.TypeA)), test.sent...))
			if _, err := readFrame(c); err == nil { // the good one before may be answered
				c.ended()
			}
		})
	}
}

func TestTCPBlackholeResets(t *testing.T) {
	s, _ := serveLoopback(t, func(c *config.Config) { c.Blackhole = acl.All() })
	c, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		return // the reset came before connect returned
	}
	defer c.Close()
	tcpClient{c.(*net.TCPConn), t}.ended()
}

// The client has said all it wants to and waits for its replies.
func TestTCPHalfClose(t *testing.T) {
	s, upstream := serveLoopback(t)
	c := dialServer(t, s)
	c.send(append(frame(queryFor(1, "hold.example.", dns.TypeA)), frame(queryFor(2, "www.example.", dns.TypeA))...))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if m := c.receive(); m.Id != 2 {
		t.Errorf("got reply %d, want 2", m.Id)
	}
	q := upstream.awaited(t)
	q.answer(answerTo(q.msg, 60, "10.0.0.1"))
	if m := c.receive(); m.Id != 1 || len(m.Answer) != 1 {
		t.Errorf("got reply %d with %d records, want 1 with 1", m.Id, len(m.Answer))
	}
	c.ended()
}

func TestTCPLargeAnswer(t *testing.T) {
	s, _ := serveLoopback(t)
	c := dialServer(t, s)
	for id := range uint16(3) { // a miss and hits
		c.send(frame(queryFor(id, "big.example.", dns.TypeTXT)))
		if m := c.receive(); m.Id != id || len(m.Answer) != 230 || m.Truncated {
			t.Errorf("got reply %d with %d records, TC %v, want %d with 230, TC false", m.Id, len(m.Answer), m.Truncated, id)
		}
	}
}

// privateType is one whose data may be anything (RFC 6895, 3.1).
const privateType = 65281

// An answer that has no room left for our OPT is cut: its length must be right.
func TestTCPAnswerOfAllOctets(t *testing.T) {
	s, upstream := serveLoopback(t)
	c := dialServer(t, s)
	m := new(dns.Msg)
	m.SetQuestion("hold.example.", privateType)
	m.SetEdns0(1232, false)
	c.send(frame(packed(m)))
	q := upstream.awaited(t)
	q.answer(fullAnswer(q, true))
	q = upstream.awaited(t)
	q.answer(fullAnswer(q, false))
	if got := c.receive(); !got.Truncated || got.Id != m.Id || got.IsEdns0() == nil {
		t.Errorf("got TC %v, want a truncated reply with OPT", got.Truncated)
	}
	c.send(frame(queryFor(5, "www.example.", dns.TypeA)))
	if got := c.receive(); got.Id != 5 {
		t.Errorf("got reply %d, want 5", got.Id)
	}
}

// fullAnswer is an answer of 65,535 octets, or its truncated form.
func fullAnswer(q *asking, cut bool) []byte {
	msg := replyTo(q.msg, func(_, m *dns.Msg) { m.Truncated = cut })
	if cut {
		return msg
	}
	for left := 65535 - len(msg); left > 0; left = 65535 - len(msg) {
		n := min(left-12, 4000)
		if rest := left - 12 - n; rest > 0 && rest < 13 {
			n -= 100
		}
		msg = append(msg, 0xc0, 12, privateType>>8, privateType&0xff, 0, 1, 0, 0, 0, 60)
		msg = binary.BigEndian.AppendUint16(msg, uint16(n))
		msg = append(msg, make([]byte, n)...)
		binary.BigEndian.PutUint16(msg[len(msg)-n:], uint16(left)) // no two alike
		binary.BigEndian.PutUint16(msg[6:], binary.BigEndian.Uint16(msg[6:])+1)
	}
	return msg
}
