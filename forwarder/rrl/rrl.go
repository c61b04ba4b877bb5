// Package rrl is BIND's response rate limiting (rate-limit): each block of
// clients may get so many responses of a kind about a name a second. It is a
// defence of others, against responses to forged addresses.
package rrl

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"vpcdns/acl"
)

// Kind is how responses are told apart.
type Kind uint8

// The kinds of responses.
const (
	Response Kind = iota
	Nodata
	Nxdomain
	Referral
	Error
	All
	numKinds
)

var kindNames = [numKinds]string{
	Response: "responses", Nodata: "NODATA responses", Nxdomain: "NXDOMAIN responses",
	Referral: "referral responses", Error: "error responses", All: "all responses",
}

// String returns the kind as BIND's log names it.
func (k Kind) String() string { return kindNames[k] }

// Action is what becomes of a response.
type Action uint8

const (
	Pass Action = iota
	Drop
	Slip // let the client ask over TCP: a header with TC
)

// Config is BIND's rate-limit statement. All zero is off. Rates are responses a
// second to one block of clients.
type Config struct {
	ResponsesPerSecond, ErrorsPerSecond, NxdomainsPerSecond int
	NodataPerSecond, ReferralsPerSecond, AllPerSecond       int
	Window, Slip, IPv4PrefixLen, IPv6PrefixLen              int
	MaxTableSize, MinTableSize, QPSScale                    int
	LogOnly                                                 bool
	Exempt                                                  acl.List
}

// Limiter holds clients to the rates. All methods may be called concurrently.
type Limiter struct {
	*table
	exempt *acl.Set
}

// table is what is known of clients.
type table struct {
	cfg   Config
	rates [numKinds]int
	seed  maphash.Seed

	mu      sync.Mutex
	buckets *simplelru.LRU[uint64, *bucket]
	bursts  bursts
	load    window
}

// bucket is the credit of one block, kind and name, in replies.
type bucket struct {
	credit float64
	at     time.Duration
	over   int    // replies over the rate since one slipped
	burst  *Burst // nil: none was logged
}

// window measures the load in queries a second, for qps-scale.
type window struct {
	began time.Duration
	n     int
	qps   float64
}

// count counts a query, and reports whether a second ends with it.
func (w *window) count(now time.Duration) (ended bool) {
	if w.n++; now-w.began < time.Second {
		return false
	}
	w.qps = float64(w.n) / (now - w.began).Seconds()
	w.began, w.n = now, 0
	return true
}

// New returns nil when nothing is limited.
func New(c Config, env acl.Env) *Limiter {
	t := &table{cfg: c, seed: maphash.MakeSeed()}
	t.rates = [numKinds]int{
		Response: c.ResponsesPerSecond, Nodata: c.NodataPerSecond, Nxdomain: c.NxdomainsPerSecond,
		Referral: c.ReferralsPerSecond, Error: c.ErrorsPerSecond, All: c.AllPerSecond,
	}
	if t.rates == ([numKinds]int{}) {
		return nil
	}
	forgotten := func(_ uint64, b *bucket) { t.bursts.end(b, true) }
	t.buckets, _ = simplelru.NewLRU(max(c.MaxTableSize, 1), forgotten)
	return &Limiter{t, c.Exempt.Compile(env)}
}

// WithEnv returns a Limiter for other interfaces, which knows what r knows of
// clients. It returns nil for a nil r.
func (r *Limiter) WithEnv(env acl.Env) *Limiter {
	if r == nil {
		return nil
	}
	return &Limiter{r.table, r.cfg.Exempt.Recompile(env, r.exempt)}
}

// LogOnly reports whether responses are only to be logged (log-only).
func (r *Limiter) LogOnly() bool { return r.cfg.LogOnly }

// Debit takes a response of a kind about name from the credit of addr's block.
// begun is the burst of limited responses that begins with it, nil if there is
// none to be logged: it is to be described.
func (r *Limiter) Debit(now time.Duration, addr netip.Addr, kind Kind, name []byte) (what Action, begun *Burst) {
	if r.exempt.Match(addr) {
		return Pass, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	scale := r.scale(now)
	what, b := r.debit(now, addr, kind, name, scale)
	if all, allOf := r.debit(now, addr, All, nil, scale); all == Drop || what == Pass {
		what, b, kind = all, allOf, All
	}
	if what != Pass {
		begun = r.bursts.limited(now, b, kind)
	}
	return what, begun
}

// scale is what is left of the rates under the load (qps-scale). mu is held.
func (t *table) scale(now time.Duration) float64 {
	if t.load.count(now) {
		t.bursts.lines = 0
	}
	if most := float64(t.cfg.QPSScale); most > 0 && t.load.qps > most {
		return most / t.load.qps
	}
	return 1
}

// debit takes one response off a bucket's credit. mu is held.
func (t *table) debit(now time.Duration, addr netip.Addr, kind Kind, name []byte, scale float64) (Action, *bucket) {
	rate := float64(t.rates[kind])
	if rate == 0 {
		return Pass, nil
	}
	rate = math.Max(1, rate*scale)
	b := t.bucket(t.key(addr, kind, name), rate, now)
	b.earn(rate, now)
	b.credit = math.Max(-rate*float64(t.cfg.Window), b.credit-1)
	if b.credit >= 0 {
		return Pass, b
	}
	return t.overdrawn(b, kind), b
}

func (t *table) bucket(key uint64, rate float64, now time.Duration) *bucket {
	b, ok := t.buckets.Get(key)
	if !ok {
		b = &bucket{credit: rate, at: now}
		t.buckets.Add(key, b)
	}
	return b
}

// worth is b's credit with what the time since the last reply adds to it.
func (b *bucket) worth(rate float64, now time.Duration) float64 {
	return b.credit + rate*(now-b.at).Seconds()
}

// earn credits what the time since the last reply is worth.
func (b *bucket) earn(rate float64, now time.Duration) {
	b.credit = b.worth(rate, now)
	b.at = now
	if b.credit >= rate {
		b.credit, b.over = rate, 0 // all is forgiven
	}
}

// overdrawn decides about a reply above the rate: the first of each `slip` is
// cut. Errors cannot be, as over TCP they would be no better; neither does BIND.
func (t *table) overdrawn(b *bucket, kind Kind) Action {
	if kind == All || kind == Error || t.cfg.Slip == 0 {
		return Drop
	}
	first := b.over == 0
	b.over = (b.over + 1) % t.cfg.Slip
	if first {
		return Slip
	}
	return Drop
}

// key hashes a block of addresses with what the reply is about.
func (t *table) key(addr netip.Addr, kind Kind, name []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteByte(byte(kind))
	block := t.Block(addr).Addr().As16()
	h.Write(block[:])
	h.Write(name)
	return h.Sum64()
}

// Block is the block of addresses that addr is in.
func (t *table) Block(addr netip.Addr) netip.Prefix {
	bits := t.cfg.IPv6PrefixLen
	if addr.Is4() {
		bits = t.cfg.IPv4PrefixLen
	}
	p, _ := addr.Prefix(bits) // the configuration has checked the length
	return p
}
