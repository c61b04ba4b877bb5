package logging

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Lost is how many lines of a channel were lost since the start: because the place
// that it writes to failed, was full, or did not keep up.
type Lost struct {
	Channel string
	Lines   uint64
}

// Fault is a log that cannot be written now.
type Fault struct {
	Channel string
	Place   string // the path of a file, or syslog
	Err     error
	Since   time.Time
}

// loss counts the lines that a channel has lost, and knows why it loses them now.
// The zero value is none.
type loss struct {
	lines atomic.Uint64
	fault atomic.Pointer[Fault]
}

// failed notes that all lines are lost from now on, and works that they are not.
func (l *loss) failed(place string, err error, since time.Time) {
	l.fault.Store(&Fault{Place: place, Err: err, Since: since})
}

func (l *loss) works() { l.fault.Store(nil) }

// isFailing reports whether lines are lost.
func (l *loss) isFailing() bool { return l.fault.Load() != nil }

// Faults tells of the channels that cannot be written now, by name.
func (l *Logs) Faults() []Fault {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var list []Fault
	for _, ch := range l.channels {
		if f := ch.loss.fault.Load(); f != nil && ch.Kind != Null {
			fault := *f
			fault.Channel = ch.Name
			list = append(list, fault)
		}
	}
	return list
}

func (l *loss) add(lines int) { l.lines.Add(uint64(lines)) }

// Lost tells of all channels that can lose lines, by name.
func (l *Logs) Lost() []Lost {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var list []Lost
	for name, lost := range l.losses {
		list = append(list, Lost{name, lost.lines.Load()})
	}
	slices.SortFunc(list, func(a, b Lost) int { return strings.Compare(a.Channel, b.Channel) })
	return list
}

// lossOf returns what counts for the channel of a name: a reload begins no count
// anew.
func (l *Logs) lossOf(name string) *loss {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if lost, ok := l.losses[name]; ok {
		return lost
	}
	return new(loss)
}

func lossesOf(channels []*channel) map[string]*loss {
	losses := make(map[string]*loss)
	for _, ch := range channels {
		if ch.Kind != Null {
			losses[ch.Name] = ch.loss
		}
	}
	return losses
}
