package forwarder

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/store"
	"vpcdns/forwarder/wire"
)

// A snapshot holds what is cached for the process that takes this one's place.
// Answers are in it as responses, not as they are kept: a later version of the
// program, which may keep them in another way, is to take them too. The number in a
// section's name changes with what the section holds.
const (
	sourcesSection = "sources 1"
	answersSection = "answers 1"
)

// An answer in a snapshot. Numbers are little endian, but for those of the response.
//
//	0   flags, bits of the key
//	2   number of the server that it is of; one of zero
//	4   TTL; seconds that it may be given stale after that   (4 octets each)
//	12  when it was asked for: CLOCK_BOOTTIME, nanoseconds
//	20  length of the response, which follows
const recordHeader = 22

const (
	recordOpen     = 1 << iota // a chain that goes on elsewhere
	recordStripped             // signatures were left out
	recordUsed                 // it was a hit lately
)

const (
	// MaxSnapshot is the largest snapshot, in octets: some two million names.
	MaxSnapshot = 256 << 20

	// snapshotTime is how long one may take: clients wait for the next process.
	snapshotTime = time.Second

	snapshotBuffer = 1 << 18
	looksEvery     = 1 << 12 // answers, at the clock
)

// SnapshotStats is what became of the answers that were cached.
type SnapshotStats struct {
	Answers int // that the snapshot has
	Left    int // for which there was no room or time
	Bytes   int64
}

// Snapshot writes what is cached, for Options.Warm of another Server on this machine:
// what was used before what was not, so much as has room in that many octets and can
// be written in a second. Nobody waits for it but Reload. It is an error when
// something was flushed meanwhile, and where the system does not tell one boot from
// another: what was written then is of no use.
func (s *Server) Snapshot(to io.Writer, most int64) (st SnapshotStats, err error) {
	s.reloadMu.Lock() // the numbers of servers stay what they are
	defer s.reloadMu.Unlock()
	flushed, ok := s.flushes.none()
	if !ok {
		return st, errFlushed
	}
	w, err := s.newSnapshot(to, most)
	if err != nil {
		return st, err
	}
	if err := w.write(s.engine); err != nil {
		return st, fmt.Errorf("writing what is cached: %w", err)
	}
	if s.flushes.begun.Load() != flushed {
		return st, errFlushed
	}
	return SnapshotStats{w.n, max(0, s.cache.Len()-w.n-w.dead), w.file.Len()}, nil
}

var errFlushed = errors.New("writing what is cached: something was flushed meanwhile")

// flushes counts them: who copies what is cached is to know of those that the copy
// may not have heard of.
type flushes struct{ begun, ended atomic.Uint64 }

// flushing is called before anything is dropped, and what it returns after that.
func (f *flushes) flushing() (ended func()) {
	f.begun.Add(1)
	return func() { f.ended.Add(1) }
}

// none returns the number of those that have begun, if none of them goes on.
func (f *flushes) none() (begun uint64, ok bool) {
	ended := f.ended.Load()
	begun = f.begun.Load()
	return begun, begun == ended
}

// snapshot is one that is being written.
type snapshot struct {
	file    *store.Writer
	to      *bufio.Writer // file
	most    int64
	until   time.Time
	now     time.Duration // on the server's clock
	boot    time.Duration // CLOCK_BOOTTIME, no later than now
	n, dead int
	record  []byte
}

func (s *Server) newSnapshot(to io.Writer, most int64) (*snapshot, error) {
	w := &snapshot{most: min(most, MaxSnapshot), until: time.Now().Add(snapshotTime)}
	id, boot := s.net.boot()
	if id == (store.BootID{}) {
		return nil, fmt.Errorf("writing what is cached: %w: the boot has no id", errors.ErrUnsupported)
	}
	w.boot, w.now = boot, s.clock.exact()
	w.file = store.NewWriter(to, store.Stamp{Boot: id, Time: boot})
	w.to = bufio.NewWriterSize(w.file, snapshotBuffer)
	return w, nil
}

func (w *snapshot) write(e *engine) error {
	sources, err := json.Marshal(sourcesOf(e.state.Load(), e.cookieSecret))
	if err != nil {
		return err
	}
	w.file.Section(sourcesSection)
	w.to.Write(sources) // an error stays with the buffer
	w.to.Flush()
	w.file.Section(answersSection)
	for _, used := range [...]bool{true, false} {
		for entry := range e.cache.Marked(used) {
			if !w.add(entry, used) {
				break
			}
		}
	}
	return errors.Join(w.to.Flush(), w.file.Close())
}

// add writes an entry, and reports whether there is room and time for another.
func (w *snapshot) add(e cache.Entry, used bool) bool {
	if e.StaleUntil() <= w.now-knownFor {
		w.dead++
		return true
	}
	if w.n%looksEvery == 0 && time.Now().After(w.until) {
		return false
	}
	w.record = w.appendRecord(w.record[:0], e, used)
	if w.file.Len()+int64(w.to.Buffered()+len(w.record)+snapshotTail) > w.most {
		return false
	}
	w.n++
	_, err := w.to.Write(w.record)
	return err == nil
}

// snapshotTail is more than what follows the answers.
const snapshotTail = 256

func (w *snapshot) appendRecord(dst []byte, e cache.Entry, used bool) []byte {
	_, ans := splitValue(e.Value())
	key := e.Key()
	dst = append(dst, recordFlags(e, ans, used), key[len(key)-1], originOf(e).server, 0)
	dst = binary.LittleEndian.AppendUint32(dst, e.TTL())
	dst = binary.LittleEndian.AppendUint32(dst, uint32((e.StaleUntil()-e.Expires())/time.Second))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(w.boot-(w.now-e.Stored())))
	dst = append(dst, 0, 0)
	dst = ans.AppendMessage(dst, []byte(key[:len(key)-1]))
	binary.LittleEndian.PutUint16(dst[recordHeader-2:], uint16(len(dst)-recordHeader))
	return dst
}

func recordFlags(e cache.Entry, ans wire.Answer, used bool) (flags byte) {
	if ans.Open() {
		flags |= recordOpen
	}
	if !suits(e, true) {
		flags |= recordStripped
	}
	if used {
		flags |= recordUsed
	}
	return flags
}

// record is an answer of a snapshot as it is read. It is used again for the next.
type record struct {
	flags      byte
	bits       wire.KeyBits
	server     uint8
	ttl, stale uint32
	asked      time.Duration // CLOCK_BOOTTIME
	head       [recordHeader]byte
	msg        []byte
}

// read reads the next one. The error is io.EOF behind the last.
func (r *record) read(from *bufio.Reader) error {
	head := &r.head
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return err
	}
	r.flags, r.bits = head[0], wire.KeyBits(head[1])
	r.server = head[2]
	r.ttl = binary.LittleEndian.Uint32(head[4:])
	r.stale = binary.LittleEndian.Uint32(head[8:])
	r.asked = time.Duration(binary.LittleEndian.Uint64(head[12:]))
	n := int(binary.LittleEndian.Uint16(head[20:]))
	if cap(r.msg) < n {
		r.msg = make([]byte, n, max(2*n, 512))
	}
	r.msg = r.msg[:n]
	_, err := io.ReadFull(from, r.msg)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
