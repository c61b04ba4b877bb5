package logging

import (
	"fmt"
	"io"
	"log/slog"
)

// stream is stderr: nothing to open, nothing to close, errors go nowhere.
type stream struct {
	w      io.Writer
	levels bool // see Channel
	loss   *loss
}

func (s *stream) write(level slog.Level, line []byte) {
	if s.levels {
		line = append(fmt.Appendf(nil, "<%d>", severity(level)), line...)
	}
	if _, err := s.w.Write(line); err != nil {
		s.loss.add(1)
	}
}

func (s *stream) flush()        {}
func (s *stream) reopen() error { return nil }
func (s *stream) close() error  { return nil }

// nowhere is the null channel.
type nowhere struct{}

func (nowhere) write(slog.Level, []byte) {}
func (nowhere) flush()                   {}
func (nowhere) reopen() error            { return nil }
func (nowhere) close() error             { return nil }

// report tells about a channel that cannot be written: in the place of last resort,
// or on stderr, and in syslog since stderr of a daemon leads nowhere.
func (l *Logs) report(msg string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.last != nil {
		l.last.write("general", l.env.now(), Error, appendText(nil, msg))
		return
	}
	fmt.Fprintf(l.env.stderr, "%s: %s\n", l.env.tag, msg)
	s, err := newSyslog("daemon", env{now: l.env.now, stderr: io.Discard, syslog: l.env.syslog, tag: l.env.tag}, new(loss))
	if err != nil {
		return
	}
	s.write(Error, []byte(msg+"\n"))
	s.close()
}
