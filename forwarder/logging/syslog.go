package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"
)

// facilities are the numbers of syslog.conf(5)'s names (RFC 5424 section 6.2.1).
var facilities = map[string]int{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7,
	"uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18,
	"local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

// maxDatagram keeps a message below what syslog daemons take.
const maxDatagram = 8 << 10

// datagrams sends one message without ever waiting; errBusy means that the
// receiver's queue is full.
type datagrams interface {
	send([]byte) error
	close() error
}

// syslog writes to the local syslog daemon. When there is none, or it does not
// keep up, lines are lost and nothing waits.
type syslog struct {
	facility int
	env      env
	loss     *loss

	conn  datagrams // nil: not connected
	retry time.Time // when to try connecting again
	down  bool      // and reported
	lost  int
}

func newSyslog(facility string, e env, l *loss) (*syslog, error) {
	if facility == "" {
		facility = "daemon"
	}
	n, ok := facilities[facility]
	if !ok {
		return nil, fmt.Errorf("unknown syslog facility %q", facility)
	}
	return &syslog{facility: n, env: e, loss: l}, nil
}

func (s *syslog) write(level slog.Level, line []byte) {
	msg := s.appendMessage(make([]byte, 0, 64+len(line)), level, line)
	if s.conn != nil {
		if s.done(s.conn.send(msg)) {
			return
		}
		s.hangUp() // the daemon was restarted: a new connection finds it
		s.retry = time.Time{}
	}
	if s.connect() && s.done(s.conn.send(msg)) {
		return
	}
	s.lose()
}

// done counts a message that was sent or that the daemon was too slow for.
func (s *syslog) done(err error) bool {
	switch err {
	case nil:
		s.found()
		return true
	case errBusy:
		s.lost++
		s.loss.add(1)
		return true
	}
	return false
}

// appendMessage frames a line as RFC 3164 does, with local time as syslog(3).
func (s *syslog) appendMessage(dst []byte, level slog.Level, line []byte) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(s.facility<<3|severity(level)), 10)
	dst = append(dst, '>')
	dst = s.env.now().AppendFormat(dst, time.Stamp+" ")
	dst = append(dst, s.env.tag...)
	dst = append(dst, '[')
	dst = strconv.AppendInt(dst, int64(os.Getpid()), 10)
	dst = append(dst, "]: "...)
	dst = append(dst, bytes.TrimSuffix(line, []byte{'\n'})...)
	return dst[:min(len(dst), maxDatagram)]
}

// severity is the number of syslog(3)'s LOG_CRIT and so on.
func severity(l slog.Level) int {
	switch {
	case l >= Critical:
		return 2
	case l >= Error:
		return 3
	case l >= Warning:
		return 4
	case l >= Notice:
		return 5
	case l >= Info:
		return 6
	}
	return 7
}

var errNoDaemon = errors.New("no daemon listens")

func (s *syslog) connect() bool {
	if s.env.now().Before(s.retry) {
		return false
	}
	for _, path := range s.env.syslog {
		if conn, err := dialLog(path); err == nil {
			s.conn = conn
			return true
		}
	}
	return false
}

// SyslogListens reports whether a syslog daemon listens.
func SyslogListens() bool { return hostEnv().syslogListens() }

func (e env) syslogListens() bool {
	for _, path := range e.syslog {
		if conn, err := dialLog(path); err == nil {
			_ = conn.close() // nothing was written
			return true
		}
	}
	return false
}

func (s *syslog) hangUp() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.close()
	s.conn = nil
	return err
}

func (s *syslog) lose() {
	s.hangUp()
	s.lost++
	s.loss.add(1)
	if !s.retry.After(s.env.now()) {
		s.retry = s.env.now().Add(retryAfter)
	}
	if !s.down {
		s.down = true
		s.loss.failed("syslog", errNoDaemon, s.env.now())
		fmt.Fprintf(s.env.stderr, "%s: logging to syslog failed: %v\n", s.env.tag, errNoDaemon)
	}
}

func (s *syslog) found() {
	if !s.down {
		return
	}
	s.loss.works()
	fmt.Fprintf(s.env.stderr, "%s: logging to syslog works again, %d lines were lost\n", s.env.tag, s.lost)
	s.down, s.lost = false, 0
}

func (s *syslog) flush()        {}
func (s *syslog) reopen() error { return nil }
func (s *syslog) close() error  { return s.hangUp() }
