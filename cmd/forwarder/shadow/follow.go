package shadow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// followEvery is how often a log is looked at.
const followEvery = 250 * time.Millisecond

// Follow calls f with each line that is added to a file from now on, until ctx
// ends, as tail -F does: a file that takes its name is read from its beginning,
// and one that was cut from there too. A file that is missing is waited for; the
// error is that it cannot be read.
func Follow(ctx context.Context, path string, f func(line string)) error {
	t := tail{path: path, line: f}
	defer t.close()
	if err := t.open(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("following a log: %w", err)
	}
	if t.file != nil {
		if _, err := t.file.Seek(0, io.SeekEnd); err != nil {
			return fmt.Errorf("following a log: %w", err)
		}
	}
	for sleep(ctx, followEvery) == nil {
		t.look()
	}
	return nil
}

// tail is the place in a log up to which it was read.
type tail struct {
	path    string
	line    func(string)
	file    *os.File
	partial []byte // of a line that is not whole yet
	skip    bool   // the rest of a line that is too long
}

func (t *tail) open() error {
	f, err := os.OpenFile(t.path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // of a pipe it would wait for a writer
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return errors.Join(err, fmt.Errorf("%s is no file", t.path))
	}
	t.close()
	t.file, t.partial, t.skip = f, nil, false
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		t.file.Close()
	}
}

// look reads what is new. A file that has lost its name is read to its end first.
func (t *tail) look() {
	if t.file == nil {
		if t.open() != nil {
			return
		}
	}
	t.read()
	old, err := t.file.Stat()
	if err != nil {
		return
	}
	now, err := os.Stat(t.path)
	if err != nil {
		return // renamed, and its successor is not there yet
	}
	if !os.SameFile(old, now) {
		t.read() // what came while it was renamed
		if t.open() == nil {
			t.read()
		}
		return
	}
	if at, err := t.file.Seek(0, io.SeekCurrent); err == nil && now.Size() < at {
		t.partial, t.skip = nil, false
		t.file.Seek(0, io.SeekStart)
		t.read()
	}
}

// read reads up to the end that the file has now.
func (t *tail) read() {
	buf := make([]byte, 1<<16)
	for {
		n, err := t.file.Read(buf)
		t.lines(buf[:n])
		if err != nil || n == 0 {
			return
		}
	}
}

// lines passes on the lines that are whole, and keeps the rest.
func (t *tail) lines(text []byte) {
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			break
		}
		if !t.skip {
			t.line(string(append(t.partial, line...)))
		}
		t.partial, t.skip, text = t.partial[:0], false, rest
	}
	if len(t.partial)+len(text) > maxLine {
		t.partial, t.skip = t.partial[:0], true
	}
	if !t.skip {
		t.partial = append(t.partial, text...)
	}
}
