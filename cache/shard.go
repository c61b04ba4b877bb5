package cache

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Shards is how many parts a Cache has. They are for writers, which lock one.
// The number is no power of two because at a million names, the size to be
// good at, the maps and tables of 64 shards have all just doubled.
const Shards = 72

// shard is a part of a Cache. The table and the LRU have the same entries, the
// LRU by their hash only.
type shard struct {
	table atomic.Pointer[table]
	_     [56]byte // what readers load is not on the line that writers change

	seed  maphash.Seed
	total *atomic.Int64 // the bytes of all shards

	mu        sync.Mutex
	lru       *simplelru.LRU[uint64, struct{}]
	bytes     int64
	evictions uint64
	refused   uint64
	_         [8]byte
}

func (s *shard) init(seed maphash.Seed, total *atomic.Int64) {
	s.seed, s.total = seed, total
	s.clear()
}

// clear leaves what there was to the collector: emptying it would take long.
// The LRU grows without end, because the Cache counts bytes and not entries;
// the only error of NewLRU is a size below 1.
func (s *shard) clear() {
	s.lru, _ = simplelru.NewLRU[uint64, struct{}](math.MaxInt, nil)
	s.table.Store(newTable(0))
	s.charge(-s.bytes)
}

func (s *shard) purge() {
	s.mu.Lock()
	s.clear()
	s.mu.Unlock()
}

// put makes room in this shard, where the lock is held already; what the
// others must give is for the Cache.
func (s *shard) put(hash uint64, e Entry, room int64) {
	s.mu.Lock()
	for total := s.set(hash, e); total > room && s.lru.Len() > 1; {
		total = s.evictOldest(e)
	}
	s.mu.Unlock()
}

// set returns the bytes of all shards.
func (s *shard) set(hash uint64, e Entry) int64 {
	t := s.table.Load()
	s.lru.Add(hash, struct{}{})
	if p, old := t.find(s.seed, hash); old != "" {
		t.replace(p, e)
		return s.charge(e.cost() - old.cost())
	}
	if t.full(s.lru.Len()) {
		t = t.grown(s.seed)
		s.table.Store(t)
	}
	t.insert(hash, e, 0)
	return s.charge(e.cost())
}

// evict drops a few of the oldest, so that the lock is not held for long.
func (s *shard) evict(room int64) {
	s.mu.Lock()
	for range min(8, s.lru.Len()) {
		if s.evictOldest("") <= room {
			break
		}
	}
	s.mu.Unlock()
}

// evictOldest returns what is left in all shards. This one must hold another
// entry than spare. The oldest entries that were used meanwhile are made young
// instead, which is all that ever moves an entry because of a hit.
func (s *shard) evictOldest(spare Entry) int64 {
	const chances = 16 // bounds the time that the lock is held
	t := s.table.Load()
	for left := chances; ; left-- {
		hash, _, _ := s.lru.GetOldest()
		p, e := t.find(s.seed, hash)
		if !same(e, spare) && (left <= 0 || !t.forget(p)) {
			s.evictions++
			return s.delete(hash, p, e)
		}
		s.lru.Get(hash)
	}
}

// refuse drops what the key of an entry that is too large had.
func (s *shard) refuse(hash uint64) {
	s.mu.Lock()
	s.refused++
	if p, e := s.table.Load().find(s.seed, hash); e != "" {
		s.delete(hash, p, e)
	}
	s.mu.Unlock()
}

// remove drops e, unless another entry took its place.
func (s *shard) remove(e Entry) bool {
	hash := maphash.String(s.seed, e.Key())
	s.mu.Lock()
	p, now := s.table.Load().find(s.seed, hash)
	found := same(now, e)
	if found {
		s.delete(hash, p, e)
	}
	s.mu.Unlock()
	return found
}

// delete returns the bytes of all shards.
func (s *shard) delete(hash uint64, p place, e Entry) int64 {
	s.table.Load().delete(hash, p)
	s.lru.Remove(hash)
	return s.charge(-e.cost())
}

// deleteFunc needs no lock to look around. Should a writer replace the table
// meanwhile, the old one still has what was there at the beginning, and remove
// sees what became of it.
func (s *shard) deleteFunc(drop func(Entry) bool) int {
	n := 0
	s.table.Load().each(func(e Entry) bool {
		if drop(e) && s.remove(e) {
			n++
		}
		return true
	})
	return n
}

func (s *shard) addTo(st *Stats) {
	s.mu.Lock()
	st.Entries += s.lru.Len()
	st.Evictions += s.evictions
	st.Refused += s.refused
	s.mu.Unlock()
}

// charge counts n bytes more, and returns the bytes of all shards.
func (s *shard) charge(n int64) int64 {
	s.bytes += n
	return s.total.Add(n)
}
