package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"

	"vpcdns/cmd/bench/markdown"
)

// Sizes of the plot in SVG's pixels: three panels side by side.
const (
	panelWidth, panelHeight = 290, 300
	top, bottom             = 40, 44
	plotHeight              = panelHeight - top - bottom

	// Bars have the servers' names on their left, lines on their right.
	barsLeft, barsRight   = 74, 18
	barsWidth             = panelWidth - barsLeft - barsRight
	linesLeft, linesRight = 34, 72
	linesWidth            = panelWidth - linesLeft - linesRight

	// lineHeight is how far apart two labels can be read.
	lineHeight = 15
)

// style is readable on white, and on black where the reader asks for that.
const style = `<style>
text { font: 12px system-ui, sans-serif; fill: #59636e }
.title { font-weight: 600 }
.end { text-anchor: end }
.mid { text-anchor: middle }
.axis { stroke: #8b949e; fill: none }
.forwarder { fill: #1f7ae0; stroke: #1f7ae0 }
.echo { fill: #8b949e; stroke: #8b949e }
.peer { fill: #c98a2b; stroke: #c98a2b }
polyline { stroke-width: 2 }
polyline.forwarder, polyline.echo { fill: none }
@media (prefers-color-scheme: dark) { text { fill: #b4bcc6 } }
</style>
`

// SVG draws what a hit costs: for each server, and for the forwarder and the
// echo by the number of names and of client sockets.
func (r *Results) SVG() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">`, 3*panelWidth, panelHeight)
	fmt.Fprintf(&b, "\n<title>CPU time of the server for each query answered from cache</title>\n%s", style)
	r.bars(panel{&b, 0}, hitTest)
	r.lines(panel{&b, 1}, namesTest)
	r.lines(panel{&b, 2}, socketsTest)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// panel writes at the place of one of the three; x and y are relative to it.
type panel struct {
	out   *bytes.Buffer
	place int
}

func (p panel) text(class string, x, y float64, s string) {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(s)) // a Builder takes all
	fmt.Fprintf(p.out, "<text class=%q x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, p.x(x), y, escaped.String())
}

func (p panel) x(x float64) float64 { return x + float64(p.place*panelWidth) }

func (p panel) title(s string) { p.text("title", 12, 18, s) }

// bars draws one for each server, the cheapest first.
func (r *Results) bars(p panel, test string) {
	p.title("A hit, µs of CPU")
	list := slices.DeleteFunc(slices.Clone(r.Series), func(s *Series) bool { return s.Test != test })
	slices.SortStableFunc(list, func(a, b *Series) int { return int(1e6 * (median(a.Values) - median(b.Values))) })
	if len(list) == 0 {
		return
	}
	most := median(list[len(list)-1].Values)
	step := float64(plotHeight+20) / float64(max(4, len(list)))
	for i, s := range list {
		v, y := median(s.Values), top+float64(i)*step
		width := v / most * (barsWidth - 30)
		p.text("end", barsLeft-6, y+step/2+4, s.Server)
		fmt.Fprintf(p.out, "<rect class=%q x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", class(s.Server), p.x(barsLeft), y+step*0.2, width, step*0.6)
		p.text("", barsLeft+width+5, y+step/2+4, figure(v))
	}
}

func class(server string) string {
	if server == ours || server == floor {
		return server
	}
	return "peer"
}

// lines draws one for the forwarder and one for the echo over a logarithmic axis.
func (r *Results) lines(p panel, test string) {
	p.title("… by the number of " + test)
	most, points := 0.0, []int(nil)
	for _, s := range r.Series {
		if s.Test == test && (s.Server == ours || s.Server == floor) {
			most, points = max(most, median(s.Values)), append(points, s.N)
		}
	}
	slices.Sort(points)
	points = slices.Compact(points)
	if len(points) < 2 {
		return
	}
	scale := axes{low: math.Log10(float64(points[0])), high: math.Log10(float64(points[len(points)-1])), most: math.Ceil(most/2) * 2}
	scale.draw(p, points)
	floorEnd, oursEnd := r.line(p, scale, test, floor, points), r.line(p, scale, test, ours, points)
	floorEnd, oursEnd = apart(floorEnd, oursEnd)
	p.text("", linesLeft+linesWidth+9, floorEnd+4, floor)
	p.text("", linesLeft+linesWidth+9, oursEnd+4, ours)
}

// apart moves two heights, of labels, away from each other until both can be
// read.
func apart(a, b float64) (float64, float64) {
	gap := (lineHeight - math.Abs(a-b)) / 2
	switch {
	case gap <= 0:
		return a, b
	case a < b:
		return a - gap, b + gap
	}
	return a + gap, b - gap
}

// axes map a number of things, by its logarithm, and a cost to a place.
type axes struct{ low, high, most float64 }

func (a axes) at(n int, cost float64) (x, y float64) {
	share := (math.Log10(float64(n)) - a.low) / (a.high - a.low)
	return linesLeft + share*linesWidth, top + plotHeight*(1-cost/a.most)
}

func (a axes) draw(p panel, points []int) {
	fmt.Fprintf(p.out, "<path class=\"axis\" d=\"M%.1f %d v%d h%d\"/>\n", p.x(linesLeft), top, plotHeight, linesWidth)
	for i := range 3 {
		cost := a.most * float64(i) / 2
		_, y := a.at(points[0], cost)
		p.text("end", linesLeft-6, y+4, fmt.Sprint(cost))
	}
	for _, n := range points {
		x, y := a.at(n, 0)
		p.text("mid", x, y+18, markdown.Count(n))
	}
}

// line returns the height at which it ends.
func (r *Results) line(p panel, a axes, test, server string, points []int) (end float64) {
	var path, dots strings.Builder
	for _, n := range points {
		if s := r.find(test, n, server); s != nil {
			x, y := a.at(n, median(s.Values))
			end = y
			fmt.Fprintf(&path, "%.1f,%.1f ", p.x(x), y)
			fmt.Fprintf(&dots, "<circle class=%q cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", server, p.x(x), y)
		}
	}
	fmt.Fprintf(p.out, "<polyline class=%q points=%q/>\n%s", server, strings.TrimSpace(path.String()), dots.String())
	return end
}
