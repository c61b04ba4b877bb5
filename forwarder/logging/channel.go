package logging

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"
)

// channel is a Channel with the way to the place it writes to.
type channel struct {
	Channel
	*queue
	stamp     timestamp // guarded by the queue's mu
	debugOnly bool      // silent while the server's debug level is 0
}

// sink takes finished lines, each ending in a newline. It is used by one
// goroutine, and may block. Lines need not be written before flush; write and
// flush never fail towards their caller.
type sink interface {
	write(level slog.Level, line []byte)
	flush()
	reopen() error
	close() error
}

// configured are the channels of c and those that exist without it. With -g
// none of c is ever opened: the files may be those of a server that runs.
func configured(c Config) []Channel {
	list := builtin(c)
	if !c.Stderr {
		list = append(list, c.Channels...)
	}
	for i := range list {
		list[i].replaceSyslog(c)
	}
	return list
}

// replaceSyslog makes a channel of syslog one of stderr, if it is to be.
func (ch *Channel) replaceSyslog(c Config) {
	daemon := ch.Facility == "" || ch.Facility == "daemon"
	switch {
	case ch.Kind != Syslog:
	case c.Journal && daemon:
		ch.Kind, ch.levels = Stderr, true
	case c.NoSyslog:
		ch.Kind, ch.PrintTime = Stderr, cmp.Or(ch.PrintTime, Local)
	}
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

func (l *Logs) newSink(c Channel, lost *loss) (sink, error) {
	switch c.Kind {
	case File:
		return &file{Channel: c, now: l.env.now, report: l.report, note: l.note(c), loss: lost}, nil
	case Syslog:
		return newSyslog(c.Facility, l.env, lost)
	case Stderr:
		return &stream{w: l.env.stderr, levels: c.levels, loss: lost}, nil
	}
	return nowhere{}, nil
}

// openAll opens the files among the channels, so that they exist from the
// start, and returns the directories that had to be made.
func openAll(channels []*channel) (made []string) {
	var opened []<-chan string
	for _, ch := range channels {
		if f, ok := ch.sink.(*file); ok && !ch.debugOnly {
			opened = append(opened, ask(ch.queue, f.first))
		}
	}
	late, stop := startTimeout()
	defer stop()
	for _, answer := range opened {
		select {
		case dir := <-answer:
			if dir != "" {
				made = append(made, dir)
			}
		case <-late:
		}
	}
	return made
}

// reopenAll opens the files anew by name.
func reopenAll(channels []*channel) error {
	var reopened []<-chan error
	for _, ch := range channels {
		reopened = append(reopened, ask(ch.queue, ch.sink.reopen))
	}
	late, stop := startTimeout()
	defer stop()
	var errs []error
	for i, answer := range reopened {
		select {
		case err := <-answer:
			errs = append(errs, err)
		case <-late:
			errs = append(errs, fmt.Errorf("reopening log channel %s: %w", channels[i].Name, errHangs))
		}
	}
	return errors.Join(errs...)
}

// closeAll writes what waits and closes the channels. One that hangs is left
// to itself.
func closeAll(channels []*channel) error {
	for _, ch := range channels {
		ch.close()
	}
	late, stop := startTimeout()
	defer stop()
	var errs []error
	for _, ch := range channels {
		select {
		case <-ch.ended:
			errs = append(errs, ch.err)
		case <-late:
			errs = append(errs, fmt.Errorf("closing log channel %s: %w", ch.Name, errHangs))
		}
	}
	return errors.Join(errs...)
}

var errHangs = errors.New("writing takes too long")

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

// prefixRoom is about what stands before a message.
const prefixRoom = 64

func (c *channel) write(category string, t time.Time, level slog.Level, body []byte) {
	c.put(level, prefixRoom+len(body), func(dst []byte) []byte {
		return appendLine(dst, &c.stamp, &c.Channel, category, t, level, body)
	})
}

// note returns what makes the channel's own lines.
func (l *Logs) note(c Channel) func(msg string) []byte {
	return func(msg string) []byte {
		return appendLine(nil, new(timestamp), &c, "general", l.env.now(), Warning, appendText(nil, msg))
	}
}
