package forwarder

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// lookup is a client's query and what became of it.
type lookup struct {
	name     string
	from, at time.Time // at is zero while it waits
	rcode    int
	address  byte
	ttl      uint32
	why      uint16 // extended error
}

func (l *lookup) took() time.Duration { return l.at.Sub(l.from) }

func (l *lookup) good() bool { return l.rcode == dns.RcodeSuccess && l.why == 0 }

// clients ask a Server whose upstream is a vpc, every 10 ms.
type clients struct {
	t   *testing.T
	r   *replay
	vpc *vpc
	all []*lookup // by ID
}

func (c *clients) ask(name string) {
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.Id = uint16(len(c.all))
	m.SetEdns0(1232, false)
	msg, err := m.Pack()
	if err != nil {
		c.t.Fatal(err)
	}
	c.all = append(c.all, &lookup{name: name, from: time.Now()})
	c.r.net.ask(netip.AddrPortFrom(netip.MustParseAddr("10.1.2.3"), 5000), testServer, false, msg)
}

// run lets d pass, with a call of f every 10 ms.
func (c *clients) run(d time.Duration, f func(i int)) {
	for i := range int(d / beat) {
		f(i)
		c.collect()
		time.Sleep(beat)
		c.collect()
	}
}

func (c *clients) collect() {
	synctest.Wait()
	for _, got := range c.r.net.got() {
		m := new(dns.Msg)
		if err := m.Unpack(got.msg); err != nil {
			c.t.Fatal(err)
		}
		l := c.all[m.Id]
		if !l.at.IsZero() {
			c.t.Errorf("%s was answered twice", l.name)
		}
		l.at, l.rcode = time.Now(), m.Rcode
		for _, e := range m.IsEdns0().Option {
			if e, ok := e.(*dns.EDNS0_EDE); ok {
				l.why = e.InfoCode
			}
		}
		if len(m.Answer) == 1 {
			a := m.Answer[0].(*dns.A)
			l.address, l.ttl = a.A.To4()[3], a.Hdr.Ttl
		}
	}
	c.r.net.forget()
}

// checkTTLs: nobody may hold an address for longer than the resolver's own copy
// of it lives. Stale answers are another matter.
func (c *clients) checkTTLs() {
	c.t.Helper()
	worst := time.Duration(0)
	for _, l := range c.all {
		if !l.good() || l.at.IsZero() {
			continue
		}
		held := l.at.Add(time.Duration(l.ttl) * time.Second)
		past := held.Sub(c.vpc.until[l.name][l.address])
		if l.ttl == 0 { // not held at all: what joined clients get of a late answer
			past = 0
		}
		worst = max(worst, past)
	}
	if worst > 100*time.Millisecond {
		c.t.Errorf("an address may be held %v past its TTL, want 100 ms at most", worst)
	}
}

const beat = 10 * time.Millisecond

func withClients(t *testing.T, options string, f func(c *clients)) {
	cfg := configOf(t, "options { forwarders { 10.79.0.2; }; allow-query { 10.0.0.0/8; }; "+options+"};")
	synctest.Test(t, func(t *testing.T) {
		n, v := newFakeNet("10.79.1.10/24"), newVPC()
		n.auto = v.take
		c := &clients{t: t, vpc: v, r: newReplay(t, cfg, n)}
		defer c.r.stop()
		f(c)
		c.run(5*time.Second, func(int) {}) // what is under way ends
	})
}

// hotName and coldName are the names that outages are tried with.
func hotName(i int) string { return fmt.Sprintf("hot%d.example.", i%20) }

func coldName(i int) string { return fmt.Sprintf("cold%d.example.", i) }

func isHot(l *lookup) bool { return strings.HasPrefix(l.name, "hot") }

// tcpClient is a client's end of a connection. What it waits for comes at
// once, or the test fails after a while.
type tcpClient struct {
	*net.TCPConn
	t testing.TB
}

func (c tcpClient) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("Write = %v", err)
	}
}

// fill reads all of b.
func (c tcpClient) fill(b []byte) {
	c.t.Helper()
	if _, err := io.ReadFull(c, b); err != nil {
		c.t.Fatalf("reading replies: %v", err)
	}
}

// receiveRaw returns the next reply as it came.
func (c tcpClient) receiveRaw() []byte {
	c.t.Helper()
	msg, err := readFrame(c)
	if err != nil {
		c.t.Fatalf("reading a reply: %v", err)
	}
	return msg
}

// receive returns the next reply.
func (c tcpClient) receive() *dns.Msg {
	c.t.Helper()
	msg := c.receiveRaw()
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		c.t.Fatalf("Unpack(%x) = %v", msg, err)
	}
	return m
}

// ended checks that the server has closed the connection.
func (c tcpClient) ended() {
	c.t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Errorf("Read = %d, %v, want the connection's end", n, err)
	}
}

func dialServer(t testing.TB, s *Server) tcpClient {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return tcpClient{nc.(*net.TCPConn), t}
}
