package logging

import (
	"log/slog"
	"strconv"
	"time"
)

// appendPrefix appends what a channel prints before a message: time, category
// and severity, in this order.
func appendPrefix(dst []byte, s *timestamp, c *Channel, category string, t time.Time, level slog.Level) []byte {
	dst = s.append(dst, c.PrintTime, t)
	if c.PrintCategory {
		dst = append(append(dst, category...), ": "...)
	}
	if c.PrintSeverity {
		dst = append(append(dst, SeverityName(level)...), ": "...)
	}
	return dst
}

// appendLine appends a message as a channel writes it.
func appendLine(dst []byte, s *timestamp, c *Channel, category string, t time.Time, level slog.Level, body []byte) []byte {
	dst = appendPrefix(dst, s, c, category, t, level)
	dst = append(dst, body...)
	return append(dst, '\n')
}

// appendAttr appends " key=value", with group in front of the key, or the
// members of a group one by one. An empty Attr appends nothing.
func appendAttr(dst []byte, group string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, member := range v.Group() {
			dst = appendAttr(dst, group, member)
		}
		return dst
	}
	if a.Equal(slog.Attr{}) {
		return dst
	}
	dst = append(dst, ' ')
	dst = appendText(dst, group)
	dst = appendText(dst, a.Key)
	return appendValue(append(dst, '='), v.String())
}

// appendValue quotes what could not be told from the text around it.
func appendValue(dst []byte, s string) []byte {
	if !needsQuotes(s) {
		return append(dst, s...)
	}
	return strconv.AppendQuote(dst, s)
}

func needsQuotes(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '=' || c == 0x7f {
			return true
		}
	}
	return s == ""
}

// appendText appends s with control characters as \DDD, as master files have
// them (RFC 1035 section 5.1), so that a message is always one line.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if !isControl(c) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
	}
	return dst
}

func isControl(c byte) bool { return c < ' ' || c == 0x7f }
