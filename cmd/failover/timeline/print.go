package timeline

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// clock is how people read a moment.
const clock = "15:04:05.000"

// redraw is how often a progress line changes at most.
const redraw = 100 * time.Millisecond

// Printer writes a timeline as it grows: a line for each event and, on a terminal,
// one that changes below them. A nil one prints nothing.
type Printer struct {
	w        io.Writer
	terminal bool
	start    time.Time
	width    int // of the servers' column
	drawn    time.Time
	line     bool // the progress line stands
}

// NewPrinter prints on w.
func NewPrinter(w io.Writer) *Printer {
	return &Printer{w: w, terminal: IsTerminal(w), width: len("Route 53")}
}

// IsTerminal reports whether people read what is written there.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *Printer) begin(start time.Time) {
	if p == nil {
		return
	}
	p.start = start
	fmt.Fprintf(p.w, "%s\n", start.Format("2006-01-02 MST"))
}

func (p *Printer) widen(server string) {
	if p != nil {
		p.width = max(p.width, len(server))
	}
}

func (p *Printer) event(e Event) {
	if p == nil {
		return
	}
	p.clear()
	fmt.Fprintln(p.w, folded(fmt.Sprintf("%s %9.3f s  %-*s ", e.At.Format(clock), e.At.Sub(p.start).Seconds(), p.width, e.Server), lineText(e)))
	p.drawn = time.Time{}
}

// columns are those of a terminal, and margin is where what does not fit goes on:
// below the servers.
const (
	columns = 80
	margin  = 26
)

// folded is the text behind head, broken at blanks.
func folded(head, text string) string {
	var b strings.Builder
	b.WriteString(head)
	at := len(head)
	for _, word := range strings.Fields(text) {
		if at+1+len(word) > columns && at > margin {
			b.WriteString("\n" + strings.Repeat(" ", margin-1))
			at = margin - 1
		}
		b.WriteString(" " + word)
		at += 1 + len(word)
	}
	return b.String()
}

func lineText(e Event) string {
	if e.Kind == Warned {
		return "warning: " + e.Text
	}
	return e.Text
}

// progress draws the line of how all stand.
func (p *Printer) progress(t *Timeline, now time.Time) {
	if p == nil || !p.terminal || now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn, p.line = now, true
	var b strings.Builder
	fmt.Fprintf(&b, "%7.1f s", now.Sub(p.start).Seconds())
	if t.synced {
		b.WriteString("  INSYNC")
	} else {
		b.WriteString("  PENDING")
	}
	for _, l := range t.lanes {
		fmt.Fprintf(&b, "  %s %s", l.Server, l.standing(now, t.Spec.TTL))
	}
	fmt.Fprintf(p.w, "\r\x1b[K%.*s", columns-1, b.String()) // a line that is folded could not be taken away
}

func (l *Lane) standing(now time.Time, ttl time.Duration) string {
	switch {
	case l.last != IsNew:
		return string(l.last)
	case now.Sub(l.steady) >= ttl:
		return "new"
	}
	return fmt.Sprintf("new %.0f of %.0f s", now.Sub(l.steady).Seconds(), ttl.Seconds())
}

// clear takes the progress line away.
func (p *Printer) clear() {
	if p != nil && p.line {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.line = false
	}
}
