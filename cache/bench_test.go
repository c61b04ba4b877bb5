package cache_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpcdns/cache"
)

const (
	keySize   = 39
	valueSize = 40
)

var ttl = cache.Times{TTL: 10}

// number writes the key of the i-th name over the key. Neighbours differ in
// every byte that the number has, and fall anywhere in the cache.
func number(key []byte, i uint64) { binary.LittleEndian.PutUint64(key, i*0x9e3779b97f4a7c15) }

// filled returns a cache that has n names, each of them used.
func filled(n int) *cache.Cache {
	c := cache.New(0)
	key, value := make([]byte, keySize), make([]byte, valueSize)
	for i := range n {
		number(key, uint64(i))
		c.Put(c.Hash(key), key, value, ttl)
		c.Get(c.Hash(key), key)
	}
	return c
}

// BenchmarkGet asks for the names in no order, hashing included.
func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1e3, 1e4, 1e5, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkGet(b, n) })
	}
}

func benchmarkGet(b *testing.B, n int) {
	c := filled(n)
	key, x := make([]byte, keySize), uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		x = x*6364136223846793005 + 1442695040888963407
		number(key, x>>32*uint64(n)>>32)
		if e, ok := c.Get(c.Hash(key), key); !ok || e.TTL() != ttl.TTL {
			b.Fatalf("Get(%x) = %q, %v", key, e, ok)
		}
	}
}

func BenchmarkGetMissing(b *testing.B) {
	c := filled(1e6)
	key, x := make([]byte, keySize), uint64(1)
	key[keySize-1] = 1
	b.ReportAllocs()
	for b.Loop() {
		x++
		number(key, x)
		c.Get(c.Hash(key), key)
	}
}

// BenchmarkPut stores ever new names in a cache that holds n.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{1e4, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := filled(n)
			c.SetMaxBytes(c.Bytes())
			key, value := make([]byte, keySize), make([]byte, valueSize)
			x := uint64(n)
			b.ReportAllocs()
			for b.Loop() {
				x++
				number(key, x)
				c.Put(c.Hash(key), key, value, ttl)
			}
		})
	}
}

func BenchmarkSweep(b *testing.B) {
	c := filled(1e6)
	b.ReportAllocs()
	for b.Loop() {
		sweep(c, time.Second)
	}
}

// BenchmarkGetHot asks for one name on all processors at once.
func BenchmarkGetHot(b *testing.B) {
	c := filled(1e4)
	b.RunParallel(func(pb *testing.PB) {
		key := make([]byte, keySize)
		number(key, 7)
		for pb.Next() {
			c.Get(c.Hash(key), key)
		}
	})
}

// BenchmarkMemory reports bytes a name: live on the heap, resident as the cache
// was filled, garbage included, and as the cache counts.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{7e5, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				debug.FreeOSMemory()
				heap, rss := live(), resident()
				c := filled(n)
				rss = resident() - rss
				b.ReportMetric(float64(live()-heap)/float64(n), "heap-B/name")
				b.ReportMetric(float64(rss)/float64(n), "resident-B/name")
				b.ReportMetric(float64(c.Bytes())/float64(n), "counted-B/name")
				runtime.KeepAlive(c)
			}
		})
	}
}

func live() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// resident returns the resident bytes of this process, 0 where there is no
// /proc.
func resident() int {
	b, _ := os.ReadFile("/proc/self/statm")
	if f := strings.Fields(string(b)); len(f) > 1 {
		n, _ := strconv.Atoi(f[1])
		return n * os.Getpagesize()
	}
	return 0
}
