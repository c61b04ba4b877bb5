package forwarder

import (
	"encoding/binary"
	"fmt"
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
	over   int  // replies over the rate since one slipped
	told   bool // that it is limited was logged
}

// window measures the load in queries a second, for qps-scale.
type window struct {
	began time.Duration
	n     int
	qps   float64
	lines int // logged in this second
}

func (w *window) count(now time.Duration) float64 {
	if w.n++; now-w.began >= time.Second {
		w.qps = float64(w.n) / (now - w.began).Seconds()
		w.began, w.n, w.lines = now, 0, 0
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

// judge charges a reply about name to the block of addr. news is the kind by
// which a block begins to be limited, or numKinds.
func (r *rateLimit) judge(now time.Duration, addr netip.Addr, kind replyKind, name []byte) (s sentence, news replyKind) {
	if r.exempt.Match(addr) {
		return pass, numKinds
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	scale := 1.0
	if qps := r.load.count(now); r.cfg.QPSScale > 0 && qps > float64(r.cfg.QPSScale) {
		scale = float64(r.cfg.QPSScale) / qps
	}
	s, b := r.charge(now, addr, kind, name, scale)
	if all, allOf := r.charge(now, addr, kindAll, nil, scale); all == drop || s == pass {
		s, b, kind = all, allOf, kindAll
	}
	if s == pass || !r.tell(b) {
		kind = numKinds
	}
	return s, kind
}

// charge takes one reply off a bucket's credit.
func (r *rateLimit) charge(now time.Duration, addr netip.Addr, kind replyKind, name []byte, scale float64) (sentence, *bucket) {
	rate := float64(r.rates[kind])
	if rate == 0 {
		return pass, nil
	}
	rate = math.Max(1, rate*scale)
	b := r.bucket(r.key(addr, kind, name), rate, now)
	b.earn(rate, now)
	b.credit = math.Max(-rate*float64(r.cfg.Window), b.credit-1)
	if b.credit >= 0 {
		return pass, b
	}
	return r.overdrawn(b, kind), b
}

func (r *rateLimit) bucket(key uint64, rate float64, now time.Duration) *bucket {
	b, ok := r.buckets.Get(key)
	if !ok {
		b = &bucket{credit: rate, at: now}
		r.buckets.Add(key, b)
	}
	return b
}

// earn credits what the time since the last reply is worth.
func (b *bucket) earn(rate float64, now time.Duration) {
	b.credit += rate * (now - b.at).Seconds()
	b.at = now
	if b.credit >= rate {
		*b = bucket{credit: rate, at: now} // all is forgiven
	}
}

// overdrawn decides about a reply above the rate: the first of each `slip` is
// cut. Errors cannot be, as over TCP they would be no better; neither does BIND.
func (r *rateLimit) overdrawn(b *bucket, kind replyKind) sentence {
	if kind == kindAll || kind == kindError || r.cfg.Slip == 0 {
		return drop
	}
	first := b.over == 0
	b.over = (b.over + 1) % r.cfg.Slip
	if first {
		return slip
	}
	return drop
}

// maxRateLines bounds the lines in the log a second: addresses are forged, and
// there may be very many.
const maxRateLines = 10

// tell reports whether it is to be logged that b is limited.
func (r *rateLimit) tell(b *bucket) bool {
	if b.told || r.load.lines >= maxRateLines {
		return false
	}
	b.told = true
	r.load.lines++
	return true
}

// key hashes a block of addresses with what the reply is about.
func (r *rateLimit) key(addr netip.Addr, kind replyKind, name []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	h.WriteByte(byte(kind))
	block := r.block(addr).Addr().As16()
	h.Write(block[:])
	h.Write(name)
	return h.Sum64()
}

// block is the block of addresses that addr is in.
func (r *rateLimit) block(addr netip.Addr) netip.Prefix {
	bits := r.cfg.IPv6PrefixLen
	if addr.Is4() {
		bits = r.cfg.IPv4PrefixLen
	}
	p, _ := addr.Prefix(bits) // the configuration has checked the length
	return p
}

// limitRate judges the reply over UDP that starts at dst[from:]. It may cut it
// down to a question with TC, or take it away.
func (a *answerer) limitRate(dst []byte, from int, c *client) ([]byte, outcome) {
	if len(dst)-from < wire.HeaderLen || a.goodCookie(c) || a.probed() {
		return dst, replied
	}
	var buf [maxKey]byte
	kind, name := a.kindOf(buf[:0], dst[from:])
	r := a.st.rates
	what, news := r.judge(a.now, c.addr.Addr(), kind, name)
	if news != numKinds {
		a.logLimited(r, news, c)
	}
	if r.cfg.LogOnly {
		return dst, replied
	}
	switch what {
	case drop:
		a.tally.dropped++
		a.tally.limited++
		return dst[:from], dropped
	case slip:
		a.tally.slipped++
		return a.slip(dst[:from], wire.Flags(dst[from:]), c), replied
	}
	return dst, replied
}

// slip appends a reply with nothing but TC, so that the client asks over TCP.
func (a *answerer) slip(dst []byte, flags uint16, c *client) []byte {
	from := len(dst)
	dst = wire.AppendHeader(dst, a.q.ID, flags|wire.TC, 1, 0, 0, 0)
	dst = append(dst, a.q.Question...)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, wire.NoError, c, ede{})
	}
	return dst
}

var limitedKinds = [numKinds]string{
	kindResponse: "responses", kindNodata: "NODATA responses", kindNxdomain: "NXDOMAIN responses",
	kindReferral: "referral responses", kindError: "error responses", kindAll: "all responses",
}

// logLimited writes, in BIND's words, that replies to the client's block begin
// to be limited, with the name of one of them.
func (a *answerer) logLimited(r *rateLimit, kind replyKind, c *client) {
	limit := "limit"
	if r.cfg.LogOnly {
		limit = "would limit"
	}
	line := fmt.Sprintf("%s %s to %s", limit, limitedKinds[kind], r.block(c.addr.Addr()))
	if kind != kindAll && kind != kindError {
		line += fmt.Sprintf(" for %s IN %s", trimDot(wire.NameText(a.q.Name())), typeName(a.q.Type))
	}
	a.s.logs.rateLimit.Info(line)
}

// kindOf returns the kind of a reply and what it is counted under: names that
// do not exist are counted by zone, as a flood of them never repeats one.
func (a *answerer) kindOf(buf, reply []byte) (replyKind, []byte) {
	answers := binary.BigEndian.Uint16(reply[6:])
	switch rcode := wire.Rcode(reply); {
	case a.q.Question == nil:
		return kindError, nil
	case rcode == wire.NXDomain:
		return kindNxdomain, a.appendApex(buf, reply)
	case rcode != wire.NoError:
		return kindError, nil
	case answers == 0:
		return kindNodata, wire.AppendLower(buf, a.q.Name())
	}
	return kindResponse, wire.AppendLower(buf, a.q.Question)
}

// appendApex appends the owner of the SOA that a negative reply begins with, or
// what stands for the forward zone if it begins with something else.
func (a *answerer) appendApex(buf, reply []byte) []byte {
	answers, authority := binary.BigEndian.Uint16(reply[6:]), binary.BigEndian.Uint16(reply[8:])
	if answers > 0 || authority == 0 || a.q.EDNS.DO {
		return binary.BigEndian.AppendUint16(buf, a.counted)
	}
	return wire.AppendName(buf, reply, wire.HeaderLen+len(a.q.Question))
}
