package forwarder

import (
	"sync/atomic"

	"vpcdns/cache"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/wire"
)

// fill makes the values of m, an answer of r.class to what was asked for a zone. ttl is
// for how many seconds it may be kept.
func (r *resolver) fill(f *fetch, m *wire.Message, zone uint16) (ttl uint32, err error) {
	bounds := f.st.ttls
	ttl = ^uint32(0)
	if r.class == scrub.Negative {
		bounds.Min = 0 // min-ncache-ttl it is
		o := &f.st.cfg.Cache
		ttl = scrub.NegativeTTL(m, wire.TTLPolicy{Min: seconds(o.MinNTTL), Max: seconds(o.MaxNTTL)})
	}
	isWatched := m == r.msg && r.watches.Wants(f.key.Name())
	if isWatched {
		bounds.Min = 0 // a failover does not wait for min-cache-ttl
	}
	least, err := r.keeper.fill(m, origin{f.st.serverNumbers[f.req.From], zone}, bounds, r.class == scrub.Partial)
	if isWatched || r.parted {
		r.keeper.each(wire.SetMarked)
	}
	return min(ttl, least), err
}

// keep stores the answer in r.msg, and returns it. What has no TTL is given again
// for a moment. inflight.mu is held.
func (r *resolver) keep(f *fetch, ttl uint32) answers {
	if r.underLocalZone(f) || r.isPinned(f.key) || f.isProbe() || r.noName(f) && r.exists(f.key.Name()) {
		return r.keeper.answers()
	}
	t := r.timesOf(f, ttl)
	if f.known && isAddress(f.key.Type()) {
		r.former, _ = r.cache.Get(f.hash, f.key)
	}
	if f.prefetch && f.watched == nil && (ttl > 0 || t.Stale > 0) {
		r.restPrefetch(f, t)
	}
	a := r.store(f.key, f.hash, r.noName(f), t)
	if ttl == 0 {
		r.zeroTTL.Add(1)
		r.repeats.put(f.hash, &repeat{key: string(f.key), came: r.now, asOf: r.asOf, zone: f.zone.id, answers: a})
	}
	if r.chain.Hops > 0 {
		r.learn(f)
	}
	return a
}

// timesOf returns the times of an answer that may be kept for ttl seconds.
func (r *resolver) timesOf(f *fetch, ttl uint32) cache.Times {
	t := cache.Times{Stored: r.asOf, TTL: ttl}
	if f.st.cfg.Cache.StaleEnable && r.msg.Rcode() == wire.NoError { // not NXDOMAIN, as in BIND
		t.Stale = seconds(f.st.cfg.Cache.MaxStaleTTL)
	}
	return t
}

// learn stores what the answer in r.msg says of the further names of its chain:
// they are in zones of the server that answered.
func (r *resolver) learn(f *fetch) {
	for tail := range scrub.Tails(r.msg) {
		key := tail.AppendKey(r.tail[:0], f.key.Bits())
		z := f.st.routes.find(key.Name(), key.Type())
		if z == nil || len(z.servers) == 0 || r.watches.Wants(key.Name()) {
			continue // nobody may ask for it, or it is asked for by itself
		}
		ttl, err := r.fill(f, tail, z.id)
		noName := r.msg.Rcode() == wire.NXDomain && tail.Sections[0] == 0 && anyType(key.Type())
		if err != nil || noName && hasData(r.cache, key, r.now) {
			continue
		}
		r.store(key, r.cache.Hash(key), noName, r.timesOf(f, ttl))
	}
}

// store stores what keeper was filled with under key, in place of what was there,
// and returns it: whichever was asked for later stays.
func (r *resolver) store(key wire.Key, hash uint64, noName bool, t cache.Times) answers {
	all := forAllTypes(r.key[:], key)
	if r.isOutdated(key, hash, t) || r.isOutdated(all, r.cache.Hash(all), t) {
		return r.keeper.answers()
	}
	if key.Bits()&wire.KeyCD != 0 {
		r.sawCD.Store(true)
	}
	r.dropReplaced(key, all, noName, t)
	switch {
	case t.TTL == 0 && t.Stale == 0:
		return r.keeper.answers()
	case noName:
		return r.keeper.put(r.cache, r.cache.Hash(all), all, t)
	}
	return r.keeper.put(r.cache, hash, key, t)
}

