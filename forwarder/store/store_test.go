package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

var stamp = Stamp{BootID{1, 2, 3}, 5 * time.Hour}

// written returns a file of these sections, in the order of their names.
func written(t testing.TB, sections map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, stamp)
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		w.Section(name)
		for _, part := range strings.SplitAfter(sections[name], "\n") {
			io.WriteString(w, part)
		}
	}
	if w.Close() != nil || w.Len() != int64(b.Len()) {
		t.Fatalf("Close after %d octets, Len = %d", b.Len(), w.Len())
	}
	return b.Bytes()
}

func open(file []byte) (*File, error) { return Open(bytes.NewReader(file), int64(len(file))) }

// resealed has a checksum that is right.
func resealed(file []byte) []byte {
	n := len(file) - 4
	return binary.LittleEndian.AppendUint32(file[:n:n], crc32.Checksum(file[:n], castagnoli))
}

func TestSections(t *testing.T) {
	tests := []map[string]string{
		{},
		{"": ""},
		{"answers 1": "one\ntwo\n", "secrets": "", "zones": "."},
		{strings.Repeat("n", maxName): strings.Repeat("long\n", 1<<16)},
	}
	for _, want := range tests {
		f, err := open(written(t, want))
		if err != nil {
			t.Errorf("Open of %.40q = %v", want, err)
			continue
		}
		if f.Stamp != stamp {
			t.Errorf("Stamp = %v, want %v", f.Stamp, stamp)
		}
		for name, text := range want {
			if got, err := io.ReadAll(f.Section(name)); err != nil || string(got) != text {
				t.Errorf("Section(%.20q) = %.40q, %v, want %.40q", name, got, err, text)
			}
		}
		if f.Section("no such") != nil {
			t.Error("there is a section that nobody wrote")
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	full := NewWriter(io.Discard, stamp)
	for i := range maxSections + 1 {
		full.Section(fmt.Sprint(i))
	}
	long := NewWriter(io.Discard, stamp)
	long.Section(strings.Repeat("n", maxName+1))
	r, broken := io.Pipe()
	r.CloseWithError(errors.New("disk full"))
	for name, w := range map[string]*Writer{"too many sections": full, "too long a name": long, "broken": NewWriter(broken, stamp)} {
		if err := w.Close(); err == nil {
			t.Errorf("%s: Close = nil, want an error", name)
		}
	}
}

// What is in doubt is not taken, and the reason is said.
func TestOpenRefuses(t *testing.T) {
	good := written(t, map[string]string{"a": "text", "b": "more"})
	edited := func(at int, text string) []byte {
		file := bytes.Clone(good)
		copy(file[at:], text)
		return file
	}
	foot := len(good) - footerSize
	table := foot - 2*(1+1+16)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "no file of this program"},
		{"another's", []byte("\x7fELF and more, much more than a header has, and a footer has"), "no file of this program"},
		{"only the beginning", good[:12], "truncated"},
		{"cut", good[:len(good)-1], "truncated"},
		{"longer", append(bytes.Clone(good), 0), "truncated"},
		{"older version", edited(8, "\x00"), "of version 0, this program knows 1"},
		{"newer version", edited(8, "\x02"), "of version 2, this program knows 1"},
		{"a bit of a section", edited(headerSize, "u"), "wrong checksum"},
		{"a bit of the boot", edited(16, "\x02"), "wrong checksum"},
		{"a bit of the checksum", edited(len(good)-1, string([]byte{^good[len(good)-1]})), "wrong checksum"},
		{"the table is in the header", resealed(edited(foot+4, "\x01\x00")), "broken table"},
		{"the table is behind the end", resealed(edited(foot+4, "\xff\xff\xff\xff\xff\xff\xff\xff")), "broken table"},
		{"more sections than are there", resealed(edited(foot, "\x03")), "broken table"},
		{"fewer sections", resealed(edited(foot, "\x01")), "broken table"},
		{"a great many sections", resealed(edited(foot, "\xff\xff\xff\xff")), "broken table"},
		{"a long name", resealed(edited(table, "\xff")), "broken table"},
		{"a section in the header", resealed(edited(table+2, "\x00")), "broken table"},
		{"a section behind the end", resealed(edited(table+2, "\xff")), "broken table"},
		{"an endless section", resealed(edited(table+10, "\xff\xff\xff\xff\xff\xff\xff\x7f")), "broken table"},
		{"a section of less than nothing", resealed(edited(table+10, "\xff\xff\xff\xff\xff\xff\xff\xff")), "broken table"},
	}
	for _, tt := range tests {
		if _, err := open(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Open = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestSince(t *testing.T) {
	other := Stamp{BootID{9}, stamp.Time}
	later := Stamp{stamp.Boot, stamp.Time + time.Minute}
	tests := []struct {
		name      string
		now, then Stamp
		want      time.Duration
		err       string
	}{
		{"later", later, stamp, time.Minute, ""},
		{"at once", stamp, stamp, 0, ""},
		{"backwards", stamp, later, 0, "written 1m0s from now"},
		{"another boot", later, other, 0, "started anew"},
		{"no boot", Stamp{}, Stamp{}, 0, "does not tell"},
	}
	for _, tt := range tests {
		got, err := tt.now.Since(tt.then)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: Since = %v, %v, want %v, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// FuzzOpen opens anything with a checksum that is right: what is taken lies inside
// it. And what was written is read.
func FuzzOpen(f *testing.F) {
	f.Add(written(f, map[string]string{"a": "text", "b": "more"}))
	f.Add(written(f, nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > footerSize {
			binary.LittleEndian.PutUint64(file[len(file)-12:], uint64(len(file)))
			if got, err := open(resealed(file)); err == nil {
				readAll(t, got, len(file))
			}
		}
		name, text, _ := strings.Cut(string(file), "\n")
		name = name[:min(len(name), maxName)]
		got, err := open(written(t, map[string]string{name: text}))
		if err != nil {
			t.Fatalf("Open of what was written = %v", err)
		}
		if read, err := io.ReadAll(got.Section(name)); err != nil || string(read) != text {
			t.Fatalf("Section(%q) = %q, %v, want %q", name, read, err, text)
		}
	})
}

func readAll(t *testing.T, f *File, size int) {
	t.Helper()
	for _, s := range f.sections {
		if text, err := io.ReadAll(f.Section(s.name)); err != nil || len(text) > size {
			t.Fatalf("Section(%q) = %d octets, %v, of a file of %d", s.name, len(text), err, size)
		}
	}
}
