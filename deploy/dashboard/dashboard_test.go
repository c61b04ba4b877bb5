package main

//lint:file-ignore SA1019 Grafana before 12 reads the classic form only, and later ones still do

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"vpcdns/forwarder/metrics"
)

const path = "../grafana-dashboard.json"

func load(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The file is what is generated, the same each time.
func TestUpToDate(t *testing.T) {
	want, err := render()
	if err != nil {
		t.Fatal(err)
	}
	if string(load(t)) != string(want) {
		t.Errorf("%s is not what is generated: go generate ./deploy/dashboard", path)
	}
}

// decode takes JSON by the SDK's own types, which know each kind of panel.
func decode(t *testing.T, text []byte) (d dashboard.Dashboard) {
	t.Helper()
	plugins.RegisterDefaultPlugins()
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// again is what is left of it. (The SDK's strict decoding gives up at the first panel, as
// it takes an empty list of errors for one.)
func again(t *testing.T, text []byte) string {
	t.Helper()
	d := decode(t, text)
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	left, err := encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(left)
}

// There is nothing in the file that Grafana's types do not have.
func TestRoundTrip(t *testing.T) {
	text := load(t)
	if again(t, text) != string(text) {
		t.Error("what is decoded and written again is not the same")
	}
	for _, field := range []string{"refId", "gridPos", "reduceOptions", "thresholdsStyle", "titleFormat", "allValue", "graphTooltip"} {
		wrong := strings.Replace(string(text), `"`+field+`"`, `"no`+field+`"`, 1)
		if wrong == string(text) || again(t, []byte(wrong)) == wrong {
			t.Errorf("a wrong name in place of %s is not found", field)
		}
	}
}

// place is where a panel or a row stands.
type place struct {
	id   uint32
	name string
	at   dashboard.GridPos
}

func places(t *testing.T) (list []place) {
	for _, p := range decode(t, load(t)).Panels {
		if p.RowPanel != nil {
			list = append(list, place{p.RowPanel.Id, *p.RowPanel.Title, *p.RowPanel.GridPos})
		} else {
			list = append(list, place{*p.Panel.Id, *p.Panel.Title, *p.Panel.GridPos})
		}
	}
	return list
}

// Each panel has a number of its own, and a place that no other has.
func TestGrid(t *testing.T) {
	ids, taken := map[uint32]string{}, map[[2]uint32]string{}
	list := places(t)
	if len(list) < 40 {
		t.Errorf("%d panels and rows, want 40 or more", len(list))
	}
	for _, p := range list {
		if other, has := ids[p.id]; has || p.id == 0 {
			t.Errorf("%s has the id %d, as %s", p.name, p.id, other)
		}
		ids[p.id] = p.name
		if p.at.W == 0 || p.at.H == 0 || p.at.X+p.at.W > 24 {
			t.Errorf("%s stands at %+v, want it within 24 columns", p.name, p.at)
		}
		for x := p.at.X; x < p.at.X+p.at.W; x++ {
			for y := p.at.Y; y < p.at.Y+p.at.H; y++ {
				if other, has := taken[[2]uint32{x, y}]; has {
					t.Errorf("%s stands over %s", p.name, other)
				}
				taken[[2]uint32{x, y}] = p.name
			}
		}
	}
}

var variable = regexp.MustCompile(`\$\{?(\w+)`)

// Every variable in the file is defined in it, or Grafana's.
func TestVariables(t *testing.T) {
	known := []string{"__rate_interval", "__all"}
	for _, v := range decode(t, load(t)).Templating.List {
		known = append(known, v.Name)
	}
	if got := known[2:]; !slices.Equal(got, []string{"datasource", "job", "instance"}) {
		t.Errorf("the variables are %v", got)
	}
	for _, m := range variable.FindAllStringSubmatch(string(load(t)), -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("the variable $%s is not defined", m[1])
		}
	}
}

// Nothing is left to guess: each panel says what it shows, in which unit, of which source.
func TestPanels(t *testing.T) {
	for _, p := range decode(t, load(t)).Panels {
		if p.Panel == nil {
			continue
		}
		if *p.Panel.Title == "" || *p.Panel.Description == "" || *p.Panel.FieldConfig.Defaults.Unit == "" || *p.Panel.Datasource.Uid != "${datasource}" {
			t.Errorf("panel %d has no title, description, unit or the source that is chosen", *p.Panel.Id)
		}
		if len(p.Panel.Targets) == 0 {
			t.Errorf("%s asks nothing", *p.Panel.Title)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, r := range rows {
		for _, p := range r.panels {
			for _, q := range p.queries {
				if err := check(q.expr); err != nil {
					t.Errorf("check(%s) = %v", q.expr, err)
				}
			}
		}
	}
	for _, e := range []expr{
		"1",
		series("forwarder_no_such_metric"),
		series(metrics.CacheEntries + "_total"),
		series(metrics.CacheEntries + "_bucket"),
		process("process_no_such_metric"),
		series(metrics.CacheEntries, `zone="z."`),
		sum(rate(series(metrics.QueriesTotal)), "sources"),
		over(series(metrics.CacheEntries), series("forwarder_no_such_metric")),
	} {
		if err := check(e); err == nil {
			t.Errorf("check(%s) = nil, want an error", e)
		}
	}
	if _, err := build([]row{{"r", []panel{{title: "p", queries: []query{{"", series("forwarder_no_such_metric")}}}}}}); err == nil || !strings.Contains(err.Error(), "r, p: ") {
		t.Errorf("build = %v, want an error that names the panel", err)
	}
}

// A metric that is renamed is no silent gap in the dashboard: with the constants made anew
// it does not compile, and without it does not generate.
func TestRenamedMetric(t *testing.T) {
	const old, new = `"cache_entries"`, `"cache_items"`
	renamed := overlay(t, "cache.go", old, new)
	if out, err := exec.Command("go", "run", "-overlay", renamed, ".", filepath.Join(t.TempDir(), "d.json")).CombinedOutput(); err == nil || !strings.Contains(string(out), "there is no metric forwarder_cache_entries") {
		t.Errorf("generating with a metric renamed: %v, %s, want it to fail", err, out)
	}
	again := overlay(t, "constants.go", "CacheEntries ", "CacheItems ")
	if out, err := exec.Command("go", "build", "-overlay", again, "-o", os.DevNull, ".").CombinedOutput(); err == nil || !strings.Contains(string(out), "undefined: metrics.CacheEntries") {
		t.Errorf("building with a constant renamed: %v, %s, want it to fail", err, out)
	}
}

// overlay returns the path of what tells go of a file of package metrics in which a text is
// another.
func overlay(t *testing.T, file, old, new string) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join("../../forwarder/metrics", file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(original)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %s: %v", file, old, err)
	}
	edited, dir := strings.Replace(string(text), old, new, 1), t.TempDir()
	replaced := filepath.Join(dir, file)
	instead, err := json.Marshal(map[string]any{"Replace": map[string]string{original: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{replaced: edited, filepath.Join(dir, "overlay.json"): string(instead)} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "overlay.json")
}

func TestRun(t *testing.T) {
	for _, args := range [][]string{nil, {"a", "b"}, {filepath.Join(t.TempDir(), "no", "such", "place")}} {
		if err := run(args); err == nil {
			t.Errorf("run(%q) = nil, want an error", args)
		}
	}
	to := filepath.Join(t.TempDir(), "d.json")
	if err := run([]string{to}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(to); err != nil || string(text) != string(load(t)) {
		t.Error(fmt.Errorf("run writes something else: %w", err))
	}
}
