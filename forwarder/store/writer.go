package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Writer writes a file. It does not buffer. After an error nothing more is
// written, and Close returns it.
type Writer struct {
	to    io.Writer
	n     int64 // written
	crc   uint32
	names []string
	from  []int64 // where each section starts
	err   error
}

// NewWriter begins a file that was written at that moment.
func NewWriter(to io.Writer, at Stamp) *Writer {
	w := &Writer{to: to}
	head := append(make([]byte, 0, headerSize), magic...)
	head = binary.LittleEndian.AppendUint32(head, version)
	head = binary.LittleEndian.AppendUint32(head, 0)
	head = append(head, at.Boot[:]...)
	w.Write(binary.LittleEndian.AppendUint64(head, uint64(at.Time)))
	return w
}

// Section begins a section, to which all belongs that is written from here on. Its
// name has up to 255 octets, and there are at most 64.
func (w *Writer) Section(name string) {
	if len(name) > maxName || len(w.names) == maxSections {
		w.fail(fmt.Errorf("section %.40q: too many, or too long a name", name))
		return
	}
	w.names, w.from = append(w.names, name), append(w.from, w.n)
}

// Write appends to the section that was begun last.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.to.Write(p)
	w.n += int64(n)
	w.crc = crc32.Update(w.crc, castagnoli, p[:n])
	if err != nil {
		w.fail(err)
	}
	return n, w.err
}

// Len returns how many octets were written.
func (w *Writer) Len() int64 { return w.n }

func (w *Writer) fail(err error) { w.err = errors.Join(w.err, err) }

// Close writes the rest of the file, without which it is none. It does not close
// what it writes to.
func (w *Writer) Close() error {
	table, end := w.n, w.n
	var tail []byte
	for i := len(w.names) - 1; i >= 0; i-- { // from the last on, as an end is the next one's start
		tail = append(append(tail, byte(len(w.names[i]))), w.names[i]...)
		tail = binary.LittleEndian.AppendUint64(tail, uint64(w.from[i]))
		tail = binary.LittleEndian.AppendUint64(tail, uint64(end-w.from[i]))
		end = w.from[i]
	}
	tail = binary.LittleEndian.AppendUint32(tail, uint32(len(w.names)))
	tail = binary.LittleEndian.AppendUint64(tail, uint64(table))
	tail = binary.LittleEndian.AppendUint64(tail, uint64(table)+uint64(len(tail))+12)
	w.Write(tail)
	w.Write(binary.LittleEndian.AppendUint32(nil, w.crc))
	if w.err != nil {
		return fmt.Errorf("writing a store: %w", w.err)
	}
	return nil
}
