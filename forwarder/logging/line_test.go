package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

func TestLine(t *testing.T) {
	zone := time.FixedZone("EST", -5*3600)
	at := time.Date(2026, 11, 2, 5, 4, 8, 62e6, zone)
	tests := []struct {
		name    string
		channel Channel
		level   slog.Level
		want    string
	}{
		{"bare", Channel{}, Info, ""},
		{"all", Channel{PrintTime: Local, PrintCategory: true, PrintSeverity: true}, Notice,
			"02-Nov-2026 05:04:08.062 general: notice: "},
		{"time", Channel{PrintTime: Local}, Info, "02-Nov-2026 05:04:08.062 "},
		{"iso8601", Channel{PrintTime: ISO8601}, Info, "2026-11-02T05:04:08.062 "},
		{"iso8601-utc", Channel{PrintTime: ISO8601UTC}, Info, "2026-11-02T10:04:08.062Z "},
		{"category", Channel{PrintCategory: true}, Info, "general: "},
		{"critical", Channel{PrintSeverity: true}, Critical, "critical: "},
		{"error", Channel{PrintSeverity: true}, slog.LevelError, "error: "},
		{"warning", Channel{PrintSeverity: true}, slog.LevelWarn, "warning: "},
		{"info", Channel{PrintSeverity: true}, slog.LevelInfo, "info: "},
		{"debug", Channel{PrintSeverity: true}, slog.LevelDebug, "debug 1: "},
		{"debug 3", Channel{PrintSeverity: true}, Debug(3), "debug 3: "},
		{"debug 0", Channel{PrintSeverity: true}, Debug(0), "debug 1: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(appendPrefix(nil, new(timestamp), &test.channel, "general", at, test.level))
			if got != test.want {
				t.Errorf("appendPrefix(%+v) = %q, want %q", test.channel, got, test.want)
			}
		})
	}
}

func TestAttributes(t *testing.T) {
	tests := []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"none", func(l *slog.Logger) { l.Info("zone loaded") }, "zone loaded"},
		{"plain", func(l *slog.Logger) { l.Info("up", "server", "10.79.0.2#53", "tries", 3) }, "up server=10.79.0.2#53 tries=3"},
		{"quoted", func(l *slog.Logger) { l.Info("x", "err", errors.New("no such file"), "e", "", "q", `a"b`) },
			`x err="no such file" e="" q="a\"b"`},
		{"control characters", func(l *slog.Logger) { l.Info("a\nforged: line\x7f", "k\n", "v\n") }, `a\010forged: line\127 k\010="v\n"`},
		{"with", func(l *slog.Logger) { l.With("zone", "corp").Info("x", "n", 1) }, "x zone=corp n=1"},
		{"groups", func(l *slog.Logger) {
			l.WithGroup("up").With("a", 1).WithGroup("tcp").Info("x", "b", 2, slog.Group("g", "c", 3))
		}, "x up.a=1 up.tcp.b=2 up.tcp.g.c=3"},
		{"siblings", func(l *slog.Logger) {
			parent := l.With("a", 1)
			parent.With("b", 2)
			parent.With("c", 3).Info("x")
		}, "x a=1 c=3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			l := w.open(Config{Channels: []Channel{{Name: "e", Kind: Stderr}}, Categories: map[string][]string{"default": {"e"}}})
			test.log(l.Logger("general"))
			if got := w.printed(); got != test.want+"\n" {
				t.Errorf("line = %q, want %q", got, test.want+"\n")
			}
		})
	}
}

// The rules of slog.Handler, as the standard library checks them.
func TestHandlerRules(t *testing.T) {
	var w *world
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		w = newWorld(t)
		return w.open(Config{
			Channels:   []Channel{{Name: "e", Kind: Stderr, PrintTime: ISO8601, PrintSeverity: true}},
			Categories: map[string][]string{"default": {"e"}},
		}).Logger("general").Handler()
	}, func(t *testing.T) map[string]any { return parse(strings.TrimSuffix(w.printed(), "\n")) })
}

// parse turns "TIME severity: message a=1 g.b=2" into what slogtest looks at.
func parse(line string) map[string]any {
	m := make(map[string]any)
	for i, word := range strings.Fields(line) {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case ok:
			put(m, strings.Split(key, "."), value)
		case i == 0 && strings.HasPrefix(word, "20"):
			m[slog.TimeKey] = word
		case strings.HasSuffix(word, ":"):
			m[slog.LevelKey] = word
		default:
			m[slog.MessageKey] = word
		}
	}
	return m
}

func put(m map[string]any, path []string, value string) {
	for _, group := range path[:len(path)-1] {
		if m[group] == nil {
			m[group] = make(map[string]any)
		}
		m = m[group].(map[string]any)
	}
	m[path[len(path)-1]] = value
}

// A record is one printable line, whatever clients put into it, and a value
// can be read back.
func FuzzLine(f *testing.F) {
	f.Add("query: a.example IN A", "client", "127.0.0.1#53")
	f.Add("a\r\n22-Nov-2026 forged", "k=\n", "\"\\\x00 ")
	f.Fuzz(func(t *testing.T, msg, key, value string) {
		line := appendAttr(appendText(nil, msg), "", slog.String(key, value))
		if i := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
			t.Errorf("line %q holds a control character at %d", line, i)
		}
		if key == "" && value == "" {
			return // slog: an empty attribute is left out
		}
		head := string(appendText(nil, msg)) + " " + string(appendText(nil, key)) + "="
		got, ok := strings.CutPrefix(string(line), head)
		if !ok {
			t.Fatalf("line = %q, want it to begin with %q", line, head)
		}
		if needsQuotes(value) {
			got, _ = strconv.Unquote(got)
		}
		if got != value {
			t.Errorf("value read back = %q, want %q", got, value)
		}
	})
}
