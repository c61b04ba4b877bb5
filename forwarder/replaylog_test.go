package forwarder

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"vpcdns/forwarder/logging"
)

// journal keeps the lines of each category that no step has looked at.
type journal struct {
	mu    sync.Mutex
	lines map[string][]string
}

// categoryLog is a journal as a logger of one category sees it.
type categoryLog struct {
	*journal
	category string
}

func newJournal() *journal { return &journal{lines: make(map[string][]string)} }

func (j *journal) logger() *slog.Logger { return slog.New(categoryLog{journal: j}) }

func (c categoryLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}
func (c categoryLog) WithGroup(string) slog.Handler { return c }

func (c categoryLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == logging.CategoryKey {
			c.category = a.Value.String()
		}
	}
	return c
}

func (c categoryLog) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines[c.category] = append(c.lines[c.category], r.Message)
	return nil
}

// take returns the oldest line of a category, or "nothing".
func (j *journal) take(category string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines[category]
	if len(lines) == 0 {
		return "nothing"
	}
	j.lines[category] = lines[1:]
	return lines[0]
}

// logs holds the oldest line of a category against the words behind it.
func (r *replay) logs(w []string) error {
	got, want := r.journal.take(w[0]), strings.Join(w[1:], " ")
	if got != want {
		return fmt.Errorf("logged %q, want %q", got, want)
	}
	return nil
}
