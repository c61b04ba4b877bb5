// Package logging writes log lines the way BIND's named does: messages carry
// a category and a severity, a category names channels, and a channel is a
// file, syslog, stderr or nothing. Programs log through log/slog; the lines
// look as the `logging` statement of named.conf asks:
//
//	22-Nov-2026 15:41:28.462 general: notice: server is up server=10.79.0.2
//
// Attributes follow the message as key=value. Each channel has a goroutine that
// writes its lines in order, so that who logs never waits, not even for a disk
// that hangs; what is queued is bounded. Lines that come within 10 ms are written
// together, the first of them and those above info at once. A channel that cannot be
// written (full disk, missing /dev/log) costs lines, never the server: it is reported
// once and tried again now and then, and when it works again the number of lines that
// were lost stands in it.
package logging

import (
	"fmt"
	"log/slog"
	"strings"
)

// Severities of BIND as levels of log/slog, so that slog's Debug, Info, Warn
// and Error mean what they say.
const (
	Critical = slog.Level(12)
	Error    = slog.LevelError
	Warning  = slog.LevelWarn
	Notice   = slog.Level(2)
	Info     = slog.LevelInfo
)

// Debug is the level of BIND's `debug n`; n below 1 counts as 1.
func Debug(n int) slog.Level { return slog.LevelDebug - slog.Level(max(n, 1)-1) }

// SeverityName is the word that print-severity prints for a level.
func SeverityName(l slog.Level) string {
	switch {
	case l >= Critical:
		return "critical"
	case l >= Error:
		return "error"
	case l >= Warning:
		return "warning"
	case l >= Notice:
		return "notice"
	case l >= Info:
		return "info"
	}
	return fmt.Sprintf("debug %d", debugLevel(l))
}

// debugLevel is the n of Debug(n); the levels between Info and slog.LevelDebug
// count as 1.
func debugLevel(l slog.Level) int { return max(int(slog.LevelDebug-l)+1, 1) }

// Kind says where a channel writes to.
type Kind uint8

// The kinds of channel.
const (
	Null Kind = iota
	File
	Syslog
	Stderr
)

// TimeFormat is the value of print-time.
type TimeFormat uint8

// The formats of print-time; all have milliseconds.
const (
	NoTime     TimeFormat = iota // no
	Local                        // yes, local: 22-Nov-2026 15:41:28.462
	ISO8601                      // iso8601: 2026-11-22T15:41:28.462, local time
	ISO8601UTC                   // iso8601-utc: 2026-11-22T15:41:28.462Z
)

// Values of Channel.Versions beside a count.
const (
	NoVersions = 0  // no versions option
	Unlimited  = -1 // versions unlimited
	Restart    = -2 // versions 0: the file is not kept but begun anew
)

// Channel is one channel clause of named.conf's logging statement. Its zero
// value, but for the name, is `channel NAME { null; };`.
type Channel struct {
	Name string
	Kind Kind

	// Of a File. Versions counts the old files kept beside the current one,
	// Size is in bytes. With both, a file that has grown over Size is rolled
	// to Path.0 (older ones have higher numbers, or the time of the rolling
	// with SuffixTimestamp). With Size alone writing stops there; with
	// Versions alone the file is rolled each time it is opened.
	Path            string
	Versions        int
	Size            int64 // 0 is no limit
	SuffixTimestamp bool  // suffix timestamp

	Facility string // of Syslog; "" is daemon

	Severity      slog.Level // the least severe that is written; the zero value is info
	Dynamic       bool       // severity dynamic: info, or the debug level of the server
	PrintTime     TimeFormat
	PrintSeverity bool
	PrintCategory bool
	Buffered      bool // whole lines gather in memory until 8 KiB, Reopen or Close

	levels bool // lines begin with <N>, as sd-daemon(3) has severities
}

// Config is a logging statement. Its zero value logs as named does without
// one: everything from info up to syslog, debug output to the file named.run
// once a debug level is set.
type Config struct {
	Channels   []Channel           // may redefine default_syslog, default_debug, default_stderr and null
	Categories map[string][]string // channel names by category; categories that are missing use "default"

	Stderr  bool   // named -g: all categories to stderr, whatever is above
	LogFile string // named -L: what would go to syslog by default goes to this file

	// Where stderr takes the place of syslog. NoSyslog: for all channels, since no
	// daemon listens (SyslogListens). Journal: for those of facility daemon, since
	// stderr leads to systemd's journal, which knows then whose lines they are, even
	// when the process has ended.
	NoSyslog, Journal bool

	// LastResort sends notable lines that no channel of their category takes, or can
	// write (see NotableKey), to default_syslog, and there alone what is wrong with
	// channels; with Stderr to default_stderr. Without it the former go nowhere, and
	// the latter to stderr and syslog both.
	LastResort bool
}

// Categories are the categories of BIND 9.18, in the order of its manual, and the one
// for responses of 9.20.
var Categories = strings.Fields(`default general config client network queries
	query-errors security resolver lame-servers edns-disabled dnssec database
	dispatch notify update update-security xfer-in xfer-out unmatched
	rate-limit rpz rpz-passthru cname spill dnstap zoneload nsid
	trust-anchor-telemetry serve-stale delegation-only sslkeylog responses`)
