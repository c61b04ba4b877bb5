package rndc

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"
)

// protocolVersion stands before the table of each frame.
const protocolVersion = 1

// lifetime is how long a message is good after it was made: rndc's own.
const lifetime = 60 * time.Second

var (
	errBadAuth = errors.New("bad auth")
	errVersion = errors.New("unknown version")
)

// seal returns a frame with its length, signed by k.
func seal(k *Key, entries []entry) []byte {
	signed := appendTable(nil, entries)
	frame := binary.BigEndian.AppendUint32(make([]byte, 4, 128+len(signed)), protocolVersion)
	frame = appendTable(frame, []entry{table("_auth", text(k.authKey(), k.signature(signed)))})
	frame = append(frame, signed...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// open returns the entries of a frame that one of the keys has signed, and which
// of them. What no key has signed is not decoded, and costs no allocation.
func open(frame []byte, keys []*Key) ([]entry, *Key, error) {
	authKey, mac, signed, err := split(frame)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range keys {
		if k.verify(string(authKey), mac, signed) {
			entries, err := readTable(string(signed), 1)
			return entries, k, err
		}
	}
	return nil, nil, errBadAuth
}

// split returns the signature of a frame, with its name, and what it signs.
func split(frame []byte) (authKey, mac, signed []byte, err error) {
	if len(frame) < 4 {
		return nil, nil, nil, errUnexpectedEnd
	}
	if binary.BigEndian.Uint32(frame) != protocolVersion {
		return nil, nil, nil, errVersion
	}
	rest, auth, ok := frame[4:], []byte(nil), false
	if auth, rest, ok = cutEntry(rest, tableKind, "_auth"); !ok {
		return nil, nil, nil, errBadAuth
	}
	for _, name := range []string{"hmd5", "hsha"} {
		if mac, behind, ok := cutEntry(auth, binaryKind, name); ok && len(behind) == 0 {
			return auth[1:5], mac, rest, nil
		}
	}
	return nil, nil, nil, errBadAuth
}

// cutEntry takes the first entry of a table, if it is of this kind and name.
func cutEntry(b []byte, k kind, name string) (body, rest []byte, ok bool) {
	head := 1 + len(name) + 5
	if len(b) < head || int(b[0]) != len(name) || string(b[1:1+len(name)]) != name || kind(b[1+len(name)]) != k {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b[head-4:])
	if uint64(n) > uint64(len(b)-head) {
		return nil, nil, false
	}
	return b[head : head+int(n)], b[head+int(n):], true
}

// seconds is a time as it stands in messages.
func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// numberOf returns a number of a table.
func numberOf(entries []entry, key string) (uint32, bool) {
	s, ok := textOf(entries, key)
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), ok && err == nil
}
