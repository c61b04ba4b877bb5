// Package hot finds what is frequent in a stream, in bounded memory: the names that
// are asked for most, the clients that ask most. It knows neither; keys are hashes.
package hot

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Table counts the most frequent keys of a stream: space-saving counters (Metwally,
// Agrawal, El Abbadi 2005). A new key takes the place of the one with the least count,
// and inherits that count as its possible error. With size counters and a stream of
// weight W every key that has more than W/size of it is there, and no count is more
// than W/size too high. So a flood of random keys drives out none that is truly
// frequent. Counts halve every half-life. All methods may be called concurrently.
type Table struct {
	size, octets int
	halfLife     float64 // s; 0: for ever

	mu     sync.Mutex
	items  []item
	heap   []uint32 // their numbers, the least count at the front
	index  index    // their numbers by key
	labels []byte   // octets for each
	total  float64  // of the stream, scaled as counts
	epoch  time.Duration
	began  time.Duration // when the first key came
}

// item is a counter. Counts are scaled: those that come later weigh more, in place of
// all others less (forward decay).
type item struct {
	key         uint64
	count, over float64
	last        time.Duration
	number, at  uint32 // its place in items, in heap
	length      uint16 // of its label
}

// New returns a table of size counters with labels of so many octets at most, which
// takes about size × (80 + octets) octets of memory. halfLife 0 is for ever.
func New(size, octets int, halfLife time.Duration) *Table {
	return &Table{
		size: size, octets: octets, halfLife: halfLife.Seconds(),
		items:  make([]item, 0, size),
		heap:   make([]uint32, 0, size),
		index:  newIndex(size),
		labels: make([]byte, size*octets),
	}
}

// Add counts weight for a key, which must be a good hash: by one with a secret seed
// nobody can make keys meet. The label is copied, if it is short enough, and stays with
// the key. now does not run backwards by more than moments.
func (t *Table) Add(key uint64, label []byte, weight uint32, now time.Duration) {
	t.mu.Lock()
	if len(t.items) == 0 {
		t.began, t.epoch = now, now
	}
	scaled := float64(weight) * t.scale(now)
	t.total += scaled
	i, ok := t.index.get(key)
	if !ok {
		i = t.enter(key, label)
	}
	it := &t.items[i]
	it.count += scaled
	it.last = max(it.last, now)
	t.sink(it.at)
	t.mu.Unlock()
}

// rescaleAt is where counts are scaled down again: far below what a float64 holds.
const rescaleAt = 1 << 40

// scale returns what a weight of 1 counts now.
func (t *Table) scale(now time.Duration) float64 {
	if t.halfLife == 0 {
		return 1
	}
	scale := math.Exp2((now - t.epoch).Seconds() / t.halfLife)
	if scale <= rescaleAt {
		return scale
	}
	for i := range t.items {
		t.items[i].count /= scale
		t.items[i].over /= scale
	}
	t.total /= scale
	t.epoch = now
	return 1
}

// enter gives a key a counter.
func (t *Table) enter(key uint64, label []byte) uint32 {
	i := uint32(len(t.items))
	if len(t.items) < t.size {
		t.items = append(t.items, item{number: i, at: i})
		t.heap = append(t.heap, i)
		t.rise(i)
	} else {
		i = t.heap[0]
		t.index.delete(t.items[i].key)
	}
	it := &t.items[i]
	it.key, it.over, it.length = key, it.count, 0
	if len(label) <= t.octets {
		it.length = uint16(copy(t.labels[int(i)*t.octets:], label))
	}
	t.index.put(key, i)
	return i
}

// sink moves the counter at a place of the heap to where it belongs behind it.
func (t *Table) sink(at uint32) {
	for {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && int(child) < len(t.heap); child++ {
			if t.countAt(child) < t.countAt(least) {
				least = child
			}
		}
		if least == at {
			return
		}
		t.swap(at, least)
		at = least
	}
}

// rise moves the counter at a place of the heap, which is 0, to the front.
func (t *Table) rise(at uint32) {
	for at > 0 {
		t.swap(at, (at-1)/2)
		at = (at - 1) / 2
	}
}

func (t *Table) countAt(at uint32) float64 { return t.items[t.heap[at]].count }

func (t *Table) swap(a, b uint32) {
	t.heap[a], t.heap[b] = t.heap[b], t.heap[a]
	t.items[t.heap[a]].at, t.items[t.heap[b]].at = a, b
}

// Item is a key with its count.
type Item struct {
	Key   uint64
	Label []byte // a copy; empty if it was too long
	Count float64
	Over  float64       // Count is too high by so much at most
	Share float64       // of the stream's weight: at least, 0 to 1
	Rate  float64       // weight a second: at least. With a half-life the mean of about the last two of them, else that since the first key
	Last  time.Duration // when it came last
}

// AtLeast is what the key has counted at least.
func (i *Item) AtLeast() float64 { return i.Count - i.Over }

// gone is a count so small that nothing is said of it: one of 1 that is more than three
// half-lives old.
const gone = 0.1

// Top returns the n keys that have counted most for certain, those first.
func (t *Table) Top(n int, now time.Duration) []Item {
	list := make([]item, 0, t.size)
	t.mu.Lock()
	scale, total, began := t.scale(now), t.total, t.began
	list = append(list, t.items...)
	t.mu.Unlock()

	list = slices.DeleteFunc(list, func(i item) bool { return i.count-i.over < gone*scale })
	slices.SortFunc(list, later)
	list = list[:min(n, len(list))]
	perSecond := t.perSecond(now - began)
	top := make([]Item, 0, len(list))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range list {
		if t.items[i.number].key != i.key { // driven out meanwhile
			continue
		}
		least := i.count - i.over
		label := t.labels[int(i.number)*t.octets:][:i.length]
		top = append(top, Item{
			Key: i.key, Label: slices.Clone(label), Last: i.last, Count: i.count / scale, Over: i.over / scale,
			Share: least / total, Rate: least / scale * perSecond,
		})
	}
	return top
}

// later orders counters, those first that have counted most.
func later(a, b item) int {
	switch x, y := a.count-a.over, b.count-b.over; {
	case x > y:
		return -1
	case x < y:
		return 1
	case a.key < b.key:
		return -1
	}
	return 1
}

// perSecond is what a count of 1 is a second, in a table of an age.
func (t *Table) perSecond(age time.Duration) float64 {
	s := max(age, time.Second).Seconds()
	if t.halfLife == 0 {
		return 1 / s
	}
	lambda := math.Ln2 / t.halfLife
	return lambda / -math.Expm1(-lambda*s)
}
