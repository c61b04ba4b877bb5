package dnstap

import "sync"

// What the queue holds at most. There are two of each, one being filled while the
// other is written, so that a tap takes 8 MB of memory in all.
const (
	maxMessages = 1 << 14
	maxOctets   = 2 << 20
)

// batch is messages in order; their data lie one behind the other.
type batch struct {
	list []Message // Data is nil
	ends []int32   // where the data of each end
	data []byte
}

func newBatch() *batch {
	return &batch{make([]Message, 0, maxMessages), make([]int32, 0, maxMessages), make([]byte, 0, maxOctets)}
}

// add appends a copy of m, if there is room.
func (b *batch) add(m *Message) bool {
	if len(b.list) == maxMessages || maxOctets-len(b.data) < len(m.Data) {
		return false
	}
	b.data = append(b.data, m.Data...)
	b.ends = append(b.ends, int32(len(b.data)))
	b.list = append(b.list, *m)
	b.list[len(b.list)-1].Data = nil
	return true
}

// each calls f with every message, whose data are valid as long as the batch is.
func (b *batch) each(f func(*Message)) {
	from := int32(0)
	for i := range b.list {
		m := &b.list[i]
		m.Data = b.data[from:b.ends[i]]
		from = b.ends[i]
		f(m)
	}
}

func (b *batch) reset() {
	clear(b.list)
	b.list, b.ends, b.data = b.list[:0], b.ends[:0], b.data[:0]
}

// queue holds messages until they are taken.
type queue struct {
	wake chan struct{} // has a value when there is something to take

	mu      sync.Mutex // held for a copy at most
	filling *batch     // nil: nothing is taken in
}

// put appends a copy of m, and reports whether there was room.
func (q *queue) put(m *Message) bool {
	q.mu.Lock()
	if q.filling == nil {
		q.mu.Unlock()
		return false
	}
	first := len(q.filling.list) == 0
	ok := q.filling.add(m)
	q.mu.Unlock()
	if first {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return ok
}

// take returns what is there, and has to in its place, which is empty, or nil.
func (q *queue) take(to *batch) *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.filling
	q.filling = to
	return b
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.filling == nil {
		return 0
	}
	return len(q.filling.list)
}

// stir wakes who takes, if there is something.
func (q *queue) stir() {
	if q.len() == 0 {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
