package forwarder

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/store"
	"vpcdns/forwarder/wire"
)

// fate is what becomes of an answer of a former process.
type fate uint8

const (
	kept    fate = iota
	expired      // long enough ago that it is of no use
	foreign      // of servers that are not asked for it now
	older        // than what is cached already
	flushed      // meanwhile
	noRoom
	watched // it has data of a watched name that is now its own source, or is pinned
	unsound
	numFates
)

var fateNames = [numFates]string{"", "expired", "of servers that are not asked any more", "older than new ones", "flushed", "too many for the cache", "with watched names", "broken"}

const (
	// warmFirst is how long clients wait at most until what was used most lately is
	// cached again; the rest follows while they are served.
	warmFirst = 200 * time.Millisecond

	// warmBatch answers are taken between two looks at what has changed.
	warmBatch = 256

	// warmSlack is more than what the cache counts for an answer beside its octets.
	warmSlack = 256
)

// warmup takes a snapshot into the cache. Its methods are called one after the other.
type warmup struct {
	*Server
	file    *os.File
	size    int64
	sources sources
	from    *bufio.Reader // nil when nothing can be read, or is left
	ago     time.Duration // from CLOCK_BOOTTIME to the server's clock
	flushed uint64        // flushes that had begun
	trust   *trust
	fates   [numFates]int
	err     error // why nothing, or no more, can be read

	replies *resolver // to those who wait for what comes

	record record
	msg    wire.Message
	key    wire.Key
	value  []byte
}

// newWarmup opens a snapshot, which it owns from here on; nil is none.
func (s *Server) newWarmup(f *os.File) *warmup {
	if f == nil {
		return nil
	}
	w := &warmup{Server: s, file: f, replies: s.newResolver()}
	w.flushed, _ = s.flushes.none()
	w.err = w.open()
	return w
}

func (w *warmup) open() error {
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	if w.size = info.Size(); w.size > MaxSnapshot {
		return fmt.Errorf("%d octets are more than the %d that are taken", w.size, int64(MaxSnapshot))
	}
	f, err := store.Open(w.file, w.size)
	if err != nil {
		return err
	}
	now := w.clock.exact()
	id, boot := w.net.boot() // after now: what is in doubt makes answers older
	if _, err := (store.Stamp{Boot: id, Time: boot}).Since(f.Stamp); err != nil {
		return err
	}
	answers := f.Section(answersSection)
	if answers == nil {
		return store.ErrOtherVersion
	}
	w.ago = now - boot
	w.from = bufio.NewReaderSize(answers, snapshotBuffer)
	if w.sources, err = readSources(f); err == nil && len(w.sources.CookieSecret) == len(w.cookieSecret) {
		copy(w.cookieSecret[:], w.sources.CookieSecret) // cookies of clients stay good
	}
	return err
}

// first takes what can be taken before anybody is served. A nil warmup has nothing.
func (w *warmup) first() {
	if w == nil || w.err != nil {
		return
	}
	for until := time.Now().Add(warmFirst); time.Now().Before(until) && w.batch(false); {
	}
}

func (w *warmup) close() {
	if w != nil {
		w.file.Close()
	}
}

// rest takes what is left, unless the server stops, and tells how it went. A nil
// warmup has nothing to tell.
func (w *warmup) rest() {
	if w == nil {
		return
	}
	defer w.close()
	for w.err == nil && w.batch(true) {
		runtime.Gosched() // clients first
		if w.stopped() {
			return
		}
	}
	w.tell()
}

// batch takes some answers, and reports whether there may be more. Once the server
// serves newer answers may be there.
func (w *warmup) batch(serving bool) bool {
	w.reloadMu.Lock()
	defer w.reloadMu.Unlock()
	if st := w.state.Load(); w.trust == nil || w.trust.st != st {
		w.trust = newTrust(&w.sources, st)
	}
	w.replies.begin()
	defer w.replies.flush()
	for range warmBatch {
		switch err := w.record.read(w.from); {
		case err == io.EOF:
			return false
		case err != nil:
			w.err = err
			return false
		}
		w.fates[w.take(&w.record, serving)]++
	}
	return true
}

// take puts an answer into the cache, if it is good there.
func (w *warmup) take(r *record, serving bool) fate {
	now := w.clock.now()
	t := cache.Times{Stored: r.asked + w.ago, TTL: r.ttl}
	if t.Stored > now || !w.msg.Parse(r.msg) || !w.msg.Keepable() || w.msg.Rcode() > maxRcode {
		return unsound
	}
	w.key = w.msg.AppendKey(w.key[:0], r.bits)
	from, ok := w.trust.originOf(r, &w.msg, w.key)
	if !ok {
		return foreign
	}
	if w.passesWatched() {
		return watched
	}
	t.TTL = min(t.TTL, w.fill(r, from))
	if o := &w.trust.st.cfg.Cache; o.StaleEnable {
		t.Stale = min(r.stale, seconds(o.MaxStaleTTL))
	}
	if t.Stored+time.Duration(t.TTL+t.Stale)*time.Second <= now-knownFor {
		return expired
	}
	what, waiting := w.put(r, t, serving)
	if waiting != nil {
		_, ans := splitValue(string(w.value))
		w.replies.sendAll(waiting, response{answers: both(ans), asOf: t.Stored, from: SourceHit})
	}
	return what
}

