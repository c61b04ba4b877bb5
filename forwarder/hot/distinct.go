package hot

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	setBits = 1 << 16

	// spans of spanLength make a minute, and a bit more.
	spans      = 7
	spanLength = 10 * time.Second
)

// Set is a set of hashes of which the number is asked: linear counting (Whang 1990). Its
// zero value is empty.
type Set [setBits / 64]atomic.Uint64

// Add adds a good hash.
func (s *Set) Add(hash uint64) {
	word, bit := &s[hash>>6%uint64(len(s))], uint64(1)<<(hash&63)
	if word.Load()&bit == 0 { // a write would take the line from the other processors
		word.Or(bit)
	}
}

// Distinct counts how many different keys came in the last minute: within two per cent
// up to a hundred thousand; more than half a million it tells no longer apart, and more
// than MaxDistinct it never says.
// All methods may be called concurrently. It takes 56 kB.
type Distinct struct {
	now   atomic.Pointer[Set]
	sets  [spans]Set
	turns atomic.Int64 // how often the set has changed
	until atomic.Int64 // time.Duration
}

// MaxDistinct is what Len says when no bit is left, which counts as half of one:
// setBits × ln(2 × setBits).
const MaxDistinct = 772_244

// Init makes it ready to use.
func (d *Distinct) Init() { d.now.Store(&d.sets[0]) }

// Set is the set to which what comes now is to be added. Who keeps it for a while must
// look every second.
func (d *Distinct) Set() *Set { return d.now.Load() }

// Tick tells the time, about once a second, by one goroutine.
func (d *Distinct) Tick(now time.Duration) {
	if int64(now) < d.until.Load() {
		return
	}
	n := d.turns.Add(1)
	next := &d.sets[n%spans]
	for i := range next {
		next[i].Store(0)
	}
	d.until.Store(int64(now + spanLength))
	d.now.Store(next)
}

// Len is the number, of the last minute and the seconds of the span that has begun.
func (d *Distinct) Len() int {
	empty := 0
	for i := range d.sets[0] {
		var all uint64
		for j := range d.sets {
			all |= d.sets[j][i].Load()
		}
		empty += 64 - bits.OnesCount64(all)
	}
	const m = float64(setBits)
	return int(math.Round(m * math.Log(m/math.Max(float64(empty), 0.5))))
}
