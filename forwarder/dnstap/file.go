package dnstap

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"

	framestream "github.com/farsightsec/golang-framestream"
)

// contentType is what frames hold (https://dnstap.info).
var contentType = []byte("protobuf:dnstap.Dnstap")

// file is an output to a file.
type file struct {
	f     *os.File
	path  string
	size  int64 // octets of whole frames
	limit int64
	seen  time.Time // when its name was known to be there
	cut   error     // why the rest of a frame could not be taken away again
}

// lookEvery is how often a file is looked for by its name.
const lookEvery = time.Second

func openFile(files Files, keep Keep, limit int64) (*file, error) {
	f, err := files.Open(keep)
	if err != nil {
		return nil, err
	}
	o := &file{f: f, path: files.Path(), limit: limit, seen: time.Now()}
	if limit == 0 {
		o.limit = math.MaxInt64
	}
	start := framestream.ControlStart
	start.SetContentType(contentType)
	if err := o.write(control(start)); err != nil {
		f.Close()
		return nil, err
	}
	return o, nil
}

// control is a control frame with its escape.
func control(c framestream.ControlFrame) []byte {
	var b bytes.Buffer
	c.Encode(&b) // no error: a buffer has room
	return b.Bytes()
}

// write leaves nothing of a frame that could not be written whole, so that the file
// can be read to its end.
func (o *file) write(frames []byte) error {
	n, err := o.f.Write(frames)
	if err != nil {
		if n > 0 {
			o.cut = o.f.Truncate(o.size)
		}
		return fmt.Errorf("writing messages: %w", err)
	}
	o.size += int64(n)
	return nil
}

func (o *file) room() int64 { return o.limit - o.size }

// lost is said of a file that was removed, moved away or emptied by others, as by
// logrotate: what is written there nobody may find, or can read without its start.
func (o *file) lost() error {
	ours, err := o.f.Stat()
	switch {
	case o.cut != nil || err != nil:
		return o.cut
	case ours.Mode().IsRegular() && ours.Size() < o.size:
		return errors.New("writing messages: the file was emptied")
	case time.Since(o.seen) < lookEvery:
		return nil
	}
	o.seen = time.Now()
	return o.moved(ours)
}

// moved is said of a file whose name leads to nothing or to an empty one. One with
// messages in it is left alone: it is of the process that follows this one.
func (o *file) moved(ours fs.FileInfo) error {
	at, err := os.Stat(o.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("writing messages: %w", err)
	case err == nil && at.Mode().IsRegular() && at.Size() == 0 && !os.SameFile(ours, at):
		return errors.New("writing messages: the file was moved away")
	}
	return nil
}

func (o *file) over() <-chan struct{} { return nil }

func (o *file) close() {
	o.write(control(framestream.ControlStop))
	o.f.Close()
}
