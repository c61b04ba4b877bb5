package main

//lint:file-ignore SA1019 Grafana before 12 reads the classic form only, and later ones still do

import (
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"vpcdns/forwarder/metrics"
)

// build makes the dashboard of rows.
func build(rows []row) (dashboard.Dashboard, error) {
	if err := checkAll(rows); err != nil {
		return dashboard.Dashboard{}, err
	}
	b := dashboard.NewDashboardBuilder("forwarder").Uid("forwarder-pair").
		Description("A pair of DNS forwarders. Made by go generate ./deploy/dashboard: change it there.").
		Tags([]string{"dns", "forwarder"}).Editable().Refresh("30s").Time("now-1h", "now").Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair)
	variables(b)
	annotations(b)
	id := uint32(1)
	for _, r := range rows {
		b.WithRow(dashboard.NewRowBuilder(r.title).Id(id))
		id++
		for i := range r.panels {
			b.WithPanel(r.panels[i].build(id))
			id++
		}
	}
	return b.Build()
}

func checkAll(rows []row) error {
	var errs []error
	for _, r := range rows {
		for _, p := range r.panels {
			for _, q := range p.queries {
				if err := check(q.expr); err != nil {
					errs = append(errs, fmt.Errorf("%s, %s: %w", r.title, p.title, err))
				}
			}
		}
	}
	for _, a := range marks {
		if err := check(a.expr); err != nil {
			errs = append(errs, fmt.Errorf("annotation %s: %w", a.name, err))
		}
	}
	return errors.Join(errs...)
}

// variables are what is chosen above the panels.
func variables(b *dashboard.DashboardBuilder) {
	source := datasource()
	ask := func(query string) dashboard.StringOrMap { return dashboard.StringOrMap{String: &query} }
	b.WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus"))
	b.WithVariable(dashboard.NewQueryVariableBuilder("job").Label("Job").Datasource(source).
		Query(ask("label_values(" + string(metrics.BuildInfo) + ", job)")).
		Refresh(dashboard.VariableRefreshOnDashboardLoad).Sort(dashboard.VariableSortAlphabeticalAsc))
	b.WithVariable(dashboard.NewQueryVariableBuilder("instance").Label("Forwarder").Datasource(source).
		Query(ask("label_values(" + string(metrics.BuildInfo) + `{job="$job"}, instance)`)).Multi(true).IncludeAll(true).AllValue(".*").
		Current(all()).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc))
}

// all is the choice of all instances.
func all() dashboard.VariableOption {
	text, value, yes := "All", "$__all", true
	return dashboard.VariableOption{Selected: &yes, Text: dashboard.StringOrArrayOfString{String: &text}, Value: dashboard.StringOrArrayOfString{String: &value}}
}

// mark is a moment that is shown in all panels.
type mark struct {
	name, text, color string
	expr              expr
}

var marks = []mark{
	{"Changes of names", "{{name}} {{type}} changed", "blue", growth(series(metrics.WatchedNameChangesTotal)) + " > 0"},
	{"Starts", "{{instance}} started", "purple", "changes(" + series(metrics.StartTimeSeconds) + "[$__rate_interval]) > 0"},
	{"Reloads", "{{instance}} loaded its configuration", "yellow", "changes(" + series(metrics.ConfigLastReloadSuccessTimestampSeconds) + "[$__rate_interval]) > 0"},
}

func annotations(b *dashboard.DashboardBuilder) {
	for _, m := range marks {
		b.Annotation(dashboard.NewAnnotationQueryBuilder().Name(m.name).Datasource(datasource()).Enable(true).
			IconColor(m.color).Expr(string(m.expr)).TitleFormat(m.text).Step("30s"))
	}
}
