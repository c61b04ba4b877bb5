package top

import (
	"fmt"
	"strings"
	"time"
)

// clean makes a text one that no terminal takes for a command: what is not printable
// ASCII, escapes and directions of writing too, is a question mark.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// cut shortens a clean text to a width, and shows that it did.
func cut(s string, width int) string {
	switch {
	case width <= 0:
		return ""
	case len(s) > width:
		return s[:width-1] + "~"
	}
	return s
}

// lasted is a duration of seconds for people.
func lasted(seconds float64) string {
	switch {
	case seconds <= 0:
		return "-"
	case seconds < 1e-3:
		return fmt.Sprintf("%.3g us", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	}
	return fmt.Sprintf("%.3g s", seconds)
}

// span is how long something is, in its two greatest units.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d); {
	case d >= day:
		return fmt.Sprintf("%dd %dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm %ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// size is a number of octets for people, in the units of the page.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}

// plural is a number of things: an s more of them unless it is one.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// clock is a time of day here.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.TimeOnly)
}

// moment is a time of day here, with the date if that is not the one of now.
func moment(t, now time.Time) string {
	if t, now := t.Local(), now.Local(); t.IsZero() || t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return clock(t)
	}
	return t.Local().Format(time.DateTime)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, " ")
}
