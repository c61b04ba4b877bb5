package forwarder

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// vpc stands for the VPC resolver: it has what Route 53 has for up to ttl
// seconds, and says how much of that is left. Its fields are changed by change.
type vpc struct {
	mu     sync.Mutex
	rand   *rand.Rand
	mode   string // "", silent, refusing, garbage, or an rcode
	loss   float64
	delay  func() time.Duration // from its answer to our receipt
	copies int                  // of each answer over UDP
	tc     bool                 // every answer is too large for UDP

	ttl     uint32
	address byte // last octet of what Route 53 has
	cached  map[string]vpcRecord
	until   map[string]map[byte]time.Time // by name and address: when the resolver's last copy ended
	sent    []time.Time                   // queries that reached it
}

type vpcRecord struct {
	address byte
	expires time.Time
}

func newVPC() *vpc {
	return &vpc{
		rand: rand.New(rand.NewPCG(1, 2)), ttl: 10, address: 1, copies: 1,
		delay:  func() time.Duration { return time.Millisecond },
		cached: make(map[string]vpcRecord), until: make(map[string]map[byte]time.Time),
	}
}

func (v *vpc) change(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// take is a fakeNet's auto: it answers later, or never.
func (v *vpc) take(q *asking) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent = append(v.sent, time.Now())
	m := new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil || v.mode == "silent" || v.rand.Float64() < v.loss {
		return nil
	}
	if v.mode == "refusing" {
		q.refuse()
		return nil
	}
	msg := v.reply(m, q.tcp)
	copies := v.copies
	if q.tcp {
		copies = 1
	}
	for range copies {
		time.AfterFunc(v.delay(), func() { q.answer(msg) })
	}
	return nil
}

func (v *vpc) reply(q *dns.Msg, tcp bool) []byte {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	m.SetEdns0(1232, false)
	name := q.Question[0].Name
	switch {
	case v.mode == "garbage":
		return []byte("no message at all, and longer than a header")
	case v.mode != "":
		m.Rcode = dns.StringToRcode[v.mode]
	case v.tc && !tcp:
		m.Truncated = true
	default:
		rec := v.look(name)
		left := uint32(time.Until(rec.expires) / time.Second)
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: left},
			A:   net.IPv4(10, 0, 0, rec.address),
		}}
	}
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return msg
}

// look returns the resolver's copy of a name, which it gets anew when that has
// ended.
func (v *vpc) look(name string) vpcRecord {
	rec, ok := v.cached[name]
	if now := time.Now(); !ok || !now.Before(rec.expires) {
		rec = vpcRecord{v.address, now.Add(time.Duration(v.ttl) * time.Second)}
		v.cached[name] = rec
		if v.until[name] == nil {
			v.until[name] = make(map[byte]time.Time)
		}
		v.until[name][rec.address] = rec.expires
	}
	return rec
}

// peak returns the most queries in any second between two times.
func (v *vpc) peak(from, to time.Time) (most int) {
	first := 0
	for i, at := range v.sent {
		for at.Sub(v.sent[first]) >= time.Second {
			first++
		}
		if !at.Before(from) && at.Before(to) {
			most = max(most, i-first+1)
		}
	}
	return most
}

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
func (l *lookup) good() bool          { return l.rcode == dns.RcodeSuccess && l.why == 0 }

// clientele asks a Server whose upstream is a vpc, every 10 ms.
type clientele struct {
	t   *testing.T
	r   *replay
	vpc *vpc
	all []*lookup // by ID
}

const beat = 10 * time.Millisecond

func withClientele(t *testing.T, options string, f func(c *clientele)) {
	cfg := configOf(t, "options { forwarders { 10.79.0.2; }; allow-query { 10.0.0.0/8; }; "+options+"};")
	synctest.Test(t, func(t *testing.T) {
		n, v := newFakeNet("10.79.1.10/24"), newVPC()
		n.auto = v.take
		c := &clientele{t: t, vpc: v, r: newReplay(t, cfg, n)}
		defer c.r.stop()
		f(c)
		c.run(5*time.Second, func(int) {}) // what is under way ends
	})
}

func (c *clientele) ask(name string) {
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
func (c *clientele) run(d time.Duration, f func(i int)) {
	for i := range int(d / beat) {
		f(i)
		c.collect()
		time.Sleep(beat)
		c.collect()
	}
}

func (c *clientele) collect() {
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
func (c *clientele) checkTTLs() {
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

// hot and cold are the names that outages are tried with.
func hot(i int) string  { return fmt.Sprintf("hot%d.example.", i%20) }
func cold(i int) string { return fmt.Sprintf("cold%d.example.", i) }
