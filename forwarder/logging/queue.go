package logging

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxQueued is how many octets of lines may wait for a sink, some ten
	// thousand lines; as many are being written at most.
	maxQueued = 1 << 20

	// gather is how long lines gather behind those that were written last, so that
	// many are written at once. The first after a pause does not wait.
	gather = 10 * time.Millisecond

	// hurryAt is how many octets of lines do not wait for more: a quarter, so that
	// the writer begins long before there is no room.
	hurryAt = maxQueued / 4

	// sinkTimeout is how long opening and closing wait for sinks that hang.
	sinkTimeout = time.Second
)

// queue leads to a sink that may block: a disk that hangs, a terminal that was
// stopped. Lines wait here for the goroutine that writes them, in order; when
// there are too many the new ones are lost and counted.
type queue struct {
	sink  sink // belongs to run
	note  func(msg string) []byte
	loss  *loss
	err   error // of closing the sink; set when ended is closed
	ended chan struct{}
	wake  chan struct{} // has a value when there is something to take
	hurry chan struct{} // has a value when it is to be taken at once

	mu      sync.Mutex
	filling batch
	lost    int
	closing bool
}

// batch is lines, and what is to be done between them. Their text lies one behind
// the other, and is used again.
type batch struct {
	entries []entry
	text    []byte
}

// entry is a line, or something to do.
type entry struct {
	level slog.Level
	end   int // of the line in the text of the batch
	do    func()
}

// newQueue returns a queue to s that makes lines of its own with note, and counts
// in l what is lost. It needs run.
func newQueue(s sink, note func(msg string) []byte, l *loss) *queue {
	return &queue{
		sink: s, note: note, loss: l, ended: make(chan struct{}),
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
	}
}

// put hands over a line of about so many octets, which add appends. It waits for
// other lines to be added, and for nothing else.
func (q *queue) put(level slog.Level, octets int, add func(dst []byte) []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.filling.text)+octets > maxQueued {
		q.lost++
		q.loss.add(1)
		return
	}
	q.filling.text = add(q.filling.text)
	q.push(entry{level: level})
	if level > Info || len(q.filling.text) >= hurryAt { // what is rare is not late
		signal(q.hurry)
	}
}

// push appends an entry. The caller holds mu.
func (q *queue) push(e entry) {
	e.end = len(q.filling.text)
	q.filling.entries = append(q.filling.entries, e)
	if len(q.filling.entries) == 1 {
		signal(q.wake)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// ask has f called behind the lines that wait now, and returns where its
// answer will come.
func ask[T any](q *queue, f func() T) <-chan T {
	answer := make(chan T, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(entry{do: func() { answer <- f() }})
	signal(q.hurry)
	return answer
}

// close has the sink closed when all lines are written; nothing may be put
// afterwards. ended tells when it is done.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closing = true
	signal(q.wake)
	signal(q.hurry)
}

// run writes lines until the queue is closed.
func (q *queue) run() {
	defer close(q.ended)
	rested := time.NewTimer(0)
	defer rested.Stop()
	var b batch
	for more := true; more; {
		q.wait(rested.C)
		var lost int
		b, lost, more = q.take(b)
		q.serve(&b)
		if lost > 0 {
			q.sink.write(Warning, q.note(fmt.Sprintf("%d lines were lost: writing them took too long", lost)))
		}
		q.sink.flush()
		rested.Reset(gather)
	}
	q.err = q.sink.close()
}

// wait waits until there is something to take, and lets more gather until rested.
func (q *queue) wait(rested <-chan time.Time) {
	<-q.wake
	select {
	case <-rested:
	case <-q.hurry:
	}
}

// take takes what is there, leaving used in its place, and what that holds is
// forgotten. The lines that were lost came behind it.
func (q *queue) take(used batch) (b batch, lost int, more bool) {
	clear(used.entries)
	used.entries, used.text = used.entries[:0], used.text[:0]
	q.mu.Lock()
	defer q.mu.Unlock()
	b, q.filling = q.filling, used
	lost, q.lost = q.lost, 0
	return b, lost, !q.closing
}

// serve writes the lines of a batch, and does what stands between them.
func (q *queue) serve(b *batch) {
	from := 0
	for _, e := range b.entries {
		if e.do != nil {
			e.do()
			continue
		}
		q.sink.write(e.level, b.text[from:e.end:e.end])
		from = e.end
	}
}

// startTimeout returns a channel that is closed when sinks have had time enough.
func startTimeout() (late <-chan struct{}, stop func() bool) {
	c := make(chan struct{})
	return c, time.AfterFunc(sinkTimeout, func() { close(c) }).Stop
}
