package forwarder

import (
	"bytes"
	"encoding/binary"
	goflag "flag"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/udp"
)

var mutants = goflag.Int("mutants", 5_000, "how many broken messages tests send, from clients and from upstream, over UDP and over TCP each")

// serveTime is long enough for the server to be done with all that it was asked.
const serveTime = 5 * time.Second

// badClient sends a Server what is broken, and checks its replies.
type badClient struct {
	*replay
	*mutator
	peers      int
	unanswered map[netip.AddrPort][]byte // queries over UDP without reply so far
	malformed  bool                      // replies may have data that upstream spoilt
}

// withBadClient runs test against a Server, with which nothing may be wrong after it.
func withBadClient(t *testing.T, cfg *config.Config, test func(t *testing.T, b *badClient)) {
	virtual(t, cfg, func(t *testing.T, r *replay) {
		b := &badClient{replay: r, mutator: newMutator(t, 1), unanswered: make(map[netip.AddrPort][]byte)}
		before := heapOctets()
		test(t, b)
		b.checkHonest(t)
		b.s.Flush()
		if grown := heapOctets() - before; grown > 16<<20 {
			t.Errorf("the heap has grown by %d octets, want little", grown)
		}
	})
	goleak.VerifyNone(t)
}

// hostileConfig has all that queries can meet.
func hostileConfig() *config.Config {
	cfg := stressConfig(0)
	id := "forwarder"
	cfg.Identity.ServerID = &id
	return cfg
}

// Each query that has a header gets one reply, and only that, however broken
// it is.
func TestBadQueries(t *testing.T) {
	const window = 1000
	withBadClient(t, hostileConfig(), func(t *testing.T, b *badClient) {
		for sent := 0; sent < *mutants; sent += window {
			if err := b.s.Reload(stressConfig(sent / window)); err != nil {
				t.Fatal(err)
			}
			for range window {
				b.ask(b.hostileQuery(udp.MaxQuery))
			}
			b.checkReplies(t)
		}
	})
}

// ask sends a query over UDP from an address that never asked before, and from
// another network than those before: replies of class CH are limited by network.
func (b *badClient) ask(msg []byte) {
	b.peers++
	n := b.peers
	peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 70 + byte(n)&7, byte(n >> 3), byte(n >> 11)}), uint16(1024+n%60000))
	b.net.ask(peer, testServer, false, msg)
	b.unanswered[peer] = msg
}

// checkReplies checks the replies to what was asked over UDP, and returns them.
func (b *badClient) checkReplies(t *testing.T) []reply {
	t.Helper()
	time.Sleep(serveTime)
	synctest.Wait()
	got := b.net.got()
	for _, g := range got {
		query, ok := b.unanswered[g.peer]
		if !ok {
			t.Fatalf("reply %x is the second one, or nobody asked", g.msg)
		}
		if b.malformed && new(dns.Msg).Unpack(g.msg) != nil {
			checkHead(t, query, g.msg, false)
			checkFrame(t, g.msg)
		} else {
			checkReply(t, query, g.msg, false)
		}
		delete(b.unanswered, g.peer)
	}
	for peer, query := range b.unanswered {
		if isQuery(query) && !stressBlackhole.Contains(peer.Addr()) {
			t.Fatalf("query %x of %v got no reply", query, peer)
		}
	}
	clear(b.unanswered)
	return got
}

// Over TCP too, until a message that is none ends the connection.
func TestBadQueriesTCP(t *testing.T) {
	const conns, pipeline = 40, 25
	withBadClient(t, hostileConfig(), func(t *testing.T, b *badClient) {
		for sent := 0; sent < *mutants; sent += conns * pipeline {
			var all []*badConn
			for range conns {
				all = append(all, b.dial(t, pipeline))
			}
			time.Sleep(serveTime)
			synctest.Wait()
			for _, c := range all {
				c.check(t)
			}
		}
	})
}

// badConn is a connection over which a client sends broken queries.
type badConn struct {
	sent    []byte
	replies [][]byte
	close   func()
}

