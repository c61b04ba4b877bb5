package forwarder

import (
	"fmt"
	"math/rand/v2"
	"sync"
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
		m.Answer = []dns.RR{address(name, left, fmt.Sprint("10.0.0.", rec.address))}
	}
	return packed(m)
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
