package rndc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits of the protocol, in octets behind the length of a frame: named reads
// requests up to the first, rndc replies up to the second.
const (
	maxRequest = 32768
	maxReply   = 1 << 20
)

// maxNesting is how deep tables may lie within tables, as in BIND.
const maxNesting = 10

// kind is the type of a value on the wire. 0, a string, is defined and never
// sent.
type kind uint8

const (
	binaryKind kind = 1 // all texts and numbers; numbers are decimal
	tableKind  kind = 2
	listKind   kind = 3
)

// value is a text, or the entries of a table or list.
type value struct {
	kind  kind
	text  string
	table []entry
}

// entry is a value of a table with its key; in a list keys are empty.
type entry struct {
	key string
	value
}

func text(key, s string) entry { return entry{key, value{kind: binaryKind, text: s}} }

func table(key string, entries ...entry) entry {
	return entry{key, value{kind: tableKind, table: entries}}
}

// get returns the value of a key. Of several the last counts, as in BIND.
func get(entries []entry, key string) (value, bool) {
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].key == key {
			return entries[i].value, true
		}
	}
	return value{}, false
}

// textOf returns a text of a table, "" and false if there is none.
func textOf(entries []entry, key string) (string, bool) {
	v, ok := get(entries, key)
	return v.text, ok && v.kind == binaryKind
}

// tableOf returns a table of a table.
func tableOf(entries []entry, key string) ([]entry, bool) {
	v, ok := get(entries, key)
	return v.table, ok && v.kind == tableKind
}

var (
	errUnexpectedEnd = errors.New(UnexpectedEnd.String())
	errRange         = errors.New(OutOfRange.String())
	errSyntax        = errors.New("syntax error")
)

// appendTable appends the entries of a table. Keys have 255 octets at most.
func appendTable(dst []byte, entries []entry) []byte {
	for _, e := range entries {
		dst = append(dst, byte(len(e.key)))
		dst = append(dst, e.key...)
		dst = appendValue(dst, e.value)
	}
	return dst
}

func appendValue(dst []byte, v value) []byte {
	dst = append(dst, byte(v.kind), 0, 0, 0, 0)
	from := len(dst)
	switch v.kind {
	case tableKind:
		dst = appendTable(dst, v.table)
	case listKind:
		for _, e := range v.table {
			dst = appendValue(dst, e.value)
		}
	default:
		dst = append(dst, v.text...)
	}
	binary.BigEndian.PutUint32(dst[from-4:], uint32(len(dst)-from))
	return dst
}

// readTable reads entries to the end of s, of which their texts are parts.
func readTable(s string, depth int) (entries []entry, err error) {
	for s != "" {
		var e entry
		if e.key, s, err = cut(s[1:], int(s[0])); err != nil {
			return nil, err
		}
		if e.value, s, err = readValue(s, depth); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func readList(s string, depth int) (entries []entry, err error) {
	for s != "" {
		var e entry
		if e.value, s, err = readValue(s, depth); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// readValue reads a value, and returns what stands behind it.
func readValue(s string, depth int) (v value, rest string, err error) {
	k, body, rest, err := cutValue(s)
	if err != nil {
		return v, "", err
	}
	v.kind = k
	switch {
	case k == binaryKind:
		v.text = body
	case depth >= maxNesting:
		return v, "", errRange
	case k == tableKind:
		v.table, err = readTable(body, depth+1)
	default:
		v.table, err = readList(body, depth+1)
	}
	return v, rest, err
}

// cutValue splits a value into its kind, its body and what stands behind it.
func cutValue(s string) (k kind, body, rest string, err error) {
	head, s, err := cut(s, 5)
	if err != nil {
		return 0, "", "", err
	}
	if k = kind(head[0]); k < binaryKind || k > listKind {
		return 0, "", "", errSyntax
	}
	n := uint32(head[1])<<24 | uint32(head[2])<<16 | uint32(head[3])<<8 | uint32(head[4])
	if uint64(n) > uint64(len(s)) {
		return 0, "", "", errUnexpectedEnd
	}
	body, rest, err = cut(s, int(n))
	return k, body, rest, err
}

func cut(s string, n int) (head, rest string, err error) {
	if len(s) < n {
		return "", "", errUnexpectedEnd
	}
	return s[:n], s[n:], nil
}

// readFrame reads a frame of at most limit octets, without its length, into what
// room returns for so many octets.
func readFrame(r io.Reader, head *[4]byte, limit uint32, room func(n int) []byte) ([]byte, error) {
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > limit {
		return nil, fmt.Errorf("frame of %d octets: %w", n, errRange)
	}
	frame := room(int(n))
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	return frame, nil
}
