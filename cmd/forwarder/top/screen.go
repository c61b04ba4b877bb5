package top

import (
	"fmt"
	"strings"
	"time"

	"vpcdns/cmd/forwarder/page"
)

// mark is how a line looks.
type mark uint8

const (
	plain mark = iota
	head
	bad
	faint
)

// line is one of the screen. Its text is clean, and no wider than the screen.
type line struct {
	text string
	mark mark
}

// view is what the screen shows of a document.
type view uint8

const (
	overview view = iota
	names
	upstreams
	hot
	numViews
)

var viewNames = [numViews]string{"overview", "names", "upstreams", "hot"}

// screen is all that there is to see. The zero value has no document yet.
type screen struct {
	server        string // as the user calls it
	width, height int
	doc           *page.Document // the latest, nil: there was none
	away          time.Time      // since when none comes; zero: they do
	why           string
	view          view
	filter        string // of names, in lower case
	typing        bool   // it is being typed
	first         int    // line of the view that is shown first
	help          bool
}

// lines are the screen from top to bottom, no more than its height.
func (s *screen) lines(now time.Time) []line {
	list := append(s.head(now), line{s.tabs(), faint}, line{})
	body, room := s.body(), max(0, s.height-len(list)-1)
	s.first = max(0, min(s.first, len(body)-room))
	body = body[s.first:]
	more := max(0, len(body)-room)
	list = append(list, body[:len(body)-more]...)
	for len(list) < s.height-1 {
		list = append(list, line{})
	}
	return s.fit(append(list, s.foot(more)))
}

// fit makes lines those of the screen.
func (s *screen) fit(list []line) []line {
	list = list[:min(len(list), s.height)]
	for i := range list {
		list[i].text = cut(clean(list[i].text), s.width)
	}
	return list
}

// head is what is always there.
func (s *screen) head(now time.Time) (list []line) {
	if s.doc == nil {
		list = []line{{"forwarder at " + s.server, head}}
	} else {
		d := &s.doc.Server
		list = []line{{fmt.Sprintf("forwarder %s at %s  %s, up %s  %s", d.Version, d.Name, d.State, span(s.doc.Now.Sub(d.Started)), clock(s.doc.Now)), head}}
	}
	switch {
	case !s.away.IsZero() && s.doc != nil:
		list = append(list, line{fmt.Sprintf("AWAY since %s (%s): %s; what is below was so then", clock(s.away), span(now.Sub(s.away)), s.why), bad})
	case !s.away.IsZero():
		list = append(list, line{fmt.Sprintf("AWAY: %s; asking again each second", s.why), bad})
	case s.doc == nil:
		list = append(list, line{"waiting for its first document", faint})
	}
	return list
}

func (s *screen) tabs() string {
	var b strings.Builder
	for v, name := range viewNames {
		if view(v) == s.view {
			name = "[" + name + "]"
		} else {
			name = " " + name + " "
		}
		b.WriteString(name)
	}
	if s.filter != "" && !s.typing {
		b.WriteString("  names with " + s.filter)
	}
	return b.String()
}

func (s *screen) foot(more int) line {
	switch {
	case s.typing:
		return line{"names with: " + s.filter + "_  (enter keeps, esc clears)", head}
	case more > 0:
		return line{fmt.Sprintf("%d more lines: j k  |  tab view  / filter  ? help  q quit", more), faint}
	}
	return line{"tab view  / filter  ? help  q quit", faint}
}

const helpText = `tab, right    the next view; shift+tab, left: the one before; 1 to 4
j, down       a line further; k, up: back; g: the first
space, pgdn   a page further; b, pgup: back
/             show only names that contain a text: enter keeps it, esc ends it
?             this help, and back
q, ctrl+c     quit

Of a name, GIVEN is what clients get here, PEER what the other of the pair gives,
HELD until when somebody may keep earlier data. In the strip of the last 15
minutes a new letter is other data, and a dot nothing known.`

func (s *screen) body() (list []line) {
	switch {
	case s.help:
		for text := range strings.SplitSeq(helpText, "\n") {
			list = append(list, line{text, plain})
		}
		return list
	case s.doc == nil:
		return nil
	}
	switch s.view {
	case names:
		return s.names()
	case upstreams:
		return s.upstreams()
	case hot:
		return s.hot()
	}
	return s.overview()
}

// shows reports whether a name passes the filter.
func (s *screen) shows(name string) bool { return strings.Contains(strings.ToLower(name), s.filter) }

// tabled are the lines of a table, or a word where it has but a head.
func (s *screen) tabled(t table, none string) (list []line) {
	if len(t) == 1 {
		return []line{{none, faint}}
	}
	for i, text := range t.lines(s.width) {
		m := plain
		if i == 0 {
			m = faint
		}
		list = append(list, line{text, m})
	}
	return list
}
