package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"
)

// File is a file that was found whole.
type File struct {
	Stamp // when it was written

	from     io.ReaderAt
	sections []section
}

type section struct {
	name string
	off  int64
	size int64
}

// Open reads a file of that size and checks it, without keeping it in memory. What
// it is read from must not change any more. The error says what is wrong.
func Open(from io.ReaderAt, size int64) (*File, error) {
	f := &File{from: from}
	if err := f.readHeader(size); err != nil {
		return nil, err
	}
	var foot [footerSize]byte
	if _, err := from.ReadAt(foot[:], size-footerSize); err != nil {
		return nil, fmt.Errorf("reading a store: %w", err)
	}
	if binary.LittleEndian.Uint64(foot[12:]) != uint64(size) {
		return nil, errTruncated
	}
	crc := crc32.New(castagnoli)
	if _, err := io.CopyBuffer(crc, io.NewSectionReader(from, 0, size-4), make([]byte, 1<<16)); err != nil {
		return nil, fmt.Errorf("reading a store: %w", err)
	}
	if crc.Sum32() != binary.LittleEndian.Uint32(foot[20:]) {
		return nil, errChecksum
	}
	return f, f.readTable(int64(binary.LittleEndian.Uint64(foot[4:])), size-footerSize, binary.LittleEndian.Uint32(foot[:]))
}

// readHeader comes first: of another version nothing else is known.
func (f *File) readHeader(size int64) error {
	var head [headerSize]byte
	switch n, err := f.from.ReadAt(head[:], 0); {
	case err != nil && err != io.EOF:
		return fmt.Errorf("reading a store: %w", err)
	case string(head[:min(n, len(magic))]) != magic:
		return errMagic
	case size < headerSize+footerSize || n < headerSize:
		return errTruncated
	}
	if v := binary.LittleEndian.Uint32(head[8:]); v != version {
		return fmt.Errorf("of version %d, this program knows %d", v, version)
	}
	f.Boot = BootID(head[16:])
	f.Time = time.Duration(binary.LittleEndian.Uint64(head[32:]))
	return nil
}

// readTable reads the table from off up to end.
func (f *File) readTable(off, end int64, n uint32) error {
	if off < headerSize || off > end || end-off > maxTable || n > maxSections {
		return errTable
	}
	table := make([]byte, end-off)
	if _, err := f.from.ReadAt(table, off); err != nil && len(table) > 0 {
		return fmt.Errorf("reading a store: %w", err)
	}
	for range n {
		s, rest, ok := cutSection(table)
		if !ok || s.off < headerSize || s.off > off || s.size < 0 || s.size > off-s.off {
			return errTable
		}
		f.sections, table = append(f.sections, s), rest
	}
	if len(table) > 0 {
		return errTable
	}
	return nil
}

// cutSection reads the first line of a table.
func cutSection(table []byte) (s section, rest []byte, ok bool) {
	if len(table) == 0 || len(table) < 1+int(table[0])+16 {
		return s, nil, false
	}
	end := 1 + int(table[0])
	s.name = string(table[1:end])
	s.off = int64(binary.LittleEndian.Uint64(table[end:]))
	s.size = int64(binary.LittleEndian.Uint64(table[end+8:]))
	return s, table[end+16:], true
}

// Section returns what the section of that name holds, or nil when there is none.
func (f *File) Section(name string) *io.SectionReader {
	i := slices.IndexFunc(f.sections, func(s section) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return io.NewSectionReader(f.from, f.sections[i].off, f.sections[i].size)
}
