package deploy

import (
	"encoding/json"
	"strings"
	"testing"
)

// dashboardQueries are all that the dashboard asks Prometheus, with the choice of all
// forwarders in place of its variables, and a minute's range as in Grafana with scrapes of
// 15 seconds.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	type target struct{ Expr string }
	var d struct {
		Panels []struct {
			Targets []target
		}
		Annotations struct{ List []target }
	}
	if err := json.Unmarshal([]byte(read(t, "grafana-dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	all := d.Annotations.List
	for _, p := range d.Panels {
		all = append(all, p.Targets...)
	}
	chosen := strings.NewReplacer("$job", "forwarder", "$instance", ".*", "$__rate_interval", "1m")
	for _, q := range all {
		queries = append(queries, chosen.Replace(q.Expr))
	}
	if len(queries) < 50 {
		t.Fatalf("the dashboard has %d queries, want 50 or more", len(queries))
	}
	return queries
}
