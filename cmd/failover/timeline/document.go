package timeline

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Stamp is a moment, in JSON as RFC 3339 with milliseconds, null where it is zero.
type Stamp time.Time

// MarshalJSON writes it.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(s).Format(`"2006-01-02T15:04:05.000Z07:00"`)), nil
}

// UnmarshalJSON reads it.
func (s *Stamp) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = Stamp{}
		return nil
	}
	return (*time.Time)(s).UnmarshalJSON(b)
}

// Document is a timeline as JSON. README.md beside this file describes it.
type Document struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Old        []string        `json:"old"`
	New        []string        `json:"new"`
	OldTTL     float64         `json:"old_ttl"` // s
	Started    Stamp           `json:"started"`
	Accepted   Stamp           `json:"accepted"`
	InSync     Stamp           `json:"insync"`
	Ended      Stamp           `json:"ended"`
	ExitStatus int             `json:"exit_status"`
	Result     string          `json:"result"`
	Servers    []DocumentLane  `json:"servers"`
	Events     []DocumentEvent `json:"events"`
	Warnings   []string        `json:"warnings"`
}

// DocumentLane is a server that was observed.
type DocumentLane struct {
	Server   string         `json:"server"`
	Role     Role           `json:"role"`
	Asked    int            `json:"asked"`
	Counts   map[Class]int  `json:"answers"`
	FirstNew Stamp          `json:"first_new"`
	LastOld  Stamp          `json:"last_old"`
	CameBack int            `json:"came_back"`
	Last     Class          `json:"last"`
	Spans    []DocumentSpan `json:"spans"`
}

// DocumentSpan is a run of answers of one class.
type DocumentSpan struct {
	From    Stamp    `json:"from"`
	To      Stamp    `json:"to"`
	Class   Class    `json:"class"`
	Data    []string `json:"data"`
	Answers int      `json:"answers"`
}

// DocumentEvent is one thing that happened.
type DocumentEvent struct {
	At      Stamp   `json:"at"`
	Seconds float64 `json:"seconds"` // since the start
	Kind    Kind    `json:"kind"`
	Server  string  `json:"server,omitempty"`
	Text    string  `json:"text"`
}

// Document returns what was recorded until now, and how it ended.
func (t *Timeline) Document(now time.Time, status int, result string) Document {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := Document{
		Name: t.Spec.Name, Type: t.Spec.Type, Old: list(t.Spec.Old), New: list(t.Spec.New), OldTTL: t.Spec.TTL.Seconds(),
		Started: Stamp(t.Start), Ended: Stamp(now), ExitStatus: status, Result: result,
		Servers: []DocumentLane{}, Events: []DocumentEvent{}, Warnings: list(t.warnings),
	}
	for _, l := range t.lanes {
		d.Servers = append(d.Servers, l.document())
	}
	for _, e := range t.events {
		switch e.Kind {
		case Accepted:
			d.Accepted = Stamp(e.At)
		case InSync:
			d.InSync = Stamp(e.At)
		}
		d.Events = append(d.Events, DocumentEvent{Stamp(e.At), float64(e.At.Sub(t.Start).Milliseconds()) / 1000, e.Kind, e.Server, e.Text})
	}
	return d
}

func (l *Lane) document() DocumentLane {
	d := DocumentLane{
		Server: l.Server, Role: l.Role, Asked: l.Asked, Counts: map[Class]int{IsNew: 0, IsOld: 0, IsOther: 0, IsNone: 0}, FirstNew: Stamp(l.FirstNew),
		LastOld: Stamp(l.LastOld), CameBack: l.CameBack, Last: l.last, Spans: []DocumentSpan{},
	}
	for c, n := range l.Counts {
		d.Counts[c] = n
	}
	for _, s := range l.Spans {
		d.Spans = append(d.Spans, DocumentSpan{Stamp(s.From), Stamp(s.To), s.Class, list(s.Data), s.Answers})
	}
	return d
}

// list is never null in JSON.
func list(s []string) []string { return append([]string{}, slices.Clone(s)...) }

// WriteJSON writes the document.
func (d Document) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// WriteTable writes what each server did, for people.
func (d Document) WriteTable(w io.Writer) error {
	if len(d.Servers) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "server\tasked\tnew\told\tother\tsilent\tfirst new\tlast old\tcame back\t")
	for _, l := range d.Servers {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t\n", l.Server, l.Asked, l.Counts[IsNew], l.Counts[IsOld], l.Counts[IsOther], l.Counts[IsNone],
			d.since(l.FirstNew), d.since(l.LastOld), l.CameBack)
	}
	return t.Flush()
}

// since is a moment beside the start.
func (d Document) since(s Stamp) string {
	if time.Time(s).IsZero() {
		return "never"
	}
	return strings.TrimSpace(fmt.Sprintf("%.3f s", time.Time(s).Sub(time.Time(d.Started)).Seconds()))
}
