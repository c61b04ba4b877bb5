package config

import (
	"log/slog"
	"slices"
	"strings"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/namedconf"
)

// finishQueryLog has queries logged where querylog says so, or else where their
// category has channels of its own.
func (b *builder) finishQueryLog() {
	_, category := b.cfg.Logging.Categories["queries"]
	b.cfg.QueryLog = b.queryLog.Text == "yes" || b.queryLog.Text == "" && category
	if b.cfg.QueryLog {
		b.needChannel("queries", b.queryLogPos())
	}
	if b.cfg.ResponseLog {
		b.needChannel("responses", b.responseLogPos)
	}
}

// needChannel says that what is to be logged is not, where no channel of its category
// takes it.
func (b *builder) needChannel(name string, pos namedconf.Pos) {
	channels, given := b.cfg.Logging.Categories[name]
	if !given {
		channels, given = b.cfg.Logging.Categories["default"]
	}
	if given && !b.broken && !slices.ContainsFunc(channels, b.takesInfo) {
		b.changef(pos, "%s are to be logged, but no channel takes them: %s; say category %s with a channel of severity info", name, b.whyNot(channels), name)
	}
}

// queryLogPos is where it is said that queries are logged.
func (b *builder) queryLogPos() namedconf.Pos {
	if b.queryLog.Text != "" {
		return b.queryLog.Pos
	}
	return b.queriesPos
}

// takesInfo reports whether a channel writes what is at severity info. Those
// that are not defined are BIND's, of which null writes nothing, and default_debug
// nothing without a debug level.
func (b *builder) takesInfo(name string) bool {
	if c := b.channelNamed(name); c != nil {
		return c.Kind != logging.Null && (c.Dynamic || c.Severity <= slog.LevelInfo)
	}
	return name != "null" && name != "default_debug"
}

func (b *builder) channelNamed(name string) *logging.Channel {
	for i := range b.cfg.Logging.Channels {
		if c := &b.cfg.Logging.Channels[i]; c.Name == name {
			return c
		}
	}
	return nil
}

// whyNot says why none of the channels takes them.
func (b *builder) whyNot(channels []string) string {
	var list []string
	for _, name := range channels {
		switch c := b.channelNamed(name); {
		case c == nil, c.Kind == logging.Null:
			list = append(list, "'"+name+"' writes none")
		default:
			list = append(list, "'"+name+"' takes "+logging.SeverityName(c.Severity)+" and above")
		}
	}
	if len(list) == 0 {
		return "there is none"
	}
	return strings.Join(list, ", ")
}
