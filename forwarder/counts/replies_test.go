package counts

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"vpcdns/forwarder/wire"
)

func TestRcodeName(t *testing.T) {
	for rcode, want := range map[int]string{0: "NOERROR", 5: "REFUSED", 16: "BADVERS", 23: "BADCOOKIE", 4000: "other"} {
		if got := RcodeName(rcode); got != want {
			t.Errorf("RcodeName(%d) = %q, want %q", rcode, got, want)
		}
	}
}

// Each kind of reply has a counter of its own.
func TestCells(t *testing.T) {
	seen := make(map[cell]bool)
	for zone := range uint16(MaxZones) {
		for s := range NumSources {
			for class := range NumRcodeClasses {
				c := cellOf(zone, s, class)
				z, src, cl := c.split()
				if z != zone || src != s.CountedAs(class) || cl != class || int(c) >= cells || seen[c] {
					t.Fatalf("cellOf(%d, %v, %v) = %d, which is %d, %v, %v; seen before: %v", zone, s, class, c, z, src, cl, seen[c])
				}
				seen[c] = true
			}
		}
	}
}

// What tallies collect arrives whole, whatever meets in a slot.
func TestTally(t *testing.T) {
	type kind struct {
		zone   uint16
		source Source
		class  RcodeClass
	}
	want, others := make(map[kind]uint64), make(map[int]uint64)
	to := new(Replies)
	tallies := []*Tally{{To: to}, {To: to}}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		zone, source, rcode := uint16(r.IntN(MaxZones)), Source(r.IntN(int(NumSources))), r.IntN(numRcodes+4)
		y := tallies[r.IntN(len(tallies))]
		y.Reply(zone, source, rcode)
		if r.IntN(32) == 0 {
			y.Publish()
		}
		want[kind{zone, source.CountedAs(ClassOf(rcode)), ClassOf(rcode)}]++
		if ClassOf(rcode) == RcodeOther {
			others[min(rcode, numRcodes)]++
		}
	}
	for _, y := range tallies {
		y.Publish()
		y.Publish() // nothing twice
	}
	got, gotOthers := make(map[kind]uint64), make(map[int]uint64)
	to.Each(func(zone uint16, from Source, class RcodeClass, n uint64) { got[kind{zone, from, class}] += n })
	to.EachOther(func(rcode int, n uint64) { gotOthers[rcode] += n })
	if !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	if !maps.Equal(gotOthers, others) {
		t.Errorf("other rcodes %v, want %v", gotOthers, others)
	}
	if n := to.Total(); n != 20_000 {
		t.Errorf("Total = %d, want 20000", n)
	}
	to.Restart(7)
	to.Each(func(zone uint16, from Source, class RcodeClass, n uint64) {
		if zone == 7 {
			t.Errorf("after Restart: %d of %v, %v, want none of the zone", n, from, class)
		}
	})
}

// Each connection of a client has a tally.
func TestTallyIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Tally{}); n > 1024 {
		t.Errorf("a tally has %d octets, want 1024 at most", n)
	}
}

// A failure from the cache is no hit, to whoever counts.
func TestFailureIsNoHit(t *testing.T) {
	for rcode, want := range map[int]Source{wire.NoError: SourceHit, wire.NXDomain: SourceHit, wire.ServFail: SourceFailed} {
		if got := SourceHit.CountedAs(ClassOf(rcode)); got != want {
			t.Errorf("a hit with rcode %d counts as %v, want %v", rcode, got, want)
		}
	}
	if got := SourceMiss.CountedAs(RcodeServFail); got != SourceMiss {
		t.Errorf("a miss with SERVFAIL counts as %v, want miss", got)
	}
}

// Whoever looks while it is counted sees no more of a part than of the whole.
func TestLimitedAreDropped(t *testing.T) {
	to, over := new(Replies), make(chan struct{})
	var counting sync.WaitGroup
	counting.Go(func() {
		for y := (Tally{To: to}); ; {
			select {
			case <-over:
				return
			default:
			}
			y.Dropped, y.Limited = 1, 1
			y.Publish()
		}
	})
	for range 5_000_000 {
		if dropped, limited := to.DropCounts(); limited > dropped {
			t.Errorf("%d were dropped, and %d of them were limited", dropped, limited)
			break
		}
	}
	close(over)
	counting.Wait()
}
