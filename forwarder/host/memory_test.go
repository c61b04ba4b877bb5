package host

import (
	"math"
	"testing"
)

const mb = 1 << 20

func TestMemoryLimit(t *testing.T) {
	const plenty = 1 << 40
	tests := []struct {
		cache  int64
		memory uint64
		want   int64
	}{
		{2 * mb, plenty, 2*mb + mb/2 + overhead},
		{1024 * mb, plenty, 1280*mb + overhead},
		{0, plenty, plenty - plenty/16}, // a cache without limit
		{math.MaxInt64, plenty, plenty - plenty/16},
		{1024 * mb, 1024 * mb, 960 * mb},
		{10 * mb, 64 * mb, 60 * mb},
		{0, math.MaxUint64, math.MaxInt64},
	}
	for _, test := range tests {
		if got := memoryLimit(test.cache, test.memory); got != test.want {
			t.Errorf("memoryLimit(%d, %d) = %d, want %d", test.cache, test.memory, got, test.want)
		}
	}
}

// A full cache, and all that goes with it, fits into the memory.
func TestCacheRoom(t *testing.T) {
	for _, size := range []uint64{32 * mb, 64 * mb, 200 * mb, 273 * mb, 512 * mb, 1024 * mb, 64 << 30} {
		room := CacheRoom(size)
		if room < size/5 {
			t.Errorf("CacheRoom(%d MB) = %d MB, want a fifth at least", size/mb, room/mb)
		}
		if size >= 512*mb && memoryLimit(int64(room), size) < int64(room+room/4+overhead-mb) {
			t.Errorf("CacheRoom(%d MB) = %d MB, want one that leaves room for the rest", size/mb, room/mb)
		}
		if got := memoryLimit(int64(room), size); got <= int64(room) || got >= int64(size) {
			t.Errorf("memoryLimit(CacheRoom(%d MB)) = %d MB, want more than the cache and less than there is", size/mb, got/mb)
		}
	}
}
