package upstream

import (
	"math"
	"math/bits"
	"time"
)

// tick is the resolution of all deadlines; alarms ring up to one tick late.
const tick = time.Millisecond

// wheelSlots is a horizon of 8.2 s, beyond the life of a request. An alarm
// that is due later is looked at again when its slot comes.
const wheelSlots = 8192

// ringer is what an alarm belongs to.
type ringer interface {
	// ring is called in a locked section, with the alarm no longer set.
	ring(c *Client)
}

// alarm is one deadline of its owner. The zero value is not set.
type alarm struct {
	next, prev *alarm
	owner      ringer
	due        time.Duration
	at         int64 // tick whose slot holds it; 0: none
}

func (a *alarm) armed() bool { return a.at != 0 }

// wheel is a timing wheel (Varghese and Lauck, 1987): one list of alarms for
// each tick, and a bit that says whether there are any.
type wheel struct {
	slots [wheelSlots]*alarm
	full  [wheelSlots / 64]uint64
	pos   int64 // the last tick that was looked at
	sleep int64 // the tick that the clock wakes at
	timer *time.Timer
}

const never = math.MaxInt64

func (w *wheel) init(now time.Duration) {
	w.pos = int64(now / tick)
	w.sleep = never
	w.timer = time.NewTimer(math.MaxInt64)
}

// set makes a ring at due, and no longer at another time.
func (w *wheel) set(a *alarm, due, now time.Duration) {
	w.clear(a)
	a.due = due
	a.at = min(max(int64((due+tick-1)/tick), w.pos+1), w.pos+wheelSlots-1)
	i := a.at % wheelSlots
	head := &w.slots[i]
	a.next = *head
	if a.next != nil {
		a.next.prev = a
	}
	*head = a
	w.full[i/64] |= 1 << (i % 64)
	if a.at < w.sleep {
		w.wakeAt(a.at, now)
	}
}

func (w *wheel) clear(a *alarm) {
	if !a.armed() {
		return
	}
	i := a.at % wheelSlots
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		w.slots[i] = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	if w.slots[i] == nil {
		w.full[i/64] &^= 1 << (i % 64)
	}
	a.next, a.prev, a.at = nil, nil, 0
}

// wakeAt arms the clock. It is not disarmed when an alarm is cleared: a clock
// that wakes for nothing some times a second costs less than that would.
func (w *wheel) wakeAt(at int64, now time.Duration) {
	w.sleep = at
	w.timer.Reset(max(0, time.Duration(at)*tick-now))
}

// advance rings every alarm that is due.
func (w *wheel) advance(c *Client) {
	end := int64(c.t / tick)
	for w.pos < end {
		at := w.after(w.pos)
		w.pos = min(at, end)
		for a := w.slots[w.pos%wheelSlots]; a != nil; a = w.slots[w.pos%wheelSlots] {
			w.clear(a)
			if a.due > c.t {
				w.set(a, a.due, c.t)
				continue
			}
			a.owner.ring(c)
		}
	}
	w.sleep = never
	if at := w.after(w.pos); at != never {
		w.wakeAt(at, c.t)
	}
}

// after returns the first tick after pos that has alarms, or never.
func (w *wheel) after(pos int64) int64 {
	for at := pos + 1; at < pos+wheelSlots; {
		i := at % wheelSlots
		if rest := w.full[i/64] >> (i % 64); rest != 0 {
			return at + int64(bits.TrailingZeros64(rest))
		}
		at += 64 - i%64
	}
	return never
}

// requests lists the requests that are in flight: each has an alarm set.
func (w *wheel) requests() (list []*Request) {
	for _, a := range w.slots {
		for ; a != nil; a = a.next {
			if r, ok := a.owner.(*Request); ok {
				list = append(list, r)
			}
		}
	}
	return list
}
