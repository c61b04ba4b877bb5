package sizing

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"
	"time"

	"vpcdns/cmd/bench/markdown"
)

//go:embed sizing.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Document returns the page about sizing and its plot: what is simulated, beside what
// was measured.
func Document(m *Measured) (page, plot []byte, err error) {
	names, colds := fresh(), starts()
	compared, err := compare(m)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, map[string]any{
		"Budget": BudgetPPS, "Limit": InterfacePPS, "Checked": CheckedPackets,
		"Fresh": markdown.Table(1, names), "Fresh10": names[2][2], "Fresh60": names[4][2], "Fresh10Others": names[2][5],
		"Rates": markdown.Table(1, rates()), "Loads": markdown.Table(1, loads()), "Starts": markdown.Table(1, startRows(colds)), "Extras": markdown.Table(1, extras()),
		"Compared": markdown.Table(1, compared), "Measured": m,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("writing the page: %w", err)
	}
	plot, err = draw("Packets to the resolver by the number of names, and a cold start", byNames(), waiting(colds))
	return b.Bytes(), plot, err
}

// compare holds the points against what was measured.
func compare(m *Measured) ([][]string, error) {
	rows := [][]string{{"load", "simulated packets", "measured", "difference"}}
	points := Points()
	if len(points) != len(m.Points) {
		return nil, fmt.Errorf("%d points were measured, there are %d: measure them again", len(m.Points), len(points))
	}
	for i, p := range points {
		was := m.Points[i]
		if was.Name != p.Name {
			return nil, fmt.Errorf("point %q was not measured: measure them again", p.Name)
		}
		is := Run(p.Scenario).Packets
		rows = append(rows, []string{p.Name, fmt.Sprint(is), fmt.Sprint(was.Packets), fmt.Sprintf("%+.1f %%", 100*(float64(was.Packets)/float64(is)-1))})
	}
	return rows, nil
}

// byNames draws packets a second over the number of names.
func byNames() chart {
	const qps = 3000
	c := chart{
		title:  "Packets a second at 3 k queries/s, by TTL",
		xLabel: "names (Zipf 0.9)", ticks: []float64{100, 1000, 10_000, 100_000, 1_000_000},
		most: 2000, limits: []limit{{InterfacePPS, "1024: the resolver drops"}, {BudgetPPS, "900: the forwarder sends"}},
	}
	for _, ttl := range []int{10, 30, 60} {
		var list []Scenario
		for _, names := range c.ticks {
			s := office(int(names), qps)
			s.TTLs, s.PPS = []Share{{ttl, 1}}, 0
			s.Warm = time.Duration(ttl) * 5 / 4 * time.Second
			s.Length = s.Warm + max(30, time.Duration(ttl))*time.Second // all of a name's life
			list = append(list, s)
		}
		line := curve{label: fmt.Sprintf("TTL %d s", ttl), x: c.ticks, dots: true}
		for _, r := range run(list) {
			line.y = append(line.y, r.Mean())
		}
		c.curves = append(c.curves, line)
	}
	return c
}

// waiting draws how many questions wait for a packet after a flush.
func waiting(colds []start) chart {
	c := chart{
		title:  "Questions that wait after a flush, 3 k queries/s",
		xLabel: "seconds after it", ticks: []float64{0, 5, 10, 15, 20}, most: 4000,
	}
	for _, s := range colds {
		if s.qps != 3000 || s.interfaces != 1 || s.names < 10_000 {
			continue
		}
		line := curve{label: markdown.Count(s.names) + " names"}
		for second, n := range s.result.Waiting[:21] {
			line.x, line.y = append(line.x, float64(second)), append(line.y, float64(n))
		}
		c.curves = append([]curve{line}, c.curves...)
	}
	return c
}
