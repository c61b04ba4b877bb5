package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"vpcdns/forwarder/logging"
)

// rareLines passes on a line in a while, and with it how many it has kept back: what
// clients of a port of HTTP can bring about must not fill the log.
type rareLines struct {
	what  string // the port serves
	log   func(level slog.Level, format string, args ...any)
	every time.Duration

	mu   sync.Mutex
	last time.Time // when a line was passed on
	kept int       // since then
}

func (r *rareLines) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.IsZero() && time.Since(r.last) < r.every {
		r.kept++
		return len(line), nil
	}
	more := ""
	if r.kept > 0 {
		more = fmt.Sprintf(" (and %d more such lines in the last %v)", r.kept, time.Since(r.last).Round(time.Second))
	}
	r.last, r.kept = time.Now(), 0
	r.log(logging.Warning, "serving %s: %s%s", r.what, bytes.TrimSpace(line), more)
	return len(line), nil
}
