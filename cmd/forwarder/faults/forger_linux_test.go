package faults

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"vpcdns/cmd/forwarder/lab"
)

// sighting is a query that a wiretap saw.
type sighting struct {
	name string
	from netip.AddrPort
	tcp  bool
	id   uint16
	at   time.Time
}

// wiretap stands before the upstream and notes what it is asked.
type wiretap struct {
	upstream dns.Handler
	worker   sync.Mutex // held for an answer over TCP, if there is one worker
	conns    sync.Map   // from a client's address to its TCP connection

	mu   sync.Mutex
	lone bool // one answer at a time over TCP
	seen []sighting
	each func(sighting) // unless nil, is called for each
}

func (w *wiretap) ServeDNS(rw dns.ResponseWriter, query *dns.Msg) {
	from := netip.MustParseAddrPort(rw.RemoteAddr().String())
	s := sighting{query.Question[0].Name, from, rw.RemoteAddr().Network() == "tcp", query.Id, time.Now()}
	w.mu.Lock()
	w.seen = append(w.seen, s)
	each, lone := w.each, w.lone
	w.mu.Unlock()
	if each != nil {
		each(s)
	}
	switch {
	case !s.tcp:
		w.upstream.ServeDNS(rw, query)
	case lone:
		w.worker.Lock()
		defer w.worker.Unlock()
		w.upstream.ServeDNS(rw, query)
	default: // else a delay holds up the connection's next query
		go w.upstream.ServeDNS(w.lasting(rw), query)
	}
}

// lasting returns a writer to the client's TCP connection. dns.Server closes its own while
// an answer may still be written.
func (w *wiretap) lasting(rw dns.ResponseWriter) dns.ResponseWriter {
	conn, _ := w.conns.Load(rw.RemoteAddr().String())
	return lastingWriter{rw, &dns.Conn{Conn: conn.(net.Conn)}}
}

type lastingWriter struct {
	dns.ResponseWriter
	conn *dns.Conn
}

func (w lastingWriter) Write(packed []byte) (int, error) { return w.conn.Write(packed) }
func (w lastingWriter) WriteMsg(reply *dns.Msg) error    { return w.conn.WriteMsg(reply) }

// noting is a reader that notes from which connections it reads.
type noting struct {
	dns.Reader
	conns *sync.Map
}

func (r noting) ReadTCP(conn net.Conn, timeout time.Duration) ([]byte, error) {
	client := conn.RemoteAddr().String()
	r.conns.Store(client, conn)
	query, err := r.Reader.ReadTCP(conn, timeout)
	if err != nil {
		r.conns.Delete(client)
	}
	return query, err
}

// since returns what was seen from begin on.
func (w *wiretap) since(begin time.Time) []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := len(w.seen)
	for i > 0 && !w.seen[i-1].at.Before(begin) {
		i--
	}
	return w.seen[i:len(w.seen):len(w.seen)]
}

// react has f called for every query from now on.
func (w *wiretap) react(f func(sighting)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each = f
}

// inTurn makes the upstream give one answer at a time over TCP, whatever the
// connection.
func (w *wiretap) inTurn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lone = true
}

// tap starts a wiretap at the upstream's other address.
func tap(t *testing.T, n *lab.Network, upstream dns.Handler) *wiretap {
	t.Helper()
	w := &wiretap{upstream: upstream}
	for _, network := range []string{"udp", "tcp"} {
		serveAlso(t, n, &dns.Server{Net: network, Handler: w, DecorateReader: func(r dns.Reader) dns.Reader { return noting{r, &w.conns} }})
	}
	return w
}

// serveAlso runs a server at the upstream's other address until the end of the test.
func serveAlso(t *testing.T, n *lab.Network, s *dns.Server) {
	t.Helper()
	started := make(chan struct{})
	s.Addr, s.NotifyStartedFunc = lab.ResolverAlso+":53", func() { close(started) }
	var err error
	n.Resolver.Do(t, func() { err = listen(s) })
	if err != nil {
		t.Fatal(err)
	}
	go s.ActivateAndServe()
	<-started
	t.Cleanup(func() { s.Shutdown() })
}

func listen(s *dns.Server) (err error) {
	if s.Net == "tcp" {
		s.Listener, err = net.Listen("tcp", s.Addr)
	} else {
		s.PacketConn, err = net.ListenPacket("udp", s.Addr)
	}
	return err
}

// forgedAddress is in every forged answer.
var forgedAddress = netip.MustParseAddr("192.0.2.66")

// forger sends answers that nobody asked it for, from the upstream's address
// and port.
type forger struct{ fd int }

func newForger(t *testing.T, n *lab.Namespace, address string) *forger {
	t.Helper()
	f := new(forger)
	n.Do(t, func() {
		var err error
		if f.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP); err == nil {
			err = unix.Bind(f.fd, &unix.SockaddrInet4{Addr: netip.MustParseAddr(address).As4()})
		}
		if err != nil {
			t.Fatalf("opening a raw socket: %v", err)
		}
	})
	t.Cleanup(func() { unix.Close(f.fd) })
	return f
}

// udpHeader is the length of a UDP header in octets (RFC 768).
const udpHeader = 8

// forgery returns a datagram, of which only port and ID are still to be guessed.
func forgery(t *testing.T, name string) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	m.Response, m.RecursionAvailable = true, true
	header := dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 3600}
	m.Answer = []dns.RR{&dns.A{Hdr: header, A: forgedAddress.AsSlice()}}
	answer, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	datagram := make([]byte, udpHeader, udpHeader+len(answer)) // the checksum 0 is none
	binary.BigEndian.PutUint16(datagram[0:], 53)
	binary.BigEndian.PutUint16(datagram[4:], uint16(udpHeader+len(answer)))
	return append(datagram, answer...)
}

// send sends a forgery.
func (f *forger) send(datagram []byte, to netip.AddrPort, id uint16) {
	binary.BigEndian.PutUint16(datagram[2:], to.Port())
	binary.BigEndian.PutUint16(datagram[udpHeader:], id)
	_ = unix.Sendto(f.fd, datagram, 0, &unix.SockaddrInet4{Addr: to.Addr().As4()})
}

// annoy answers a query over UDP with wrong IDs.
func (f *forger) annoy(t *testing.T, s sighting) {
	const wrong = 16
	if s.tcp {
		return
	}
	datagram := forgery(t, s.name)
	for i := range uint16(wrong) {
		f.send(datagram, s.from, s.id+1+i)
	}
}

func guess() uint16 { return uint16(rand.Uint32()) }

// ephemeral returns a port that Linux might have given (ip_local_port_range).
func ephemeral() uint16 { return 32768 + uint16(rand.IntN(60999-32768+1)) }