// isOutdated reports whether an answer is older than a fresh one under key.
func (r *resolver) isOutdated(key wire.Key, hash uint64, t cache.Times) bool {
	e, ok := r.cache.Get(hash, key)
	return ok && r.now < e.Expires() && e.Stored() > t.Stored
}

// dropReplaced drops what an answer under key takes the place of: all types of a
// name that does not exist; that it does not; what it had before; and what was
// asked with CD set where this was not, or has expired.
func (r *resolver) dropReplaced(key, all wire.Key, noName bool, t cache.Times) {
	if noName {
		dropData(r.cache, key)
		return
	}
	if _, ok := r.cache.Get(r.cache.Hash(all), all); ok || r.sawCD.Load() {
		dropBits(r.cache, all)
	}
	if t.TTL == 0 && t.Stale == 0 {
		dropAnswer(r.cache, key)
	}
	if !r.sawCD.Load() {
		return
	}
	bits := key.Bits()
	key.SetBits(bits ^ wire.KeyCD)
	e, ok := r.cache.Get(r.cache.Hash(key), key)
	if ok && (bits&wire.KeyCD == 0 && e.Stored() <= t.Stored || r.now >= e.Expires()) {
		dropAnswer(r.cache, key)
	}
	key.SetBits(bits)
}

// underLocalZone reports whether a reload has put a local zone over f's name: its
// answer must not hide that. inflight.mu is held, so that what the reload
// flushes after it is in force includes all that was kept before.
func (r *resolver) underLocalZone(f *fetch) bool {
	st := r.state.Load()
	return st != f.st && st.local.Find(f.key.Name(), f.key.Type()) != nil
}

// keeper puts answers into the cache.
type keeper struct {
	signed      *atomic.Bool // there were signed answers: see engine.sawSigned
	stripped    wire.Message
	full, plain []byte // values
}

// fill makes the values of an answer. Open is a chain that goes on elsewhere. least is
// the least TTL of its records.
func (k *keeper) fill(m *wire.Message, from origin, bounds wire.TTLPolicy, open bool) (least uint32, err error) {
	k.plain = k.plain[:0]
	k.full, least = m.AppendAnswer(from.append(k.full[:0]), bounds)
	if scrub.Signed(m) {
		if err := scrub.Strip(m, &k.stripped); err != nil {
			return 0, err
		}
		from.server |= strippedBit
		k.plain, _ = k.stripped.AppendAnswer(from.append(k.plain), bounds)
	}
	if open {
		k.each(wire.SetOpen)
	}
	return least, nil
}

// each calls f with the answers that were filled in.
func (k *keeper) each(f func(ans []byte)) {
	for _, value := range [...][]byte{k.full, k.plain} {
		if len(value) > 0 {
			f(value[originLen:])
		}
	}
}

// put stores the values under key, in place of what was there, and returns the
// answers.
func (k *keeper) put(c *cache.Cache, hash uint64, key wire.Key, t cache.Times) answers {
	bits := key.Bits()
	if len(k.plain) == 0 {
		if k.signed.Load() {
			key.SetBits(bits | wire.KeyDO)
			c.Delete(c.Hash(key), key)
			key.SetBits(bits)
		}
		return both(stored(c.Put(hash, key, k.full, t), k.full))
	}
	k.signed.Store(true)
	key.SetBits(bits | wire.KeyDO)
	a := answers{signed: stored(c.Put(c.Hash(key), key, k.full, t), k.full)}
	key.SetBits(bits)
	a.plain = stored(c.Put(hash, key, k.plain, t), k.plain)
	return a
}

// stored returns value's answer as the cache has it, or a copy when e is "".
func stored(e cache.Entry, value []byte) wire.Answer {
	if e == "" {
		return wire.Answer(value[originLen:])
	}
	_, ans := splitValue(e.Value())
	return ans
}

// answers returns copies of what fill made.
func (k *keeper) answers() answers {
	full := wire.Answer(k.full[originLen:])
	if len(k.plain) == 0 {
		return both(full)
	}
	return answers{wire.Answer(k.plain[originLen:]), full}
}
