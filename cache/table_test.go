package cache

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
)

func entry(key string) Entry {
	return newEntry([]byte(key), []byte("value of "+key), Times{})
}

func TestMatching(t *testing.T) {
	tests := []struct {
		name             string
		lanes, tag, want uint64
	}{
		{"all free", 0, 0, usedBits},
		{"free, though marked by a late reader", usedBits, 0, usedBits},
		{"free, though passed", pastMany, 0, usedBits},
		{"none has it", 0x0001020304050607, 0x7f, 0},
		{"first", 0x0001020304050607, 7, 0x80},
		{"last", 0x0001020304050607, 1, 0x80 << 48},
		{"used", 0x0001020304058607, 6, 0x8000},
		{"two", 0x0001070304050607, 7, 0x80<<40 | 0x80},
		{"the count is no tag", 7 * past, 7, 0},
		{"neighbours do not borrow", 0x0001000100010001, 1, 0x0080008000800080},
	}
	for _, tt := range tests {
		if got := matching(tt.lanes, tt.tag); got != tt.want {
			t.Errorf("%s: matching(%#x, %#x) = %#x, want %#x", tt.name, tt.lanes, tt.tag, got, tt.want)
		}
	}
}

// FuzzTable inserts and deletes in a table so full that entries overflow into
// each other's buckets and around its end.
func FuzzTable(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte("abcdefghijklmnopqrstuvwxyzabcdefghij"))
	f.Fuzz(func(t *testing.T, keys []byte) {
		keys = keys[:min(len(keys), 64)] // enough to fill it and empty it again: each costs 512 look-ups
		tab, seed, model := newTable(2), maphash.MakeSeed(), map[string]bool{}
		for _, k := range keys {
			toggle(tab, seed, model, string(k))
			checkTable(t, tab, seed, model)
		}
		big := tab.grown(seed)
		checkTable(t, big, seed, model)
		for k := range model {
			toggle(tab, seed, model, k)
		}
		for i := range tab.buckets {
			if got := tab.buckets[i].lanes.Load() &^ usedBits; got != 0 {
				t.Errorf("bucket %d has lanes %#x when all is deleted, want 0", i, got)
			}
		}
	})
}

func toggle(tab *table, seed maphash.Seed, model map[string]bool, k string) {
	hash := maphash.String(seed, k)
	if model[k] {
		p, _ := tab.find(seed, hash)
		tab.delete(hash, p)
		delete(model, k)
	} else if len(model) < ways*len(tab.buckets) {
		tab.insert(hash, entry(k), 0)
		model[k] = true
	}
}

func checkTable(t *testing.T, tab *table, seed maphash.Seed, model map[string]bool) {
	t.Helper()
	for i := range 256 {
		k := string([]byte{byte(i)})
		hash := maphash.String(seed, k)
		if e, ok := tab.get(hash, []byte(k)); ok != model[k] || ok && e.Key() != k {
			t.Fatalf("get(%q) = %q, %v, want %v", k, e, ok, model[k])
		}
		if _, e := tab.find(seed, hash); (e != "") != model[k] {
			t.Fatalf("find(%q) = %v, want %v", k, e, model[k])
		}
	}
}

// TestFullTable has every slot taken, and a count of passers-by in every
// bucket that may not loop a reader.
func TestFullTable(t *testing.T) {
	tab, seed := newTable(1), maphash.MakeSeed()
	for i := range 2 * ways {
		k := fmt.Sprint(i)
		tab.insert(maphash.String(seed, k), entry(k), 0)
	}
	for i := range tab.buckets {
		tab.buckets[i].passed(1)
	}
	if e, ok := tab.get(maphash.String(seed, "absent"), []byte("absent")); ok {
		t.Errorf("get(absent) = %q, true, want false", e)
	}
}

func TestPassedSaturates(t *testing.T) {
	var b bucket
	for range 300 {
		b.passed(1)
	}
	b.passed(-1)
	if got := b.lanes.Load(); got != pastMany {
		t.Errorf("lanes = %#x after 300 entries passed and one left, want %#x", got, uint64(pastMany))
	}
}

func TestForget(t *testing.T) {
	tab, seed := newTable(0), maphash.MakeSeed()
	hash := maphash.String(seed, "key")
	tab.insert(hash, entry("key"), 0)
	p, _ := tab.find(seed, hash)
	if tab.forget(p) {
		t.Error("a new entry is marked used")
	}
	tab.get(hash, []byte("key"))
	big := tab.grown(seed)
	if !tab.forget(p) || tab.forget(p) {
		t.Error("a hit does not mark the entry, or forget does not clear the mark")
	}
	if p, _ := big.find(seed, hash); !big.forget(p) {
		t.Error("the mark was lost as the table grew")
	}
}

// TestCost compares with the size classes of Go's allocator, which Builder
// shows, from the least key of DNS on.
func TestCost(t *testing.T) {
	for n := headerSize + 9; n < 1<<16; n += 1 + n/64 {
		var b strings.Builder
		b.Grow(n)
		got, want := cost(n)-overhead, int64(b.Cap())
		if got < want*85/100 || got > want*110/100 {
			t.Errorf("cost(%d) - overhead = %d, want about %d", n, got, want)
		}
	}
}