// maxRcode is the highest that the header of a response has room for.
const maxRcode = 15

// fill makes the value of r, and returns the least TTL of its records.
func (w *warmup) fill(r *record, from origin) (least uint32) {
	if r.flags&recordStripped != 0 {
		from.server |= strippedBit
	}
	w.value, least = w.msg.AppendAnswer(from.append(w.value[:0]), wire.TTLPolicy{Max: w.trust.st.ttls.Max})
	if r.flags&recordOpen != 0 {
		wire.SetOpen(w.value[originLen:])
	}
	if w.watches.Wants(w.key.Name()) {
		wire.SetMarked(w.value[originLen:])
	}
	return least
}

// passesWatched reports whether the answer in w.msg has records of a watched name that it
// is not about.
func (w *warmup) passesWatched() bool {
	for i := range w.msg.RRs {
		owner := w.msg.LowerName(w.msg.RRs[i].Start)
		if w.watches.Wants(owner) && !bytes.Equal(owner, w.key.Name()) {
			return true
		}
	}
	return false
}

// put stores what fill made. As for what upstream says, inflight.mu keeps a flush, and
// an answer that comes meanwhile, before it or behind. It returns who waits for what
// was stored.
func (w *warmup) put(r *record, t cache.Times, serving bool) (what fate, waiting *waiter) {
	hash := w.cache.Hash(w.key)
	w.inflight.mu.Lock()
	defer w.inflight.mu.Unlock()
	switch most := w.cache.MaxBytes(); {
	case w.flushes.begun.Load() != w.flushed:
		return flushed, nil
	case w.replies.exists(w.key.Name()):
		return watched, nil
	case serving && w.hasNewer(w.key, t.Stored):
		return older, nil
	case most > 0 && w.cache.Bytes()+int64(len(w.key)+len(w.value)+warmSlack) > most:
		return noRoom, nil
	}
	if r.flags&recordStripped != 0 || r.bits&wire.KeyDO != 0 {
		w.sawSigned.Store(true)
	}
	if r.bits&wire.KeyCD != 0 {
		w.sawCD.Store(true)
	}
	w.cache.Put(hash, w.key, w.value, t)
	if r.flags&recordUsed != 0 {
		w.cache.Get(hash, w.key) // which marks it: it was not stored last because it is used least
	}
	if t.Stored+time.Duration(t.TTL)*time.Second > w.clock.now() && r.flags&recordStripped == 0 { // who sets DO may wait too
		waiting = w.inflight.settle(hash, w.key)
	}
	return kept, waiting
}

// hasNewer reports whether something that came later is cached for key's question:
// its answer, that its name does not exist, or the data of a name that key says does
// not.
func (w *warmup) hasNewer(key wire.Key, asked time.Duration) bool {
	var buf [maxKey]byte
	is := func(k wire.Key) bool {
		e, ok := w.cache.Get(w.cache.Hash(k), k)
		return ok && e.Stored() >= asked
	}
	k := append(wire.Key(buf[:0]), key...)
	for _, bits := range [...]wire.KeyBits{key.Bits() | wire.KeyDO, key.Bits() &^ wire.KeyDO, key.Bits() &^ (wire.KeyDO | wire.KeyCD)} {
		if k.SetBits(bits); is(k) {
			return true
		}
	}
	if key.Bits()&wire.KeyAllTypes != 0 {
		k.SetType(wire.TypeA)
		k.SetBits(key.Bits() &^ (wire.KeyAllTypes | wire.KeyDO))
		return hasData(w.cache, k, w.clock.now())
	}
	k.SetType(0)
	k.SetBits(key.Bits()&^wire.KeyDO | wire.KeyAllTypes)
	return anyType(key.Type()) && is(k)
}

// tell logs what was kept, and why the rest was not.
func (w *warmup) tell() {
	if w.err != nil && w.fates == ([numFates]int{}) {
		w.logs.general.Warn(fmt.Sprintf("starting with an empty cache, what the former process left cannot be used: %v", w.err))
		return
	}
	dropped, why := 0, []string(nil)
	for f := kept + 1; f < numFates; f++ {
		if n := w.fates[f]; n > 0 {
			dropped += n
			why = append(why, fmt.Sprintf("%d %s", n, fateNames[f]))
		}
	}
	text := fmt.Sprintf("kept %d answers of the former process (%d MB), dropped %d", w.fates[kept], (w.size+1<<19)>>20, dropped)
	if dropped > 0 {
		text += ": " + strings.Join(why, ", ")
	}
	if w.err != nil {
		w.logs.general.Warn(fmt.Sprintf("%s; the rest cannot be read: %v", text, w.err))
		return
	}
	w.logs.general.Info(text)
}
