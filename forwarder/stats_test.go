package forwarder

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
		if got := rcodeName(rcode); got != want {
			t.Errorf("rcodeName(%d) = %q, want %q", rcode, got, want)
		}
	}
}

// Each kind of reply has a counter of its own.
func TestCells(t *testing.T) {
	seen := make(map[cell]bool)
	for zone := range uint16(maxZones) {
		for s := range NumSources {
			for class := range NumRcodeClasses {
				c := cellOf(zone, s, class)
				z, src, cl := c.split()
				if z != zone || src != s.countedAs(class) || cl != class || int(c) >= cells || seen[c] {
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
		zone   string
		source Source
		rcode  string
	}
	var zones [maxZones]string
	for i := range zones {
		zones[i] = string(rune('A' + i))
	}
	want, rcodes := make(map[kind]uint64), make(map[string]uint64)
	to := new(counters)
	tallies := []*tally{{to: to}, {to: to}}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		zone, source, rcode := r.IntN(maxZones), Source(r.IntN(int(NumSources))), r.IntN(numRcodes+4)
		y := tallies[r.IntN(len(tallies))]
		y.reply(uint16(zone), source, rcode)
		if r.IntN(32) == 0 {
			y.publish()
		}
		want[kind{zones[zone], source.countedAs(classOf(rcode)), classOf(rcode).String()}]++
		rcodes[rcodeName(rcode)]++
	}
	for _, y := range tallies {
		y.publish()
		y.publish() // nothing twice
	}
	st := Stats{Rcodes: make(map[string]uint64)}
	st.add("udp", to, &zones)
	got := make(map[kind]uint64)
	for _, q := range st.Queries {
		got[kind{q.Zone, q.Source, q.Rcode.String()}] += q.Count
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	if !maps.Equal(st.Rcodes, rcodes) {
		t.Errorf("by rcode %v, want %v", st.Rcodes, rcodes)
	}
	to.restart(7)
	after := Stats{Rcodes: make(map[string]uint64)}
	after.add("udp", to, &zones)
	for _, q := range after.Queries {
		if q.Zone == zones[7] {
			t.Errorf("after restart: %+v, want none of the zone", q)
		}
	}
}

// Each connection of a client has a tally.
func TestTallyIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(tally{}); n > 1024 {
		t.Errorf("a tally has %d octets, want 1024 at most", n)
	}
}

// A failure from the cache is no hit, to whoever counts.
func TestFailureIsNoHit(t *testing.T) {
	for rcode, want := range map[int]Source{wire.NoError: SourceHit, wire.NXDomain: SourceHit, wire.ServFail: SourceFailed} {
		if got := SourceHit.countedAs(classOf(rcode)); got != want {
			t.Errorf("a hit with rcode %d counts as %v, want %v", rcode, got, want)
		}
	}
	if got := SourceMiss.countedAs(RcodeServFail); got != SourceMiss {
		t.Errorf("a miss with SERVFAIL counts as %v, want miss", got)
	}
}

// Whoever looks while it is counted sees no more of a part than of the whole.
func TestLimitedAreDropped(t *testing.T) {
	to, over := new(counters), make(chan struct{})
	var counting sync.WaitGroup
	counting.Go(func() {
		for y := (tally{to: to}); ; {
			select {
			case <-over:
				return
			default:
			}
			y.dropped, y.limited = 1, 1
			y.publish()
		}
	})
	var st Stats
	for range 5_000_000 {
		st.Limited, st.Dropped = 0, 0
		st.addDropped(to)
		if st.Limited > st.Dropped {
			t.Errorf("%d were dropped, and %d of them were limited", st.Dropped, st.Limited)
			break
		}
	}
	close(over)
	counting.Wait()
}
