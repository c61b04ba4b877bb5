package logging

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"
)

// channel is a Channel with the place it writes to.
type channel struct {
	Channel
	sink      sink
	debugOnly bool // silent while the server's debug level is 0
}

// sink takes finished lines, each ending in a newline. Its methods may be
// called from any goroutine; write never fails towards its caller.
type sink interface {
	write(level slog.Level, line []byte)
	reopen() error
	close() error
}

// configured are the channels of c and those that exist without it. With -g
// none of c is ever opened: the files may be those of a server that runs.
func configured(c Config) []Channel {
	if c.Stderr {
		return builtin(c)
	}
	return append(builtin(c), c.Channels...)
}

// builtin are the channels that exist without being configured.
func builtin(c Config) []Channel {
	list := []Channel{
		{Name: "default_syslog", Kind: Syslog, Facility: "daemon"},
		{Name: "default_debug", Kind: File, Path: "named.run", Dynamic: true, PrintTime: Local},
		{Name: "default_stderr", Kind: Stderr, Dynamic: c.Stderr, PrintTime: stderrTime(c)},
		{Name: "null", Kind: Null},
	}
	if c.LogFile != "" {
		list = append(list, Channel{Name: "default_logfile", Kind: File, Path: c.LogFile,
			PrintTime: Local, PrintCategory: true, PrintSeverity: true})
	}
	return list
}

// stderrTime: named -g puts the time in front, the channel alone does not.
func stderrTime(c Config) TimeFormat {
	if c.Stderr {
		return Local
	}
	return NoTime
}

// categories are those of c with what named puts in the place of missing ones.
func categories(c Config) map[string][]string {
	if c.Stderr {
		return map[string][]string{"default": {"default_stderr"}, "unmatched": {"null"}}
	}
	all := map[string][]string{"default": {"default_syslog", "default_debug"}, "unmatched": {"null"}}
	if c.LogFile != "" {
		all["default"][0] = "default_logfile"
	}
	for name, channels := range c.Categories {
		all[name] = channels
	}
	return all
}

func (l *Logs) newSink(c Channel) (sink, error) {
	switch c.Kind {
	case File:
		return &file{Channel: c, now: l.env.now, report: l.report}, nil
	case Syslog:
		return newSyslog(c.Facility, l.env)
	case Stderr:
		return &stream{w: l.env.stderr}, nil
	}
	return nowhere{}, nil
}

// openAll opens the files among the channels, so that they exist from the
// start, and returns the directories that had to be made.
func openAll(channels []*channel) (made []string) {
	for _, ch := range channels {
		if ch.Kind != File || ch.debugOnly {
			continue
		}
		dir := filepath.Dir(ch.Path)
		if _, err := os.Stat(dir); os.IsNotExist(err) && os.MkdirAll(dir, 0o755) == nil {
			made = append(made, dir)
		}
		ch.sink.reopen() // reports its own failure
	}
	return made
}

// threshold is the lowest level that is written at a debug level of the server.
func (c *channel) threshold(debug int) slog.Level {
	switch {
	case c.Kind == Null, c.debugOnly && debug == 0:
		return math.MaxInt32
	case !c.Dynamic:
		return c.Severity
	case debug > 0:
		return Debug(debug)
	}
	return Info
}

func (c *channel) write(category string, t time.Time, level slog.Level, body []byte) {
	line := make([]byte, 0, 64+len(body))
	line = appendPrefix(line, &c.Channel, category, t, level)
	line = append(line, body...)
	c.sink.write(level, append(line, '\n'))
}
