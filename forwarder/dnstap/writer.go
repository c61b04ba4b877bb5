package dnstap

import (
	"context"
	"encoding/binary"
	"sync"
	"time"
)

const (
	// gather is how long messages gather until they are written together.
	gather = 10 * time.Millisecond

	// chunk is how many octets are written at once.
	chunk = 64 << 10
)

// output is where frames go.
type output interface {
	// write writes whole frames, of which none has arrived if it fails.
	write(frames []byte) error

	// room is how many octets more may be written before renew is called.
	room() int64

	// lost says why nothing more can be written, if that is known; nil: it can.
	lost() error

	// over is closed when there is no reader any more; nil for a file.
	over() <-chan struct{}

	// close ends the stream.
	close()
}

// writer is the goroutine that writes.
type writer struct {
	tap     *Tap
	o       Options
	encoder *encoder
	spare   *batch
	frames  []byte // to be written
	n       uint64 // of them
	out     output // nil: there is none
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	reopen  chan reopening
	tried   time.Time   // when the output was opened last
	again   *time.Timer // fires when it is to be tried again
	paused  bool        // until then: nothing is taken from the queue
}

// reopening is a wish, and where its outcome goes.
type reopening struct {
	keep Keep
	done chan<- error
}

func newWriter(t *Tap, o Options) *writer {
	w := &writer{tap: t, o: o, encoder: newEncoder(o.Identity, o.Version), spare: newBatch(), reopen: make(chan reopening)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.again = time.NewTimer(0)
	return w
}

func (w *writer) start() { w.wg.Go(w.run) }

func (w *writer) end() {
	w.cancel()
	w.wg.Wait()
}

func (w *writer) askReopen(ctx context.Context, keep Keep) error {
	done := make(chan error, 1)
	select {
	case w.reopen <- reopening{keep, done}:
		return <-done
	case <-w.ctx.Done():
		return ErrOff
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) run() {
	defer w.again.Stop()
	defer w.finish()
	w.open(KeepFormer)
	for {
		select {
		case <-w.wake():
			w.pause(gather)
			w.writeAll(w.tap.queue.take(w.spare))
		case <-w.over():
			w.fail(w.out.lost())
		case <-w.again.C:
			w.resume()
		case r := <-w.reopen:
			r.done <- w.open(r.keep)
		case <-w.ctx.Done():
			return
		}
	}
}

// wake has a value when there is something to write, and where to.
func (w *writer) wake() <-chan struct{} {
	if w.paused {
		return nil
	}
	return w.tap.queue.wake
}

func (w *writer) over() <-chan struct{} {
	if w.out == nil {
		return nil
	}
	return w.out.over()
}

// pause lets messages gather, unless the tap is to end.
func (w *writer) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

// finish writes what is left, and ends the output.
func (w *writer) finish() {
	if b := w.tap.queue.take(nil); w.out != nil && !w.paused {
		w.writeAll(b)
	} else {
		w.tap.dropped.Add(uint64(len(b.list)))
	}
	w.shut()
}

func (w *writer) shut() {
	if w.out != nil {
		w.out.close()
		w.out = nil
	}
}

// open opens the output, or another one in its place.
func (w *writer) open(keep Keep) error {
	w.shut()
	w.tried = time.Now()
	out, err := w.newOutput(keep)
	if err != nil {
		w.fail(err)
		return err
	}
	w.out = out
	w.tap.opened.Add(1)
	w.works()
	return nil
}

func (w *writer) newOutput(keep Keep) (output, error) {
	if w.o.Socket != "" {
		return connect(w.ctx, w.o.Socket)
	}
	return openFile(w.o.Files, keep, w.o.Size)
}

// works goes on with what waits.
func (w *writer) works() {
	w.tap.note(nil)
	w.paused = false
	w.tap.queue.stir()
}

// fail leaves the output alone for a while. One that is lost is given up.
func (w *writer) fail(err error) {
	if w.out != nil && w.out.lost() != nil {
		w.shut()
	}
	w.tap.note(err)
	w.paused = true
	w.again.Reset(max(0, w.o.Again-time.Since(w.tried)))
	w.tried = time.Now()
}

// resume tries again.
func (w *writer) resume() {
	switch {
	case !w.paused:
	case w.out == nil:
		w.open(KeepFormer)
	default:
		w.tried = time.Now()
		w.paused = false
		w.tap.queue.stir()
	}
}

// writeAll writes a batch, which becomes the spare one.
func (w *writer) writeAll(b *batch) {
	w.encoder.zeroed = time.Now().Add(-w.tap.clock())
	w.look()
	b.each(w.add)
	w.flush()
	b.reset()
	w.spare = b
}

// look sees whether the output is still there.
func (w *writer) look() {
	if err := w.out.lost(); err != nil {
		w.open(KeepFormer)
	}
}

// add adds m to what is to be written.
func (w *writer) add(m *Message) {
	frame, err := w.encoder.encode(m)
	if err != nil || w.paused {
		w.tap.dropped.Add(1)
		return
	}
	w.frames = binary.BigEndian.AppendUint32(w.frames, uint32(len(frame)))
	w.frames = append(w.frames, frame...)
	w.n++
	if n := int64(len(w.frames)); n >= chunk || n >= w.out.room() {
		w.flush()
	}
}

// flush writes the frames. What cannot be written is dropped.
func (w *writer) flush() {
	if w.n == 0 {
		return
	}
	err := w.out.write(w.frames)
	if err != nil {
		w.tap.dropped.Add(w.n)
		w.fail(err)
	} else {
		w.tap.written.Add(w.n)
		w.wrote()
	}
	w.frames, w.n = w.frames[:0], 0
}

// wrote notes that the output works, and begins another where it is full.
func (w *writer) wrote() {
	if w.tap.failing() {
		w.works()
	}
	if w.out.room() <= 0 {
		w.open(KeepAsConfigured)
	}
}
