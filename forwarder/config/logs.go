package config

import (
	"slices"
	"strings"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/namedconf"
)

// channel is a channel of the logging statement while it is read.
type channel struct {
	logging.Channel
	kinds int // how many of file, syslog, stderr and null it has
}

// onChannel sets something of a channel from the option's first value.
func onChannel(set func(*channel, string)) setter {
	return func(b *builder, s namedconf.Statement) { set(b.channel, value(s, 1)) }
}

// builtinChannels are there without being defined.
var builtinChannels = []string{"default_syslog", "default_debug", "default_stderr", "null"}

func (b *builder) logging(s namedconf.Statement) {
	c := &b.cfg.Logging
	c.Categories = make(map[string][]string)
	body := s.Items[1].Body
	b.run(body, inLogging)
	defined := slices.Clone(builtinChannels)
	for _, ch := range c.Channels {
		defined = append(defined, ch.Name)
	}
	for _, o := range body {
		if o.Name() != "category" {
			continue
		}
		for _, e := range o.Items[2].Body {
			if !slices.Contains(defined, e.Items[0].Text) && !b.broken {
				b.errorf(e.Pos(), "undefined channel: '%s'%s", e.Items[0], didYouMean(e.Items[0].Text, defined))
			}
		}
	}
}

// newerCategories are those of BIND 9.20 and 9.21 that nobody misses, with why
// nothing is logged in them.
var newerCategories = map[string]string{
	"update-policy":       noUpdates,
	"zoneversion":         "no ZONEVERSION is asked for",
	"dns-reporting-agent": noReports,
}

// category reads `category NAME { CHANNEL; … }`. The last of several for one
// category holds.
func (b *builder) category(s namedconf.Statement) {
	it := s.Items[1]
	if why := newerCategories[it.Text]; why != "" {
		b.harmlessf(it.Pos, "category '%s' is ignored: %s", it, why)
		return
	}
	if !slices.Contains(logging.Categories, it.Text) {
		b.errorf(it.Pos, "undefined category: '%s'%s", it, didYouMean(it.Text, logging.Categories))
	}
	if it.Text == "queries" {
		b.queriesPos = it.Pos
	}
	var channels []string
	for _, e := range s.Items[2].Body {
		channels = append(channels, e.Items[0].Text)
	}
	b.cfg.Logging.Categories[it.Text] = channels
}

// channelStatement reads `channel NAME { … }`. The last of several with one
// name holds.
func (b *builder) channelStatement(s namedconf.Statement) {
	it := s.Items[1]
	b.channelPos[it.Text] = it.Pos
	b.channel = &channel{Channel: logging.Channel{Name: it.Text, Severity: logging.Info}}
	b.run(s.Items[2].Body, inChannel)
	if b.channel.kinds != 1 && !b.broken {
		b.errorf(it.Pos, "channel '%s': exactly one of file, syslog, null, and stderr must be present", it)
	}
	c := &b.cfg.Logging
	c.Channels = slices.DeleteFunc(c.Channels, func(old logging.Channel) bool { return old.Name == it.Text })
	c.Channels = append(c.Channels, b.channel.Channel)
}

var channelKinds = map[string]logging.Kind{
	"null": logging.Null, "stderr": logging.Stderr, "syslog": logging.Syslog,
}

// facilities of syslog that channels may name (RFC 5424, 6.2.1).
var facilities = strings.Fields("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp " +
	"local0 local1 local2 local3 local4 local5 local6 local7")

// channelKind reads null, stderr, or syslog with its facility.
func (b *builder) channelKind(s namedconf.Statement) {
	c := b.channel
	c.kinds++
	c.Kind = channelKinds[s.Name()]
	if len(s.Items) < 2 {
		return
	}
	c.Facility = strings.ToLower(value(s, 1))
	if !slices.Contains(facilities, c.Facility) {
		b.changef(s.Items[1].Pos, "unknown syslog facility '%s': daemon is used", s.Items[1])
		c.Facility = ""
	}
}

// channelFile reads `file NAME [versions N] [size S] [suffix S]`.
func (b *builder) channelFile(s namedconf.Statement) {
	c := b.channel
	c.kinds++
	c.Kind, c.Path = logging.File, value(s, 1)
	for i := 2; i+1 < len(s.Items); i += 2 {
		switch v := value(s, i+1); value(s, i) {
		case "versions":
			c.Versions = versionsOf(v)
		case "size":
			c.Size = int64(min(uintOf(v), 1<<62)) // unlimited and default are 0
		case "suffix":
			c.SuffixTimestamp = strings.EqualFold(v, "timestamp")
		}
	}
}

func versionsOf(v string) int {
	if strings.EqualFold(v, "unlimited") {
		return logging.Unlimited
	}
	return intOf(v)
}

var timeFormats = map[string]logging.TimeFormat{
	"yes": logging.Local, "no": logging.NoTime, "local": logging.Local,
	"iso8601": logging.ISO8601, "iso8601-utc": logging.ISO8601UTC,
}

// printTime has no format with the zone's offset from UTC, which BIND 9.21 has:
// that of UTC tells the zone too.
func (b *builder) printTime(s namedconf.Statement) {
	v := strings.ToLower(value(s, 1))
	if v == "iso8601-tzinfo" {
		b.changef(s.Items[1].Pos, "print-time %s is taken as iso8601-utc", v)
		v = "iso8601-utc"
	}
	b.channel.PrintTime = timeFormats[v]
}

func (b *builder) severity(s namedconf.Statement) {
	c := b.channel
	switch v := strings.ToLower(value(s, 1)); v {
	case "critical":
		c.Severity = logging.Critical
	case "error":
		c.Severity = logging.Error
	case "warning":
		c.Severity = logging.Warning
	case "notice":
		c.Severity = logging.Notice
	case "dynamic":
		c.Dynamic = true
	case "debug":
		c.Severity = logging.Debug(intOf(value(s, 2)))
	}
}
