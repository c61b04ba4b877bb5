package cache_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"vpcdns/cache"
)

func put(c *cache.Cache, key, value string, t cache.Times) {
	c.Put(c.Hash([]byte(key)), []byte(key), []byte(value), t)
}

func get(c *cache.Cache, key string) (cache.Entry, bool) {
	return c.Get(c.Hash([]byte(key)), []byte(key))
}

// name returns the i-th of any number of keys.
func name(i int) string { return fmt.Sprintf("host%d.awslab.mycompany.corp", i) }

func fill(c *cache.Cache, n int) {
	for i := range n {
		put(c, name(i), "value", ttl)
	}
}

func TestEntry(t *testing.T) {
	tests := []struct {
		name, key, value    string
		times               cache.Times
		expires, staleUntil time.Duration
	}{
		{name: "plain", key: "key", value: "value", times: cache.Times{Stored: 1 << 40, TTL: 10}, expires: 1<<40 + 10*time.Second, staleUntil: 1<<40 + 10*time.Second},
		{name: "stale", key: "key", value: "value", times: cache.Times{Stored: 1 << 40, TTL: 10, Stale: 86400}, expires: 1<<40 + 10*time.Second, staleUntil: 1<<40 + 86410*time.Second},
		{name: "before the clock began", key: "key", value: "value", times: cache.Times{Stored: -1 << 40, TTL: 10}, expires: -1<<40 + 10*time.Second, staleUntil: -1<<40 + 10*time.Second},
		{name: "time zero", key: "key", value: "value", times: cache.Times{}},
		{name: "longest TTLs", key: "k", value: "v", times: cache.Times{TTL: 1<<23 - 1, Stale: 1<<23 - 1}, expires: (1<<23 - 1) * time.Second, staleUntil: (1<<24 - 2) * time.Second},
		{name: "empty value", key: "key", times: cache.Times{TTL: 1}, expires: time.Second, staleUntil: time.Second},
		{name: "empty key", value: "value", times: cache.Times{TTL: 1}, expires: time.Second, staleUntil: time.Second},
		{name: "longest key", key: strings.Repeat("k", 511), value: "value", times: cache.Times{TTL: 1}, expires: time.Second, staleUntil: time.Second},
		{name: "longest value", key: "key", value: strings.Repeat("v", 1<<20-1-16-3), times: cache.Times{TTL: 1}, expires: time.Second, staleUntil: time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cache.New(0)
			put(c, tt.key, tt.value, tt.times)
			e, ok := get(c, tt.key)
			if !ok || e.Key() != tt.key || e.Value() != tt.value {
				t.Fatalf("Get = %.40q, %v, want what was Put", e, ok)
			}
			if e.Stored() != tt.times.Stored || e.TTL() != tt.times.TTL {
				t.Errorf("Stored, TTL = %v, %v, want %v, %v", e.Stored(), e.TTL(), tt.times.Stored, tt.times.TTL)
			}
			if e.Expires() != tt.expires || e.StaleUntil() != tt.staleUntil {
				t.Errorf("Expires, StaleUntil = %v, %v, want %v, %v", e.Expires(), e.StaleUntil(), tt.expires, tt.staleUntil)
			}
		})
	}
}

// TestStoredIsNeverLater holds the loss of precision to the side that does not
// stretch a TTL.
func TestStoredIsNeverLater(t *testing.T) {
	c := cache.New(0)
	for _, stored := range []time.Duration{1, 1<<20 - 1, 1 << 20, time.Second - 1, 100 * 365 * 24 * time.Hour} {
		put(c, "key", "value", cache.Times{Stored: stored})
		e, _ := get(c, "key")
		if late := e.Stored() - stored; late > 0 || late <= -1<<20 {
			t.Errorf("Put at %d is stored at %d, want 0 to 2^20 - 1 before", stored, e.Stored())
		}
	}
}

// TestTooLongTTL wants the longest that there is for what is longer still.
func TestTooLongTTL(t *testing.T) {
	c := cache.New(0)
	put(c, "key", "value", cache.Times{TTL: 1<<32 - 1, Stale: 1 << 26})
	e, _ := get(c, "key")
	if most := (1<<23 - 1) * time.Second; e.Expires() != most || e.StaleUntil() != 2*most {
		t.Errorf("Expires, StaleUntil = %v, %v, want %v, %v", e.Expires(), e.StaleUntil(), most, 2*most)
	}
}

