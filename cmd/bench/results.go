package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpcdns/cmd/bench/markdown"
)

// The servers that have a meaning in tables and plot.
const ours, floor = "forwarder", "echo"

// Names of tests that the plot shows.
const (
	hitTest     = "UDP hit, 10 k names, 16 sockets"
	namesTest   = "names"
	socketsTest = "client sockets"
)

// Results are the measurements of one run.
type Results struct {
	Machine string    `json:"machine"`
	Date    string    `json:"date"`
	Series  []*Series `json:"series"`
}

// Series holds one value a round, of one server in one test.
type Series struct {
	Test   string    `json:"test"`
	N      int       `json:"n,omitempty"` // what is varied in a test of scale: names, sockets, cores
	Server string    `json:"server"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
}

func (r *Results) add(test string, n int, server, unit string, value float64) {
	s := r.find(test, n, server)
	if s == nil {
		s = &Series{Test: test, N: n, Server: server, Unit: unit}
		r.Series = append(r.Series, s)
	}
	s.Values = append(s.Values, math.Round(value*1000)/1000)
}

func (r *Results) find(test string, n int, server string) *Series {
	for _, s := range r.Series {
		if s.Test == test && s.N == n && s.Server == server {
			return s
		}
	}
	return nil
}

// median of no values is NaN.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// ratio returns the median of a's values divided by b's of the same round: what
// disturbs a round disturbs both.
func ratio(a, b *Series) float64 {
	if a == nil || b == nil {
		return math.NaN()
	}
	var quotients []float64
	for i := range min(len(a.Values), len(b.Values)) {
		quotients = append(quotients, a.Values[i]/b.Values[i])
	}
	return median(quotients)
}

func (r *Results) JSON() []byte {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		panic(err) // a value that is no number: a mistake in a measurement
	}
	return append(text, '\n')
}

// write makes the files of a run in dir.
func write(dir string, r *Results) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.json"), r.JSON(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hit.svg"), r.SVG(), 0o644)
}

func load(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Results)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return r, nil
}

// Markdown returns the tables, which are aligned to be read as text too.
func (r *Results) Markdown() string {
	return fmt.Sprintf("%s, %s. Medians of the rounds of one run.\n\n", r.Machine, r.Date) +
		r.table(func(s *Series) bool { return s.N == 0 }) + "\n" + r.table(func(s *Series) bool { return s.N > 0 })
}

// table has a row a test and a column a server.
func (r *Results) table(of func(*Series) bool) string {
	type test struct {
		name string
		n    int
		unit string
	}
	var tests []test
	var servers []string
	for _, s := range r.Series {
		if t := (test{s.Test, s.N, s.Unit}); of(s) && !slices.Contains(tests, t) {
			tests = append(tests, t)
		}
		if of(s) && !slices.Contains(servers, s.Server) {
			servers = append(servers, s.Server)
		}
	}
	rows := [][]string{append(append([]string{"", ""}, servers...), ours+" ÷ "+floor)}
	for _, t := range tests {
		name := t.name
		if t.n > 0 {
			name += " " + markdown.Count(t.n)
		}
		row := []string{name, t.unit}
		for _, server := range servers {
			row = append(row, cell(r.find(t.name, t.n, server)))
		}
		rows = append(rows, append(row, figure(ratio(r.find(t.name, t.n, ours), r.find(t.name, t.n, floor)))))
	}
	return markdown.Table(2, rows)
}

func cell(s *Series) string {
	if s == nil {
		return ""
	}
	return figure(median(s.Values))
}

// figure shows three digits, or nothing for NaN.
func figure(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// embed replaces what stands between the marks of that name in the file at path.
func embed(path, name, tables string) error {
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return fmt.Errorf("%s has no lines %q and %q", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+tables+end+after), 0o644)
}
