package timeline

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"text/template"
	"time"
)

//go:embed plot.svg.tmpl
var plotText string

var plotTemplate = template.Must(template.New("plot").Funcs(template.FuncMap{"xml": escape}).Parse(plotText))

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}

// Measures of the drawing, in its own units.
const (
	plotLeft   = 190
	plotWidth  = 760 // of the lanes
	plotTop    = 96
	laneHeight = 22
	laneStep   = 44
	minSpan    = 1.5 // so that a single answer is seen
)

// plot is what the template draws.
type plot struct {
	Title, Subtitle string
	Width, Height   int
	Left            int
	Top, Bottom     int
	Lanes           []plotLane
	Ticks, Marks    []plotMark
	AxisY, LegendY  int
}

type plotLane struct {
	Label, Note   string
	Y, TextY      int
	Width, Height int
	Spans         []plotSpan
	Marks         []plotMark
	NoteX, NoteY  int
}

type plotSpan struct {
	X, Width float64
	Class    Class
	Tip      string
}

type plotMark struct {
	X     float64
	Y     int // of its label
	Label string
	Tip   string
}

// WriteSVG draws the document: a lane for each server, over time.
func (d Document) WriteSVG(w io.Writer) error { return plotTemplate.Execute(w, d.plot()) }

func (d Document) plot() plot {
	p := plot{
		Title:    fmt.Sprintf("%s %s: %s → %s", d.Name, d.Type, words(d.Old), words(d.New)),
		Subtitle: fmt.Sprintf("%s, begun %s; %s", time.Time(d.Started).Format("2006-01-02"), time.Time(d.Started).Format(clock+" MST"), d.Result),
		Left:     plotLeft, Top: plotTop - 14, Width: plotLeft + plotWidth + 40,
	}
	for i, l := range d.Servers {
		p.Lanes = append(p.Lanes, d.plotLane(l, plotTop+i*laneStep))
	}
	p.Bottom = plotTop + len(d.Servers)*laneStep
	p.AxisY, p.LegendY = p.Bottom+18, p.Bottom+52
	p.Height = p.Bottom + 86
	p.Ticks, p.Marks = d.ticks(), d.marks()
	return p
}

// x is where a moment stands.
func (d Document) x(at Stamp) float64 {
	return round(plotLeft + plotWidth*seconds(d.Started, at)/d.length())
}

func (d Document) length() float64 { return max(seconds(d.Started, d.Ended), 0.1) }

func seconds(from, to Stamp) float64 { return time.Time(to).Sub(time.Time(from)).Seconds() }

func round(x float64) float64 { return math.Round(x*10) / 10 }

func (d Document) plotLane(l DocumentLane, y int) plotLane {
	p := plotLane{Label: l.Server, Y: y, TextY: y + 15, Width: plotWidth, Height: laneHeight, NoteX: plotLeft + plotWidth/2, NoteY: y + laneHeight + 12}
	for i, s := range l.Spans {
		from, to := d.x(s.From), d.x(d.Ended)
		if i+1 < len(l.Spans) { // until the next answer, nobody heard another
			to = d.x(l.Spans[i+1].From)
		}
		from = max(from, plotLeft)
		width := min(max(to-from, minSpan), plotLeft+plotWidth-from)
		if to < plotLeft || width <= 0 {
			continue
		}
		p.Spans = append(p.Spans, plotSpan{from, round(width), s.Class, fmt.Sprintf("%s %s, %d answers", s.Class, words(s.Data), s.Answers)})
	}
	p.Note = fmt.Sprintf("first new %s · last old %s · came back %d · no answer %d", d.since(l.FirstNew), d.since(l.LastOld), l.CameBack, l.Counts[IsNone])
	for _, e := range d.Events {
		if e.Server == l.Server && overrideKinds[e.Kind] {
			p.Marks = append(p.Marks, plotMark{X: d.x(e.At), Tip: e.Text})
		}
	}
	return p
}

// overrideKinds are marked on the server's lane.
var overrideKinds = map[Kind]bool{Override: true, OverrideFirm: true, OverrideBack: true, OverrideEnded: true, Flushed: true}

// marks are what Route 53 did.
func (d Document) marks() (list []plotMark) {
	for _, m := range []struct {
		at    Stamp
		label string
	}{{d.Accepted, "accepted"}, {d.InSync, "INSYNC"}} {
		if time.Time(m.at).IsZero() {
			continue
		}
		mark := plotMark{X: d.x(m.at), Y: plotTop - 20, Label: fmt.Sprintf("%s %s", m.label, d.since(m.at))}
		if len(list) > 0 && mark.X-list[0].X < 130 { // beside each other the texts would lie on each other
			mark.Y -= 12
		}
		list = append(list, mark)
	}
	return list
}

// steps are how far apart ticks may be, s.
var steps = []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600}

func (d Document) ticks() (list []plotMark) {
	step := steps[len(steps)-1]
	for _, s := range steps {
		if d.length()/s <= 10 {
			step = s
			break
		}
	}
	for i := 0; float64(i)*step <= d.length(); i++ {
		s := float64(i) * step
		list = append(list, plotMark{X: round(plotLeft + plotWidth*s/d.length()), Label: fmt.Sprintf("%g s", round(s))})
	}
	return list
}
