package upstream

import (
	"sync/atomic"
	"time"
)

// burstShare of a second's packets may leave at once. A tenth keeps any second
// below 1.1 times the rate: 990 of the VPC resolver's 1024 at the default 900,
// which leaves 37 ms for packets that pause before they leave.
const burstShare = 10

// bucket is a token bucket of packets, kept as the time at which it will be
// full again (GCRA). A client and the one that replaces it spend from the same:
// it may be used by both at once, each under its own lock.
type bucket struct {
	pps  atomic.Int64 // 0 is no limit
	full atomic.Int64 // time.Duration since the first client's epoch
	use  atomic.Int64 // as full, of a bucket that fills at half the rate
	sent atomic.Uint64
}

func newBucket(pps int) *bucket {
	b := new(bucket)
	b.limit(pps)
	return b
}

// limit sets the packets a second; 0 is no limit.
func (b *bucket) limit(pps int) { b.pps.Store(int64(max(pps, 0))) }

// interval is the time of one packet, 0 without a limit.
func (b *bucket) interval() time.Duration {
	if pps := b.pps.Load(); pps > 0 {
		return time.Second / time.Duration(pps)
	}
	return 0
}

// room is how long an empty bucket takes to fill, at so much a packet.
func room(interval time.Duration) time.Duration {
	return max(time.Second/burstShare, (tcpCost+connectCost)*interval)
}

// spend uses up n packets, or says that there are not so many.
func (b *bucket) spend(n int, now time.Duration) bool {
	interval := b.interval()
	for interval > 0 {
		old := b.full.Load()
		full := max(time.Duration(old), now) + time.Duration(n)*interval
		if full-now > room(interval) {
			return false
		}
		if b.full.CompareAndSwap(old, int64(full)) {
			break
		}
	}
	b.use.Store(int64(min(max(time.Duration(b.use.Load()), now)+2*time.Duration(n)*interval, now+2*strain)))
	b.sent.Add(uint64(n))
	return true
}

// has reports whether there are n packets.
func (b *bucket) has(n int, now time.Duration) bool {
	interval := b.interval()
	full := max(time.Duration(b.full.Load()), now) + time.Duration(n)*interval
	return interval == 0 || full-now <= room(interval)
}

// used is how much is spent when n packets more are, as the time that it takes to come
// again; 0 without a limit.
func (b *bucket) used(n int, now time.Duration) time.Duration {
	interval := b.interval()
	if interval == 0 {
		return 0
	}
	return max(0, time.Duration(b.full.Load())-now) + time.Duration(n)*interval
}

// tokens is how many packets may leave at once; 0 also without a limit.
func (b *bucket) tokens(now time.Duration) int {
	interval := b.interval()
	if interval == 0 {
		return 0
	}
	return int(max(0, room(interval)-max(0, time.Duration(b.full.Load())-now)) / interval)
}

// strain is how far the bucket of half the rate is overdrawn when more than half
// of the budget counts as used: after half a second of all of it, or five of 55 %.
const strain = 500 * time.Millisecond

// strained reports whether more than half of the budget has been used for a
// while.
func (b *bucket) strained(now time.Duration) bool { return time.Duration(b.use.Load())-now > strain }

// halfFull reports whether half of the bucket is there, or there is no limit.
func (b *bucket) halfFull(now time.Duration) bool {
	interval := b.interval()
	return interval == 0 || time.Duration(b.full.Load())-now < room(interval)/2
}