// dial connects and sends n messages, of which the last may have a false
// length.
func (b *badClient) dial(t *testing.T, n int) *badConn {
	t.Helper()
	b.peers++
	nc := b.net.connect(t, netip.AddrPortFrom(testClient.Addr(), uint16(1024+b.peers%60000)))
	c := &badConn{close: func() { nc.Close() }}
	for i := range n {
		msg := b.hostileQuery(dns.MaxMsgSize)
		if len(msg) > 1 {
			binary.BigEndian.PutUint16(msg, 0xa500+uint16(i)) // which reply is whose
		}
		length := uint16(len(msg))
		if i == n-1 && b.IntN(4) == 0 {
			length = b.number()
		}
		c.sent = append(binary.BigEndian.AppendUint16(c.sent, length), msg...)
	}
	go nc.Write(c.sent)
	go func() {
		for {
			msg, err := readFrame(nc)
			if err != nil {
				return
			}
			c.replies = append(c.replies, msg)
		}
	}()
	return c
}

// check holds the replies to what was sent.
func (c *badConn) check(t *testing.T) {
	t.Helper()
	c.close()
	queries, ended := c.queries()
	for _, reply := range c.replies {
		i := slices.IndexFunc(queries, func(q []byte) bool { return bytes.Equal(q[:2], reply[:2]) })
		if i < 0 {
			t.Fatalf("reply %x is the second one, or nobody asked", reply)
		}
		checkReply(t, queries[i], reply, true)
		queries = slices.Delete(queries, i, i+1)
	}
	if len(queries) > 0 && !ended {
		t.Fatalf("query %x got no reply", queries[0])
	}
}

// queries are the messages that must get a reply, and whether one followed that
// ends the connection.
func (c *badConn) queries() (list [][]byte, ended bool) {
	for b := c.sent; len(b) >= 2; {
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			break
		}
		if !isQuery(b[:n]) {
			return list, true
		}
		list, b = append(list, b[:n]), b[n:]
	}
	return list, false
}

// Whatever upstream says, its clients get one reply each that can be read and
// is about their question only, and so do those who ask the cache afterwards.
func TestBadAnswers(t *testing.T) { testBadAnswers(t, false) }

func TestBadAnswersTCP(t *testing.T) { testBadAnswers(t, true) }

func testBadAnswers(t *testing.T, tcp bool) {
	const window = 500
	cfg := hostileConfig()
	cfg.Servers = []config.Server{{Prefix: netip.MustParsePrefix("10.79.0.0/24"), TCPOnly: tcp}}
	cfg.Blackhole = acl.List{}
	withBadClient(t, cfg, func(t *testing.T, b *badClient) {
		b.malformed = true
		liar := newLiar(t)
		b.answerWith(liar.answer)
		for liar.broken[tcp] < *mutants {
			queries := make([][]byte, window)
			for i := range queries {
				queries[i] = b.mutator.query()
				b.ask(queries[i])
			}
			b.checkNames(t)
			for _, q := range queries {
				b.ask(q)
			}
			b.checkNames(t)
			if b.IntN(4) == 0 {
				b.s.Flush()
			}
		}
	})
}

func (b *badClient) answerWith(f func(*asking) []byte) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.net.auto = f
}

func (b *badClient) checkNames(t *testing.T) {
	t.Helper()
	for _, g := range b.checkReplies(t) {
		m := new(dns.Msg)
		if m.Unpack(g.msg) != nil {
			continue
		}
		if rr := outOfBailiwick(m); rr != nil {
			t.Fatalf("reply has\n%v\nwhich the question does not lead to:\n%v", rr, m)
		}
	}
	b.net.forget()
}

// checkHonest asks for names that nobody asked for before.
func (b *badClient) checkHonest(t *testing.T) {
	t.Helper()
	const honest = 100
	b.malformed = false
	b.answerWith(echoUpstream)
	time.Sleep(time.Minute) // servers that were given up come back
	for i := range honest {
		b.ask(queryFor(uint16(i), fmt.Sprintf("honest%d.example.", i), dns.TypeA))
	}
	got := b.checkReplies(t)
	for _, g := range got {
		if m := unpacked(t, g.msg); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || m.Answer[0].Header().Ttl != 300 {
			t.Fatalf("an honest query got\n%v\nwant upstream's answer", m)
		}
	}
	if len(got) != honest {
		t.Errorf("%d of %d honest queries got a reply", len(got), honest)
	}
}
