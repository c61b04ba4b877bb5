package cache_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cache"
)

// TestConcurrent lets everything happen at once. Whatever a Get finds must be
// the key's own, and when all is done the count of bytes must fit the entries.
func TestConcurrent(t *testing.T) {
	const limit, rounds = 40000, 3000
	c := cache.New(limit)
	tasks := []func(*rand.Rand){
		func(r *rand.Rand) { k := name(r.IntN(300)); put(c, k, "value of "+k, cache.Times{TTL: r.Uint32N(100)}) },
		func(r *rand.Rand) {
			k := name(r.IntN(300))
			put(c, k, "value of "+k+strings.Repeat("v", r.IntN(500)), ttl)
		},
		func(r *rand.Rand) { checkOwn(t, c, name(r.IntN(300))) },
		func(r *rand.Rand) { checkOwn(t, c, name(r.IntN(300))) },
		func(r *rand.Rand) {
			c.SweepNext(time.Duration(r.IntN(100)) * time.Second)
			if r.IntN(100) == 0 {
				c.Purge()
			}
			c.SetMaxBytes(limit - r.Int64N(limit/2))
		},
	}
	var wg sync.WaitGroup
	for i, task := range tasks {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range rounds {
				task(r)
			}
		})
	}
	wg.Wait()
	c.SetMaxBytes(limit / 2)
	if got := c.Bytes(); got > limit/2 {
		t.Errorf("Bytes = %d, want at most %d", got, limit/2)
	}
	n := c.Len()
	if got := c.DeleteFunc(func(cache.Entry) bool { return true }); got != n || c.Bytes() != 0 {
		t.Errorf("DeleteFunc of all = %d with %d bytes left, want %d with 0", got, c.Bytes(), n)
	}
}

func checkOwn(t *testing.T, c *cache.Cache, key string) {
	if e, ok := get(c, key); ok && (e.Key() != key || !strings.HasPrefix(e.Value(), "value of "+key)) {
		t.Errorf("Get(%q) = %q", key, e)
	}
}

// FuzzCache runs a program on a cache and on a map. Without a limit the two
// are the same; with one, the cache has no entry that the map has not, and
// keeps the limit.
func FuzzCache(f *testing.F) {
	f.Add([]byte("\x00a\x00b\x01a\x02a\x00a"), uint16(0))
	f.Add([]byte("\x00a\x00b\x00c\x00d\x03\x00\x01a\x05\x00"), uint16(700))
	f.Add([]byte("\x00a\x10a\x20a\x04\x08\x01a"), uint16(400))
	f.Fuzz(func(t *testing.T, program []byte, limit uint16) {
		c, model := cache.New(int64(limit)), map[string]string{}
		for ; len(program) > 1; program = program[2:] {
			step(c, model, program[0], program[1])
			checkModel(t, c, model, int64(limit))
		}
	})
}

// step does what op's low bits say with the key, or the time, arg. Its high
// bits are a time to live, and make the value's length.
func step(c *cache.Cache, model map[string]string, op, arg byte) {
	key, now := string([]byte{arg}), time.Duration(arg>>4)*time.Second
	switch op & 7 {
	case 0, 1, 2, 3:
		value := strings.Repeat(string([]byte{op}), int(op))
		put(c, key, value, cache.Times{TTL: uint32(op >> 4)})
		model[key] = value
	case 4:
		sweep(c, now)
		keep(model, func(_, v string) bool { return ttlOf(v) > now })
	case 5:
		c.DeleteFunc(func(e cache.Entry) bool { return e.Key() < key })
		keep(model, func(k, _ string) bool { return k >= key })
	case 6:
		if arg == 0 {
			c.Purge()
			clear(model)
		}
	case 7:
		get(c, key)
	}
}

// ttlOf reads the time to live that step wrote into the value.
func ttlOf(value string) time.Duration { return time.Duration(len(value)>>4) * time.Second }

func keep(model map[string]string, cond func(k, v string) bool) {
	for k, v := range model {
		if !cond(k, v) {
			delete(model, k)
		}
	}
}

func checkModel(t *testing.T, c *cache.Cache, model map[string]string, limit int64) {
	t.Helper()
	found := 0
	for i := range 256 {
		key := string([]byte{byte(i)})
		e, ok := get(c, key)
		want, there := model[key]
		if ok && (!there || e.Key() != key || e.Value() != want) || !ok && there && limit == 0 {
			t.Fatalf("Get(%q) = %q, %v, want %q, %v", key, e, ok, want, there)
		}
		if ok {
			found++
		}
	}
	if n := c.Len(); n != found {
		t.Fatalf("Len = %d, but %d entries are found", n, found)
	}
	if b := c.Bytes(); limit > 0 && b > limit {
		t.Fatalf("Bytes = %d, want at most %d", b, limit)
	}
}