func TestPutReplaces(t *testing.T) {
	c := cache.New(0)
	put(c, "key", "old", ttl)
	old, _ := get(c, "key")
	put(c, "key", "new and longer", ttl)
	if e, _ := get(c, "key"); e.Value() != "new and longer" {
		t.Errorf("Get = %q, want the new value", e.Value())
	}
	if old.Value() != "old" {
		t.Errorf("the old entry's value = %q, want it unchanged", old.Value())
	}
	if got := c.Len(); got != 1 {
		t.Errorf("Len = %d, want 1", got)
	}
}

func TestGetComparesKeys(t *testing.T) {
	c := cache.New(0)
	put(c, "key", "value", ttl)
	if e, ok := c.Get(c.Hash([]byte("key")), []byte("yek")); ok {
		t.Errorf("Get with another key's hash = %q, true, want false", e)
	}
	if e, ok := get(c, "yek"); ok {
		t.Errorf("Get of a key that was never Put = %q, true, want false", e)
	}
}

func TestPutCopies(t *testing.T) {
	c := cache.New(0)
	key, value := []byte("key"), []byte("value")
	c.Put(c.Hash(key), key, value, ttl)
	copy(key, "xxx")
	copy(value, "xxxxx")
	if e, ok := get(c, "key"); !ok || e.Value() != "value" {
		t.Errorf("Get = %q, %v after the caller reused its buffers, want the value", e, ok)
	}
}

func TestLimitHolds(t *testing.T) {
	for _, limit := range []int64{1000, 2 << 20} {
		c := cache.New(limit)
		for i := range 20000 {
			put(c, name(i), "value", ttl)
			if got := c.Bytes(); got > limit {
				t.Fatalf("Bytes = %d after %d names, want at most %d", got, i+1, limit)
			}
		}
		if got, want := c.Bytes(), limit*8/10; got < want {
			t.Errorf("Bytes = %d, want at least %d: it drops too much", got, want)
		}
		if st := c.Stats(); st.Evictions != 20000-uint64(st.Entries) {
			t.Errorf("Stats = %+v, want every name either there or evicted", st)
		}
	}
}

func TestOldestGoFirst(t *testing.T) {
	c := cache.New(0)
	fill(c, 1000)
	c.SetMaxBytes(c.Bytes())
	for i := range 10000 {
		put(c, name(1000+i), "value", ttl)
	}
	for i := range 1000 {
		if _, ok := get(c, name(i)); ok {
			t.Errorf("%s is there, want it gone: ten thousand came later", name(i))
		}
	}
}

// TestUsedStay is the same, but the first names are asked for again and again.
func TestUsedStay(t *testing.T) {
	const hot = 100
	c := cache.New(0)
	fill(c, 1000)
	c.SetMaxBytes(c.Bytes())
	for i := range 5000 {
		for j := range hot {
			get(c, name(j))
		}
		put(c, name(1000+i), "value", ttl)
	}
	lost := 0
	for i := range hot {
		if _, ok := get(c, name(i)); !ok {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d names in use are gone, want none", lost, hot)
	}
}

// TestLargeEntry puts an entry that takes most of the cache, which no shard
// alone has room for.
func TestLargeEntry(t *testing.T) {
	const limit = 100000
	c := cache.New(limit)
	fill(c, 400)
	large := strings.Repeat("v", 90000)
	for i := range 4 {
		put(c, fmt.Sprint("large", i), large, ttl)
		if e, ok := get(c, fmt.Sprint("large", i)); !ok || e.Value() != large {
			t.Fatalf("large%d is not there", i)
		}
		if got := c.Bytes(); got > limit {
			t.Errorf("Bytes = %d, want at most %d", got, limit)
		}
	}
	fill(c, 5000)
	if got := c.Len(); got < 400 {
		t.Errorf("Len = %d once small ones came back, want 480", got)
	}
}

func TestTooLarge(t *testing.T) {
	tests := []struct{ name, key, value string }{
		{"value", "key", strings.Repeat("v", 10000)},
		{"key", strings.Repeat("k", 512), "value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cache.New(0)
			put(c, "other", "value", ttl)
			if len(tt.key) < 512 {
				put(c, tt.key, "old", ttl)
				c.SetMaxBytes(9000)
			}
			put(c, tt.key, tt.value, ttl)
			if e, ok := get(c, tt.key); ok {
				t.Errorf("Get = %.40q, true, want neither the new nor the old entry", e)
			}
			if st := c.Stats(); st.Refused != 1 || st.Entries != 1 {
				t.Errorf("Stats = %+v, want 1 refused, 1 entry", st)
			}
		})
	}
}

