package forwarder

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"vpcdns/acl"
	"vpcdns/forwarder/wire"
)

// replyKind is how response rate limiting tells replies apart.
type replyKind uint8

const (
	kindResponse replyKind = iota
	kindNodata
	kindNxdomain
	kindReferral
	kindError
	kindAll
	numKinds
)

// sentence is what response rate limiting says of a reply.
type sentence uint8

const (
	pass sentence = iota
	drop
	slip // let the client ask over TCP: a header with TC
)

// rateLimit is BIND's response rate limiting (rate-limit): each block of
// clients may get so many replies of a kind about a name a second. It is a
// defence of others, against replies to forged addresses, and off by default.
type rateLimit struct {
	rates   [numKinds]int
	cfg     *RateLimit
	exempt  *acl.Set
	seed    maphash.Seed
	mu      sync.Mutex
	buckets *simplelru.LRU[uint64, *bucket]
	load    window
}

// bucket is the credit of one block, kind and name, in replies.
type bucket struct {
	credit float64
	at     time.Duration
	over   int // replies over the rate, to see which may slip
}

// window measures the load in queries a second, for qps-scale.
type window struct {
	began time.Duration
	n     int
	qps   float64
}

func (w *window) count(now time.Duration) float64 {
	if w.n++; now-w.began >= time.Second {
		w.qps = float64(w.n) / (now - w.began).Seconds()
		w.began, w.n = now, 0
	}
	return w.qps
}

// newRateLimit returns nil when nothing is limited.
func newRateLimit(c *RateLimit, env acl.Env) *rateLimit {
	r := &rateLimit{cfg: c, exempt: c.Exempt.Compile(env), seed: maphash.MakeSeed()}
	r.rates = [numKinds]int{
		kindResponse: c.ResponsesPerSecond, kindNodata: c.NodataPerSecond, kindNxdomain: c.NxdomainsPerSecond,
		kindReferral: c.ReferralsPerSecond, kindError: c.ErrorsPerSecond, kindAll: c.AllPerSecond,
	}
	if r.rates == ([numKinds]int{}) {
		return nil
	}
	r.buckets, _ = simplelru.NewLRU[uint64, *bucket](max(c.MaxTableSize, 1), nil)
	return r
}

// judge charges a reply about name to the block of addr.
func (r *rateLimit) judge(now time.Duration, addr netip.Addr, kind replyKind, name []byte) sentence {
	if r.exempt.Match(addr) {
		return pass
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	scale := 1.0
	if qps := r.load.count(now); r.cfg.QPSScale > 0 && qps > float64(r.cfg.QPSScale) {
		scale = float64(r.cfg.QPSScale) / qps
	}
	s := r.charge(now, addr, kind, name, scale)
	if all := r.charge(now, addr, kindAll, nil, scale); all == drop || s == pass {
		s = all
	}
	if r.cfg.LogOnly {
		return pass
	}
	return s
}

// charge takes one reply off a bucket's credit.
func (r *rateLimit) charge(now time.Duration, addr netip.Addr, kind replyKind, name []byte, scale float64) sentence {
	rate := float64(r.rates[kind])
	if rate == 0 {
		return pass
	}
	rate = math.Max(1, rate*scale)
	key := r.key(addr, kind, name)
	b, ok := r.buckets.Get(key)
	if !ok {
		b = &bucket{credit: rate, at: now}
		r.buckets.Add(key, b)
	}
	b.credit = math.Min(rate, b.credit+rate*(now-b.at).Seconds())
	b.at = now
	b.credit = math.Max(-rate*float64(r.cfg.Window), b.credit-1)
	if b.credit >= 0 {
		return pass
	}
	b.over++
	if kind != kindAll && r.cfg.Slip > 0 && b.over%r.cfg.Slip == 0 {
		return slip
	}
	return drop
}

// key hashes a block of addresses with what the reply is about.
func (r *rateLimit) key(addr netip.Addr, kind replyKind, name []byte) uint64 {
	bits := r.cfg.IPv6PrefixLen
	if addr.Is4() {
		bits = r.cfg.IPv4PrefixLen
	}
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteByte(byte(kind))
	if p, err := addr.Prefix(bits); err == nil {
		block := p.Addr().As16()
		h.Write(block[:])
	}
	h.Write(name)
	return h.Sum64()
}

// limitRate judges the reply over UDP that starts at dst[from:]. It may cut it
// down to a question with TC, or take it away.
func (a *answerer) limitRate(dst []byte, from int, c *client) ([]byte, outcome) {
	if len(dst)-from < wire.HeaderLen || a.goodCookie(c) {
		return dst, replied
	}
	var buf [maxKey]byte
	kind, name := a.kindOf(buf[:0], dst[from:])
	switch a.st.rates.judge(a.now, c.addr.Addr(), kind, name) {
	case drop:
		a.tally.dropped++
		return dst[:from], dropped
	case slip:
		if a.q.Question == nil {
			return dst, replied // there is nothing to cut
		}
		flags := wire.Flags(dst[from:])&^0xf | wire.TC
		dst = wire.AppendHeader(dst[:from], a.q.ID, flags, 1, 0, 0, 0)
		dst = append(dst, a.q.Question...)
		if a.q.EDNS.Present {
			dst = a.appendOPT(dst, from, wire.NoError, c, ede{})
		}
	}
	return dst, replied
}

// kindOf returns the kind of a reply and what it is counted under: names that
// do not exist are counted by zone, as a flood of them never repeats one.
func (a *answerer) kindOf(buf, reply []byte) (replyKind, []byte) {
	answers := binary.BigEndian.Uint16(reply[6:])
	authority := binary.BigEndian.Uint16(reply[8:])
	if a.q.Question == nil {
		return kindError, nil
	}
	zone := binary.BigEndian.AppendUint16(buf, a.counted)
	switch rcode := wire.Rcode(reply); {
	case rcode == wire.NXDomain:
		return kindNxdomain, zone
	case rcode != wire.NoError:
		return kindError, nil
	case answers == 0 && authority == 0:
		return kindNodata, zone
	case answers == 0:
		return kindNodata, wire.AppendLower(buf, a.q.Question)
	}
	return kindResponse, wire.AppendLower(buf, a.q.Question)
}
