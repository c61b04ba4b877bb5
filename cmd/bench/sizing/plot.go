package sizing

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"strings"
	"text/template"

	"vpcdns/cmd/bench/markdown"
)

//go:embed plot.svg.tmpl
var plotText string

var plotTemplate = template.Must(template.New("plot").Parse(plotText))

// Measures of the drawing, in its own units: two panels side by side.
const (
	plotWidth, plotHeight   = 310, 240
	marginLeft, marginRight = 56, 84
	marginTop, marginBottom = 48, 52
)

// chart is one panel: curves over an axis, which is logarithmic where the values begin
// above 0.
type chart struct {
	title, xLabel string
	ticks         []float64 // of x, from its least to its most
	most          float64   // y
	curves        []curve
	limits        []limit // from the top down
}

type limit struct {
	y     float64
	label string
}

// curve has its label at its end or, without dots, above its highest point.
type curve struct {
	label string
	x, y  []float64
	dots  bool
}

// The template's words.
type (
	plot struct {
		Title         string
		Width, Height int
		Panels        []panel
	}
	panel struct {
		Title, XLabel          string
		Left, Top              int
		Width, Height, Middle  int
		XTicks, YTicks, Limits []tick
		Lines                  []drawn
	}
	tick struct {
		At    float64
		Label string
		Below bool // its line
	}
	drawn struct {
		Class, Points, Label string
		Dots                 []dot
		LabelX, LabelY       float64
	}
	dot struct{ X, Y float64 }
)

// draw returns the charts side by side, in SVG.
func draw(title string, charts ...chart) ([]byte, error) {
	p := plot{Title: title, Height: marginTop + plotHeight + marginBottom}
	for _, c := range charts {
		panel := c.panel()
		panel.Left, panel.Top = p.Width+marginLeft, marginTop
		p.Width += marginLeft + plotWidth + marginRight
		p.Panels = append(p.Panels, panel)
	}
	var b bytes.Buffer
	err := plotTemplate.Execute(&b, p)
	return b.Bytes(), err
}

func (c *chart) panel() panel {
	p := panel{Title: c.title, XLabel: c.xLabel, Width: plotWidth, Height: plotHeight, Middle: plotWidth / 2}
	for _, x := range c.ticks {
		p.XTicks = append(p.XTicks, tick{At: c.x(x), Label: markdown.Count(int(x))})
	}
	const steps = 4
	for i := range steps + 1 {
		y := c.most * float64(i) / steps
		p.YTicks = append(p.YTicks, tick{At: c.y(y), Label: fmt.Sprint(y)})
	}
	for i, l := range c.limits {
		p.Limits = append(p.Limits, tick{At: c.y(l.y), Label: l.label, Below: i > 0})
	}
	for i, curve := range c.curves {
		p.Lines = append(p.Lines, c.line(curve, fmt.Sprintf("l%d", i)))
	}
	spread(p.Lines)
	return p
}

// x and y are where a value stands.
func (c *chart) x(v float64) float64 {
	least, most := c.ticks[0], c.ticks[len(c.ticks)-1]
	if least > 0 {
		v, least, most = math.Log10(v), math.Log10(least), math.Log10(most)
	}
	return tenth(plotWidth * (v - least) / (most - least))
}

func (c *chart) y(v float64) float64 { return tenth(plotHeight * (1 - min(v/c.most, 1))) }

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

func (c *chart) line(from curve, class string) drawn {
	d := drawn{Class: class, Label: from.label}
	var points []string
	top := 0
	for i, x := range from.x {
		at := dot{c.x(x), c.y(from.y[i])}
		points = append(points, fmt.Sprintf("%g,%g", at.X, at.Y))
		if from.dots {
			d.Dots = append(d.Dots, at)
		}
		if from.y[i] > from.y[top] || from.dots {
			top = i
		}
	}
	d.Points = strings.Join(points, " ")
	if d.LabelX, d.LabelY = c.x(from.x[top])+7, c.y(from.y[top])+4; !from.dots {
		d.LabelY -= 11
	}
	return d
}

// spread moves labels that lie on each other apart, downwards; the lines come from the
// top down.
func spread(lines []drawn) {
	const height = 15
	for i := range lines {
		if i > 0 && lines[i].LabelX == lines[i-1].LabelX {
			lines[i].LabelY = max(lines[i].LabelY, lines[i-1].LabelY+height)
		}
	}
}
