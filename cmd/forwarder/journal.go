package main

import (
	"fmt"
	"os"
	"syscall"

	"vpcdns/forwarder/logging"
)

// journaled reports whether stderr leads to systemd's journal (systemd.exec(5),
// JOURNAL_STREAM).
func journaled(getenv func(string) string, stderr *os.File) bool {
	info, err := stderr.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// placeLogs says where logs go that are no files. Whoever stays in the foreground
// is read there, in a container, say, if no syslog daemon is.
func (d *daemon) placeLogs(c logging.Config) logging.Config {
	c.Stderr, c.LogFile, c.LastResort = d.flags.stderr, d.flags.logFile, true
	if d.flags.foreground {
		c.Journal = journaled(os.Getenv, os.Stderr)
		c.NoSyslog = !logging.SyslogListens()
	}
	return c
}

// logsHere reports whether the first log is on the terminal: what it has need
// not be said there.
func (d *daemon) logsHere() bool {
	c := d.placeLogs(logging.Config{})
	return c.Stderr || (c.Journal || c.NoSyslog) && c.LogFile == "" && !isDetached()
}
