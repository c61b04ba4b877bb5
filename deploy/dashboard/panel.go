package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// look is how a panel shows its values.
type look int

const (
	lines  look = iota
	stack       // lines upon each other
	number      // the latest value
	states      // coloured strips
)

// row is a part of the dashboard.
type row struct {
	title  string
	panels []panel
}

// panel is one picture; a row is 24 wide.
type panel struct {
	look    look
	width   uint32
	title   string
	help    string
	unit    string
	queries []query
	names   []named // of values
	limit   float64 // that is coloured from there on; 0 is none
}

// query is a line or more of a panel. Its legend names labels: "{{instance}}".
type query struct {
	legend string
	expr   expr
}

// named is what a value is called.
type named struct{ value, text, color string }

const (
	good = "green"
	odd  = "orange"
	bad  = "red"
)

const (
	panelHeight  = 8
	numberHeight = 4
)

// builder is what all kinds of panels have in common.
type builder[B any] interface {
	cog.Builder[dashboard.Panel]
	Id(uint32) B
	Title(string) B
	Description(string) B
	Span(uint32) B
	Height(uint32) B
	Unit(string) B
	Datasource(common.DataSourceRef) B
	Mappings([]dashboard.ValueMapping) B
	Thresholds(cog.Builder[dashboard.ThresholdsConfig]) B
	WithTarget(cog.Builder[variants.Dataquery]) B
}

// build makes it. Its number has to be unique.
func (p *panel) build(id uint32) cog.Builder[dashboard.Panel] {
	switch p.look {
	case number:
		b := stat.NewPanelBuilder().ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
			ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
			Orientation(common.VizOrientationAuto)
		return fill(b, p, id, numberHeight)
	case states:
		b := statetimeline.NewPanelBuilder().MergeValues(true).ShowValue(common.VisibilityModeNever).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone))
		return fill(b, p, id, panelHeight)
	}
	b := timeseries.NewPanelBuilder().LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).Min(0).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.look == stack {
		b.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}
	if p.limit != 0 {
		b.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	return fill(b, p, id, panelHeight)
}

func fill[B builder[B]](b B, p *panel, id, height uint32) B {
	b.Id(id).Title(p.title).Description(p.help).Span(p.width).Height(height).Unit(p.unit).Datasource(datasource())
	b.Thresholds(p.thresholds())
	if len(p.names) > 0 {
		b.Mappings(p.mappings())
	}
	for i, q := range p.queries {
		t := prometheus.NewDataqueryBuilder().Expr(string(q.expr)).LegendFormat(q.legend).RefId(string(rune('A' + i)))
		if p.look == number {
			t.Instant()
		} else {
			t.Range()
		}
		b.WithTarget(t)
	}
	return b
}

func (p *panel) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	steps := []dashboard.Threshold{{Color: good}}
	if p.limit != 0 {
		steps = append(steps, dashboard.Threshold{Value: &p.limit, Color: bad})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

func (p *panel) mappings() []dashboard.ValueMapping {
	m := dashboard.NewValueMap()
	for i, n := range p.names {
		index := int32(i)
		m.Options[n.value] = dashboard.ValueMappingResult{Text: &n.text, Color: &n.color, Index: &index}
	}
	return []dashboard.ValueMapping{{ValueMap: m}}
}

// datasource is the one that is chosen.
func datasource() common.DataSourceRef {
	kind, uid := "prometheus", "${datasource}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// The usual units.
const (
	perSecond = units.RequestsPerSecond
	share     = units.PercentUnit
	count     = units.Short
)
