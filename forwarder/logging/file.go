package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"vpcdns/forwarder/host"
)

const (
	// retryAfter is how long a file that failed is left alone, so that a full
	// disk does not cost a system call a line.
	retryAfter = time.Second

	// bufferSize is what a buffered channel gathers: two pages, as stdio does.
	bufferSize = 8 << 10
)

var errFull = errors.New("size limit reached, writing stops")

// file is a log file that is rolled, or not, by the options of its Channel.
type file struct {
	Channel
	now    func() time.Time
	report func(string)
	note   func(string) []byte // makes a line of our own
	loss   *loss

	f     *os.File // nil: not open
	size  int64    // bytes in f and in buf
	buf   []byte   // lines that are not written yet
	err   error    // why the last attempt failed, nil if it did not
	retry time.Time
	lost  int // lines since err was first seen
	fault episode
	seen  time.Time // when the name was last known to lead to f
	stray error     // why what was moved away is written on, nil if it is not
	made  bool      // the directory was missing
}

func (f *file) write(_ slog.Level, line []byte) {
	if f.err != nil && f.now().Before(f.retry) {
		f.lose(1)
		return
	}
	if err := f.ready(); err != nil {
		f.lose(1)
		f.fail(err)
		return
	}
	f.add(line)
	if len(f.buf) >= bufferSize {
		f.writeOut()
	}
}

func (f *file) add(line []byte) {
	f.buf = append(f.buf, line...)
	f.size += int64(len(line))
}

// flush writes the lines of a channel that is not buffered.
func (f *file) flush() {
	if !f.Buffered {
		f.writeOut()
	}
}

// ready makes sure of an open file that may take one more line.
func (f *file) ready() error {
	if f.f != nil && f.now().Sub(f.seen) > retryAfter && f.moved() {
		f.renew()
	}
	if f.f == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if !f.over() {
		return nil
	}
	if f.Versions == NoVersions {
		return errFull
	}
	return f.restart()
}

// moved reports whether the name leads elsewhere: somebody, logrotate say, has
// removed the file or moved it away.
func (f *file) moved() bool {
	f.seen = f.now()
	named, err := os.Stat(f.Path)
	opened, openErr := f.f.Stat()
	return err != nil || openErr != nil || !os.SameFile(named, opened)
}

// renew opens the file that the name leads to now. What was moved away is written
// on if that cannot be had: it is better than nothing.
func (f *file) renew() {
	f.writeOut()
	old := f.f
	if old == nil {
		return // it could not be written
	}
	err := f.open()
	switch {
	case err == nil:
		old.Close()
	case unlinked(old):
		f.shut()
		err = nil // which is told when it is opened again
	case f.stray == nil:
		f.report(fmt.Sprintf("logging to %s: the file was moved, and no other can be opened: %v; what was moved is written on", f.Path, err))
	}
	f.stray = err
}

// over reports whether the file exceeds its size. What others did to the file
// counts: an operator may have emptied it.
func (f *file) over() bool {
	if f.Size == 0 || f.size <= f.Size {
		return false
	}
	f.writeOut()
	if f.f == nil {
		return false // it could not be written
	}
	if info, err := f.f.Stat(); err == nil {
		f.size = info.Size()
	}
	return f.size > f.Size
}

// restart rolls the file and opens a new one.
func (f *file) restart() error {
	f.shut()
	if err := f.roll(); err != nil {
		return err
	}
	return f.open()
}

func (f *file) open() error {
	place, made, err := host.LocateMade(f.Path)
	if err != nil {
		return err
	}
	defer place.Close()
	opened, err := place.Append()
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		opened.Close()
		return err
	}
	f.f, f.size, f.seen, f.made = opened, info.Size(), f.now(), made
	return nil
}

// writeOut writes the buffer with one write(2).
func (f *file) writeOut() {
	if len(f.buf) == 0 || f.f == nil {
		return
	}
	n, err := f.f.Write(f.buf)
	if err != nil {
		f.drop(n)
		f.shut()
		f.fail(err)
		return
	}
	f.buf = f.buf[:0]
	if f.fault.works(f.now()) {
		f.report(fmt.Sprintf("logging to %s works again (after %v), %d lines were lost", f.Path, f.fault.lasted(), f.fault.lost))
		f.fault.lost = 0
	}
	if f.err != nil {
		f.recovered()
	}
}

// drop gives up the buffer, of which n bytes were written. A line that was cut
// is ended, so that the next one does not stick to it.
func (f *file) drop(n int) {
	cut := n > 0 && f.buf[n-1] != '\n'
	f.lose(bytes.Count(f.buf[n:], []byte{'\n'}))
	f.buf = f.buf[:0]
	if cut {
		f.buf = append(f.buf, '\n')
	}
}

// lose counts lines that are lost.
func (f *file) lose(n int) {
	f.lost += n
	f.fault.lost += n
	f.loss.add(n)
}

func (f *file) fail(err error) {
	lost := f.fault.lost // the line in hand, before it was known to be the first
	if f.fault.fail(f.now()) {
		f.fault.lost = lost
		f.report(fmt.Sprintf("logging to %s failed: %v", f.Path, err))
	}
	f.loss.failed(f.Path, err, f.fault.began)
	f.err, f.retry = err, f.now().Add(retryAfter)
}

// recovered tells what was lost in the file too: who reads it should know.
func (f *file) recovered() {
	f.loss.works()
	if f.lost > 0 {
		f.add(f.note(fmt.Sprintf("%d lines were lost: %v", f.lost, f.err)))
	}
	f.err, f.lost = nil, 0
	f.writeOut()
}

// shut closes the descriptor; what is buffered stays.
func (f *file) shut() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

// first opens the file, and returns its directory if that had to be made. It
// reports its own failure.
func (f *file) first() (made string) {
	f.reopen()
	if f.f != nil && f.made {
		return filepath.Dir(f.Path)
	}
	return ""
}

// reopen begins as at start: versions without a size roll at each opening.
func (f *file) reopen() error {
	f.writeOut()
	f.shut()
	err := f.begin()
	if err != nil {
		f.fail(err)
	}
	return err
}

func (f *file) begin() error {
	if f.Versions == NoVersions || f.Size != 0 {
		return f.open()
	}
	return f.restart()
}

func (f *file) close() error {
	f.writeOut()
	if f.fault.failing {
		f.report(fmt.Sprintf("logging to %s fails at the end still, %d lines were lost", f.Path, f.fault.lost))
	}
	return f.shut()
}
