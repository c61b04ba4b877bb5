package logging

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// handler is the slog.Handler of one category, with the attributes that its
// logger was given.
type handler struct {
	logs     *Logs
	category *category
	attrs    []byte // as they will stand behind the message
	group    string // "a.b." for keys that are still to come
	notable  bool
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return int64(level) >= h.category.level.Load() || h.notable && level >= slog.LevelWarn
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	body := appendText(make([]byte, 0, 256), r.Message)
	body = append(body, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		body = appendAttr(body, h.group, a)
		return true
	})
	h.logs.write(h.category, r.Time, r.Level, body, h.notable)
	return nil
}

// CategoryKey is the attribute by which a logger chooses its category.
const CategoryKey = "category"

// NotableKey is the attribute, true, of loggers whose warnings and errors an
// operator has to see: where no channel of the category takes them, the place of
// last resort does (Config.LastResort).
const NotableKey = "notable"

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = with.attrs[:len(with.attrs):len(with.attrs)]
	for _, a := range attrs {
		if a.Key == CategoryKey && h.group == "" {
			with.category = h.logs.category(a.Value.String())
			continue
		}
		if a.Key == NotableKey && h.group == "" {
			with.notable = a.Value.Kind() == slog.KindBool && a.Value.Bool()
			continue
		}
		with.attrs = appendAttr(with.attrs, h.group, a)
	}
	return &with
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}

// LineHandler is what the handlers of a Logs are besides: who has octets to log makes
// no garbage.
type LineHandler interface {
	slog.Handler

	// HandleLine is Handle for a record of a time, a level and a message, of which
	// nothing is kept.
	HandleLine(t time.Time, level slog.Level, msg []byte)
}

func (h *handler) HandleLine(t time.Time, level slog.Level, msg []byte) {
	if len(h.attrs) > 0 || slices.ContainsFunc(msg, isControl) {
		msg = append(appendText(nil, string(msg)), h.attrs...)
	}
	h.logs.write(h.category, t, level, msg, h.notable)
}