func TestSetMaxBytes(t *testing.T) {
	c := cache.New(0)
	if got := c.MaxBytes(); got != 0 {
		t.Errorf("New(0).MaxBytes() = %d, want 0", got)
	}
	fill(c, 10000)
	full := c.Bytes()
	c.SetMaxBytes(full / 2)
	if got := c.Bytes(); got > full/2 || got < full/2-1000 {
		t.Errorf("Bytes = %d, want %d or little less", got, full/2)
	}
	if got := c.MaxBytes(); got != full/2 {
		t.Errorf("MaxBytes = %d, want %d", got, full/2)
	}
	c.SetMaxBytes(1)
	if n, b := c.Len(), c.Bytes(); n != 0 || b != 0 {
		t.Errorf("Len, Bytes = %d, %d with a limit of 1, want 0, 0", n, b)
	}
	c.SetMaxBytes(0)
	fill(c, 10000)
	if got := c.Len(); got != 10000 {
		t.Errorf("Len = %d without a limit, want 10000", got)
	}
}

func TestPurge(t *testing.T) {
	c := cache.New(0)
	fill(c, 1000)
	c.Purge()
	if n, b := c.Len(), c.Bytes(); n != 0 || b != 0 {
		t.Errorf("Len, Bytes = %d, %d, want 0, 0", n, b)
	}
	if _, ok := get(c, name(1)); ok {
		t.Error("a name is still there")
	}
	fill(c, 1000)
	if got := c.Len(); got != 1000 {
		t.Errorf("Len = %d after filling again, want 1000", got)
	}
}

func TestDeleteFunc(t *testing.T) {
	c := cache.New(0)
	fill(c, 5000)
	seen := map[string]int{}
	n := c.DeleteFunc(func(e cache.Entry) bool {
		seen[e.Key()]++
		return strings.HasPrefix(e.Key(), "host1")
	})
	if len(seen) != 5000 {
		t.Errorf("DeleteFunc saw %d entries, want 5000", len(seen))
	}
	if want := 1111; n != want || c.Len() != 5000-want {
		t.Errorf("DeleteFunc = %d with %d left, want %d with %d", n, c.Len(), want, 5000-want)
	}
	if _, ok := get(c, name(12)); ok {
		t.Error("host12 is still there")
	}
	if _, ok := get(c, name(2)); !ok {
		t.Error("host2 is gone")
	}
}

// TestDeleteFuncSparesNew renews an entry between the moment that it was
// looked at and the moment that it is dropped, and makes its table grow.
func TestDeleteFuncSparesNew(t *testing.T) {
	c := cache.New(0)
	put(c, "key", "old", ttl)
	n := c.DeleteFunc(func(e cache.Entry) bool {
		if e.Value() == "old" {
			fill(c, 5000)
			put(c, "key", "new", ttl)
		}
		return e.Value() == "old"
	})
	if e, ok := get(c, "key"); !ok || e.Value() != "new" || n != 0 {
		t.Errorf("DeleteFunc = %d, Get = %q, %v, want the new entry and none dropped", n, e, ok)
	}
}

// sweep sweeps the whole cache.
func sweep(c *cache.Cache, now time.Duration) (dropped int) {
	for range cache.Shards {
		dropped += c.SweepNext(now)
	}
	return dropped
}

func TestSweep(t *testing.T) {
	c := cache.New(0)
	for i := range 1000 {
		put(c, name(i), "value", cache.Times{TTL: uint32(i), Stale: 10})
	}
	if n := sweep(c, 500*time.Second); n != 491 || c.Len() != 509 {
		t.Errorf("SweepNext for each shard = %d with %d left, want the 491 whose last second has come, with 509", n, c.Len())
	}
	if _, ok := get(c, name(490)); ok {
		t.Error("an entry is there at its StaleUntil")
	}
	if _, ok := get(c, name(491)); !ok {
		t.Error("an entry is gone a second before its StaleUntil")
	}
}

