package watch

import (
	"fmt"
	"log/slog"
)

// Event is what is to be logged.
type Event struct {
	Level slog.Level
	Text  string
}

// maxEvents wait for somebody to fetch them.
const maxEvents = 200

type events struct {
	list    []Event
	dropped int
}

func (e *events) add(level slog.Level, format string, args ...any) {
	if len(e.list) >= maxEvents {
		e.dropped++
		return
	}
	e.list = append(e.list, Event{level, fmt.Sprintf(format, args...)})
}

// Events returns what happened since the last call.
func (t *Table) Events() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, dropped := t.events.list, t.events.dropped
	t.events = events{}
	if dropped > 0 {
		list = append(list, Event{slog.LevelWarn, fmt.Sprintf("%d more events of watched names in that second were too many to tell", dropped)})
	}
	return list
}
