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

	mu      sync.Mutex
	changed sync.Cond
	entries []entry
	size    int // octets of lines in entries
	lost    int
	closing bool
}

// entry is a line, or something to do between lines.
type entry struct {
	level slog.Level
	line  []byte
	do    func()
}

// newQueue returns a queue to s that makes lines of its own with note, and counts
// in l what is lost. It needs run.
func newQueue(s sink, note func(msg string) []byte, l *loss) *queue {
	q := &queue{sink: s, note: note, loss: l, ended: make(chan struct{})}
	q.changed.L = &q.mu
	return q
}

// put hands over a line. It does not block.
func (q *queue) put(level slog.Level, line []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.size+len(line) > maxQueued {
		q.lost++
		q.loss.add(1)
		return
	}
	q.size += len(line)
	q.push(entry{level: level, line: line})
}

// push appends an entry. The caller holds mu.
func (q *queue) push(e entry) {
	q.entries = append(q.entries, e)
	q.changed.Signal()
}

// ask has f called behind the lines that wait now, and returns where its
// answer will come.
func ask[T any](q *queue, f func() T) <-chan T {
	answer := make(chan T, 1)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.push(entry{do: func() { answer <- f() }})
	return answer
}

// close has the sink closed when all lines are written; nothing may be put
// afterwards. ended tells when it is done.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closing = true
	q.changed.Signal()
}

// run writes lines until the queue is closed.
func (q *queue) run() {
	defer close(q.ended)
	var entries []entry
	for more := true; more; {
		var lost int
		entries, lost, more = q.take(entries)
		for _, e := range entries {
			q.serve(e)
		}
		if lost > 0 {
			q.sink.write(Warning, q.note(fmt.Sprintf("%d lines were lost: writing them took too long", lost)))
		}
		q.sink.flush()
		clear(entries)
	}
	q.err = q.sink.close()
}

// take waits for entries and takes them all, leaving used, which is empty from
// now on, in their place. The lines that were lost came behind them.
func (q *queue) take(used []entry) (entries []entry, lost int, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.entries) == 0 && !q.closing {
		q.changed.Wait()
	}
	entries, q.entries = q.entries, used[:0]
	lost, q.lost = q.lost, 0
	q.size = 0
	return entries, lost, !q.closing
}

func (q *queue) serve(e entry) {
	if e.do != nil {
		e.do()
		return
	}
	q.sink.write(e.level, e.line)
}

// startTimeout returns a channel that is closed when sinks have had time enough.
func startTimeout() (late <-chan struct{}, stop func() bool) {
	c := make(chan struct{})
	return c, time.AfterFunc(sinkTimeout, func() { close(c) }).Stop
}