func TestAllocations(t *testing.T) {
	c := filled(1000)
	key, value := make([]byte, keySize), bytes.Repeat([]byte("v"), valueSize)
	number(key, 7)
	tests := []struct {
		name string
		want float64
		f    func()
	}{
		{"hit", 0, func() { c.Get(c.Hash(key), key) }},
		{"miss", 0, func() { c.Get(c.Hash(value), value) }},
		{"use", 0, func() { e, _ := c.Get(c.Hash(key), key); _ = e.Value()[e.TTL()] + e.Key()[0] }},
		{"renewal", 1, func() { c.Put(c.Hash(key), key, value, ttl) }},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.f); got != tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.want)
		}
	}
}

// TestBytesAreTrue compares what the cache counts with what the heap says.
func TestBytesAreTrue(t *testing.T) {
	before := live()
	c := filled(200000)
	got, want := c.Bytes(), int64(live()-before)
	runtime.KeepAlive(c)
	if got < want*95/100 || got > want*120/100 {
		t.Errorf("Bytes = %d, want %d or somewhat more", got, want)
	}
}

func ExampleCache() {
	c := cache.New(64 << 20)
	key := []byte("\x09myservice\x06awslab\x04corp\x00 A IN")
	c.Put(c.Hash(key), key, []byte("10.79.252.13"), cache.Times{Stored: time.Hour, TTL: 10})

	now := time.Hour + 4*time.Second
	if e, ok := c.Get(c.Hash(key), key); ok && now < e.Expires() {
		left := (e.Expires() - now).Round(time.Second)
		fmt.Println(e.Value(), left)
	}
	// Output: 10.79.252.13 6s
}

func TestAll(t *testing.T) {
	c := cache.New(0)
	for i := range 100 {
		key := []byte{byte(i)}
		c.Put(c.Hash(key), key, []byte("value"), cache.Times{TTL: 60})
	}
	seen := make(map[string]int)
	for e := range c.All() {
		seen[e.Key()]++
	}
	if len(seen) != 100 {
		t.Errorf("All() yields %d keys, want 100", len(seen))
	}
	n := 0
	for range c.All() {
		if n++; n == 10 {
			break
		}
	}
	if n != 10 {
		t.Errorf("All() goes on after a break: %d entries", n)
	}
}

// What was used comes first, whatever else is stored under its key meanwhile.
func TestMarked(t *testing.T) {
	c := cache.New(0)
	fill(c, 100)
	for i := range 10 {
		get(c, name(i))
		put(c, name(i), "renewed", ttl)
	}
	for used, want := range map[bool]int{true: 10, false: 90} {
		n := 0
		for e := range c.Marked(used) {
			if n++; (e.Value() == "renewed") != used {
				t.Errorf("Marked(%v) yields %q", used, e.Key())
			}
		}
		if n != want {
			t.Errorf("Marked(%v) yields %d entries, want %d", used, n, want)
		}
		for range c.Marked(used) {
			n--
			break
		}
		if n != want-1 {
			t.Errorf("Marked(%v) goes on after a break", used)
		}
	}
}

func TestDelete(t *testing.T) {
	c := cache.New(0)
	for _, key := range []string{"a", "b"} {
		c.Put(c.Hash([]byte(key)), []byte(key), []byte("value"), cache.Times{TTL: 60})
	}
	for range 2 { // a second time there is nothing
		c.Delete(c.Hash([]byte("a")), []byte("a"))
	}
	c.Delete(c.Hash([]byte("none")), []byte("none"))
	for key, want := range map[string]bool{"a": false, "b": true} {
		if _, ok := c.Get(c.Hash([]byte(key)), []byte(key)); ok != want {
			t.Errorf("Get(%s) after Delete(a) = %v, want %v", key, ok, want)
		}
	}
	if n := c.Stats().Entries; n != 1 {
		t.Errorf("%d entries are left, want 1", n)
	}
}
