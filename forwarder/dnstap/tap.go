package dnstap

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Tap takes messages. Its methods may be called concurrently.
type Tap struct {
	clock            func() time.Duration
	types            atomic.Uint32 // Types
	queue            queue
	written, dropped atomic.Uint64
	opened, failed   atomic.Uint64

	output atomic.Pointer[string] // path; nil: the tap is off

	mu      sync.Mutex // held while the options change
	options Options
	writer  *writer // nil: the tap is off

	state sync.Mutex // guards what follows
	err   error
	since time.Time
}

// New returns a tap that is off. clock is that of the messages' times.
func New(clock func() time.Duration) *Tap {
	return &Tap{clock: clock, queue: queue{wake: make(chan struct{}, 1)}}
}

// Wants reports whether messages of a type are taken.
func (t *Tap) Wants(kind Type) bool { return Types(t.types.Load()).Has(kind) }

// Put takes a copy of m, or drops it. It waits for nobody.
func (t *Tap) Put(m *Message) {
	if !t.queue.put(m) {
		t.dropped.Add(1)
	}
}

// Stats returns what the tap has done.
func (t *Tap) Stats() Stats {
	state := t.State()
	return Stats{
		On: state.Output != "", Up: state.Output != "" && state.Err == nil,
		Written: t.written.Load(), Dropped: t.dropped.Load(), Waiting: t.queue.len(),
		Opened: t.opened.Load(), Failed: t.failed.Load(),
	}
}

// State returns how the output is.
func (t *Tap) State() (s State) {
	if path := t.output.Load(); path != nil {
		s.Output = *path
	}
	t.state.Lock()
	defer t.state.Unlock()
	s.Err, s.Since = t.err, t.since
	return s
}

func (o *Options) output() string {
	if o.Socket != "" {
		return o.Socket
	}
	return o.Files.Path()
}

// Set makes the tap do as o says. The output goes on where nothing else has changed
// than the types; else what was taken before is written as it was to be.
func (t *Tap) Set(o Options) {
	t.mu.Lock()
	defer t.mu.Unlock()
	same := o
	same.Types = t.options.Types
	if t.writer == nil || o.Types == 0 || same != t.options {
		t.close()
		t.start(o)
	}
	t.options = o
	t.types.Store(uint32(o.Types))
}

// start starts the writer, if there is something to write. mu is held.
func (t *Tap) start(o Options) {
	if o.Types == 0 {
		return
	}
	path := o.output()
	t.output.Store(&path)
	t.queue.take(newBatch())
	t.writer = newWriter(t, o)
	t.writer.start()
}

// Close turns the tap off, once what it has taken is written, or cannot be.
func (t *Tap) Close() { t.Set(Options{}) }

// close ends the writer, if there is one. mu is held.
func (t *Tap) close() {
	t.types.Store(0)
	if t.writer == nil {
		return
	}
	t.writer.end()
	t.writer = nil
	t.output.Store(nil)
	t.note(nil)
}

// ErrOff says that the tap is off.
var ErrOff = errors.New("nothing is tapped")

// Reopen begins another file, and keeps former ones as keep says; or connects anew. The
// error is that of this, or ErrOff.
func (t *Tap) Reopen(ctx context.Context, keep Keep) error {
	t.mu.Lock()
	w := t.writer
	t.mu.Unlock()
	if w == nil {
		return ErrOff
	}
	return w.askReopen(ctx, keep)
}

// note notes how the output is.
func (t *Tap) note(err error) {
	t.state.Lock()
	defer t.state.Unlock()
	if err != nil && t.err == nil {
		t.since = time.Now()
	}
	if err != nil {
		t.failed.Add(1)
	}
	t.err = err
}

func (t *Tap) failing() bool { return t.State().Err != nil }
