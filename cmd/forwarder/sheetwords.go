package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/watch"
)

// clock is a time with its date and zone.
func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// moment is a time and how far it is from now.
func moment(t, now time.Time) string {
	if ago := now.Sub(t); ago >= 0 {
		return clock(t) + " (" + short(ago) + " ago)"
	}
	return clock(t) + " (in " + short(t.Sub(now).Round(time.Second)) + ")"
}

func seconds(s watch.Seconds) string { return short(time.Duration(s).Round(time.Second)) }

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// changeText is a change in a line; the name is left out where it is known.
func changeText(c *watch.Change, name bool) string {
	what := c.Type
	if name {
		what = c.Name + " " + what
	}
	text := fmt.Sprintf("%s %s: %s, before %s; by %s", c.At.Local().Format("2006-01-02 15:04:05.000 MST"), what, dataText(c.New), dataText(c.Old), c.Source)
	if c.By != "" {
		text += " (" + printable(c.By) + ")"
	}
	return text
}

// A list shows so many records, and so much of each, in characters: a set may have
// hundreds, a text 64 kB.
const (
	maxRecords   = 8
	maxRecordLen = 100
)

// dataText is the data of a set in a line.
func dataText(data []string) string {
	if len(data) == 0 {
		return "no data"
	}
	return cutList(data, ", ")
}

func cutList(list []string, between string) string {
	more := len(list) - maxRecords
	if more > 0 {
		list = list[:maxRecords]
	}
	list = slices.Clone(list)
	for i, text := range list {
		if len(text) > maxRecordLen {
			text = strings.ToValidUTF8(text[:maxRecordLen], "") + "..."
		}
		list[i] = printable(text)
	}
	text := strings.Join(list, between)
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// sameTexts reports whether two sets have the same data.
func sameTexts(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
