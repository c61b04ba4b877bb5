// Package tail lets people look at what is answered while it is. Who answers does not
// wait for them: nobody looking costs one atomic load, and what is too much for who
// looks is left out, and counted. Nothing here knows DNS but the case of letters.
package tail

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxQuestion is the longest question: a name, type and class.
const maxQuestion = 255 + 4

// Line is a query with its response. It has no pointers of who answers.
type Line struct {
	At     time.Duration  // when it was answered, on the server's clock
	Took   time.Duration  // from the query to the response
	Client netip.AddrPort // the zero value for one from within the process
	TCP    bool
	Flags  uint16 // of the query
	Rcode  uint16 // extended
	Source uint8  // the caller's own
	EDNS   bool
	DO     bool

	length   uint16
	question [maxQuestion]byte
}

// SetQuestion copies a question in wire form: name as asked, type, class.
func (l *Line) SetQuestion(q []byte) { l.length = uint16(copy(l.question[:], q)) }

// Question returns it.
func (l *Line) Question() []byte { return l.question[:l.length] }

// Filter picks lines. The zero value picks all.
type Filter struct {
	Clients netip.Prefix // valid: only of these
	Below   string       // a wire name in lower case, or "": only of it and names below it
}

func (f *Filter) picks(l *Line) bool {
	if f.Clients.IsValid() && !f.Clients.Contains(l.Client.Addr().WithZone("")) {
		return false
	}
	return f.Below == "" || l.length > 4 && isBelow(l.question[:l.length-4], f.Below)
}

// isBelow reports whether a wire name is parent, in any letter case, or below it.
func isBelow(name []byte, parent string) bool {
	for len(name) > len(parent) {
		name = name[1+int(name[0]):]
	}
	return len(name) == len(parent) && sameFold(name, parent)
}

func sameFold(name []byte, lower string) bool {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

const (
	// size is how many lines a Watch holds until they are taken: half a megabyte.
	size = 1500

	// most is how many may look at a time.
	most = 4
)

// Tail is where lines go. The zero value is ready to use.
type Tail struct {
	watches atomic.Pointer[[]*Watch] // nil: nobody looks

	mu sync.Mutex // held while they change
}

// On reports whether anybody looks.
func (t *Tail) On() bool { return t.watches.Load() != nil }

// Note gives l to all who look. It waits for nobody.
func (t *Tail) Note(l *Line) {
	list := t.watches.Load()
	if list == nil {
		return
	}
	for _, w := range *list {
		if w.filter.picks(l) {
			w.add(l)
		}
	}
}

// Watch returns a new look at the tail, or nil when as many as may look already.
func (t *Tail) Watch(f Filter) *Watch {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.list()
	if len(list) == most {
		return nil
	}
	w := &Watch{tail: t, filter: f, lines: make([]Line, 0, size), spare: make([]Line, 0, size)}
	t.set(append(list, w))
	return w
}

func (t *Tail) list() []*Watch {
	if p := t.watches.Load(); p != nil {
		return slices.Clone(*p)
	}
	return nil
}

func (t *Tail) set(list []*Watch) {
	if len(list) == 0 {
		t.watches.Store(nil)
		return
	}
	t.watches.Store(&list)
}

// Watch is one look. It belongs to one goroutine at a time, and must be closed.
type Watch struct {
	tail   *Tail
	filter Filter
	missed atomic.Uint64

	mu    sync.Mutex
	lines []Line
	spare []Line // taken last
}

// add leaves l out where there is no room, or another is adding or taking.
func (w *Watch) add(l *Line) {
	if !w.mu.TryLock() {
		w.missed.Add(1)
		return
	}
	if len(w.lines) < size {
		w.lines = append(w.lines, *l)
	} else {
		w.missed.Add(1)
	}
	w.mu.Unlock()
}

// Len returns how many lines there are to be taken.
func (w *Watch) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lines)
}

// Take returns the lines since the last Take, valid until the next, and how many were
// left out meanwhile.
func (w *Watch) Take() (lines []Line, missed uint64) {
	w.mu.Lock()
	lines, w.lines = w.lines, w.spare[:0]
	w.spare = lines
	w.mu.Unlock()
	return lines, w.missed.Swap(0)
}

// Close ends the look.
func (w *Watch) Close() {
	t := w.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(slices.DeleteFunc(t.list(), func(o *Watch) bool { return o == w }))
}
