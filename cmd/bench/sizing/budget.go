package sizing

import (
	"container/list"
	"time"
)

// The limits of the package upstream, by the same names.
const (
	burstShare   = 10
	drainEvery   = 2 * time.Millisecond
	wait         = 4500 * time.Millisecond // the life of a request
	firstWait    = wait - wait/9           // that of one that was not sent yet
	lastChance   = wait / 9 / 2
	strain       = 500 * time.Millisecond
	mostPending  = 10_000 // recursive-clients
	packetsFirst = 5      // of a bucket, however small
)

// line is where a request waits for packets: who stands in an earlier one goes first.
type line int

const (
	hot      line = iota // a client waits for a name that was known lately
	shared               // several clients wait
	client               // a client waits
	retried              // it was sent in vain
	prefetch             // nobody waits
	lines
)

// budget is a token bucket of packets, and the requests that wait for them.
type budget struct {
	interval  time.Duration // of one packet; 0 is no limit
	full, use time.Duration // when it is full again; the same of one that fills at half the rate
	lines     [lines]list.List
	owed      int // packets of checks, which go before all others
}

func (b *budget) limit(pps int) {
	if pps > 0 {
		b.interval = time.Second / time.Duration(pps)
	}
}

// spend takes a packet, or says that there is none.
func (b *budget) spend(now time.Duration) bool {
	full := max(b.full, now) + b.interval
	if full-now > max(time.Second/burstShare, packetsFirst*b.interval) {
		return false
	}
	b.full = full
	b.use = min(max(b.use, now)+2*b.interval, now+2*strain)
	return true
}

// strained reports whether more than half of the budget has been used for a while.
func (b *budget) strained(now time.Duration) bool { return b.use-now > strain }

// ahead reports whether somebody waits who goes before one that comes to l now. First
// tries take turns.
func (b *budget) ahead(l line) bool {
	for i := range max(l, client) + 1 {
		if b.lines[i].Len() > 0 {
			return true
		}
	}
	return b.owed > 0
}

// waiting counts those who wait.
func (b *budget) waiting() (n int) {
	for i := range b.lines {
		n += b.lines[i].Len()
	}
	return n
}

func (b *budget) put(f *fetch) { f.place = b.lines[f.line].PushBack(f) }

func (b *budget) remove(f *fetch) {
	b.lines[f.line].Remove(f.place)
	f.place = nil
}

// next returns who is served next, or nil: the oldest, but a newer one where the time of
// the oldest is nearly over.
func (b *budget) next(now time.Duration) *fetch {
	for i := range b.lines {
		l := &b.lines[i]
		if l.Len() == 0 {
			continue
		}
		f := l.Front().Value.(*fetch)
		if line(i) <= client && f.due-now < lastChance {
			f = l.Back().Value.(*fetch)
		}
		return f
	}
	return nil
}

// oldest returns who makes room for a request of a line, or nil.
func (b *budget) oldest(newcomer line) *fetch {
	for _, i := range [...]line{prefetch, retried, client, shared, hot} {
		if i >= newcomer && b.lines[i].Len() > 0 {
			return b.lines[i].Front().Value.(*fetch)
		}
	}
	return nil
}
