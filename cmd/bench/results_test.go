package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{3}, 3},
		{"odd, not sorted", []float64{9, 1, 4}, 4},
		{"even", []float64{4, 1, 2, 9}, 3},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("%s: median(%v) = %v, want %v", test.name, test.values, got, test.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median(nil) = %v, want NaN", got)
	}
}

// A round in which everything is slow must not change a ratio.
func TestRatioIsWithinRounds(t *testing.T) {
	a, b := &Series{Values: []float64{2, 20, 3}}, &Series{Values: []float64{1, 10, 3}}
	if got := ratio(a, b); got != 2 {
		t.Errorf("ratio(%v, %v) = %v, want 2", a.Values, b.Values, got)
	}
	if got := ratio(a, nil); !math.IsNaN(got) {
		t.Errorf("ratio(%v, nil) = %v, want NaN", a.Values, got)
	}
}

func TestFigures(t *testing.T) {
	for _, test := range []struct {
		v    float64
		want string
	}{{0.005, "0.01"}, {3.456, "3.46"}, {9.996, "10.0"}, {34.56, "34.6"}, {99.96, "100"}, {1234.5, "1234"}, {math.NaN(), ""}} {
		if got := figure(test.v); got != test.want {
			t.Errorf("figure(%v) = %q, want %q", test.v, got, test.want)
		}
	}
}

// sample has two rounds of each kind of test.
func sample() *Results {
	r := &Results{Machine: "A <fast> processor", Date: "2026-11-22"}
	for _, factor := range []float64{1, 2} {
		r.add(hitTest, 0, floor, "µs", 3*factor)
		r.add(hitTest, 0, ours, "µs", 3.3*factor)
		r.add(hitTest, 0, "a<b", "µs", 6*factor)
		r.add("miss", 0, ours, "µs", 9*factor)
		for _, n := range []int{1, 1000} {
			r.add(socketsTest, n, floor, "µs", 3*factor)
			r.add(socketsTest, n, ours, "µs", 3.1*factor)
		}
	}
	return r
}

func TestMarkdown(t *testing.T) {
	const want = `A <fast> processor, 2026-11-22. Medians of the rounds of one run.

|                                |     | echo | forwarder |  a<b | forwarder ÷ echo |
|--------------------------------|-----|-----:|----------:|-----:|-----------------:|
| UDP hit, 10 k names, 16 sockets | µs  | 4.50 |      4.95 | 9.00 |             1.10 |
| miss                           | µs  |      |      13.5 |      |                  |

|                    |     | echo | forwarder | forwarder ÷ echo |
|--------------------|-----|-----:|----------:|-----------------:|
| client sockets 1   | µs  | 4.50 |      4.65 |             1.03 |
| client sockets 1 k | µs  | 4.50 |      4.65 |             1.03 |
`
	squeeze := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "-", "")), " ") }
	got := sample().Markdown()
	if squeeze(got) != squeeze(want) {
		t.Errorf("Markdown() =\n%s\nwant\n%s", got, want)
	}
	if lines := strings.Split(got, "\n"); len([]rune(lines[2])) != len([]rune(lines[5])) {
		t.Errorf("Markdown() =\n%s\nwant columns that are aligned", got)
	}
}

func TestSVG(t *testing.T) {
	svg := sample().SVG()
	for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("SVG() is not XML: %v\n%s", err, svg)
		}
	}
	for what, want := range map[string]int{"<rect": 3, "<circle": 4, "<polyline": 2, "a&lt;b": 1} {
		if got := strings.Count(string(svg), what); got != want {
			t.Errorf("SVG() has %d of %s, want %d:\n%s", got, what, want, svg)
		}
	}
	if (&Results{}).SVG() == nil {
		t.Error("SVG() without measurements = nil, want an empty plot")
	}
}

// Labels stand beside the ends of their lines, never on them or on one another.
func TestApart(t *testing.T) {
	for _, test := range []struct{ a, b, wantA, wantB float64 }{
		{a: 100, b: 200, wantA: 100, wantB: 200},
		{a: 100, b: 105, wantA: 95, wantB: 110},
		{a: 105, b: 100, wantA: 110, wantB: 95},
		{a: 100, b: 100, wantA: 107.5, wantB: 92.5},
	} {
		if a, b := apart(test.a, test.b); a != test.wantA || b != test.wantB {
			t.Errorf("apart(%v, %v) = %v, %v, want %v, %v", test.a, test.b, a, b, test.wantA, test.wantB)
		}
	}
}

func TestWriteAndLoad(t *testing.T) {
	dir, want := filepath.Join(t.TempDir(), "new"), sample()
	if err := write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := load(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got.JSON()) != string(want.JSON()) {
		t.Errorf("load() = %s, want %s", got.JSON(), want.JSON())
	}
}

func TestEmbed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	for _, test := range []struct{ name, text, want string }{
		{"between the marks", "a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nb\n", "a\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nb\n"},
		{"without marks", "a\n", ""},
		{"without end", "<!-- bench:begin -->\n", ""},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := embed(path, "bench", "new\n")
		got, _ := os.ReadFile(path)
		if test.want == "" {
			if err == nil || string(got) != test.text {
				t.Errorf("%s: embed() = %v, leaving %q, want an error and no change", test.name, err, got)
			}
		} else if err != nil || string(got) != test.want {
			t.Errorf("%s: embed() = %v, leaving %q, want %q", test.name, err, got, test.want)
		}
	}
}

// What the repository shows is what was measured.
func TestReadme(t *testing.T) {
	const dir = "../../testdata/bench"
	results, err := load(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	const redo = "go run ./cmd/bench -from testdata/bench/results.json -o testdata/bench -readme cmd/bench/README.md"
	if readme, err := os.ReadFile("README.md"); err != nil || !strings.Contains(string(readme), results.Markdown()) {
		t.Errorf("README.md (%v) has not the tables of %s: %s", err, dir, redo)
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "hit.svg")); err != nil || string(svg) != string(results.SVG()) {
		t.Errorf("hit.svg (%v) is not the plot of %s: %s", err, dir, redo)
	}
}

func TestParseReport(t *testing.T) {
	const text = `Statistics:

  Queries sent:         163000
  Queries completed:    162990 (99.99%)
  Queries lost:         10 (0.01%)

  Response codes:       NOERROR 162990 (100.00%)
  Run time (s):         1.000123
  Queries per second:   162969.954296
`
	want := report{completed: 162990, lost: 10, noError: 162990, rate: 162969.954296}
	if got, err := parseReport([]byte(text)); got != want || err != nil {
		t.Errorf("parseReport() = %+v, %v, want %+v", got, err, want)
	}
	for name, bad := range map[string]string{
		"nothing":    "",
		"no answers": strings.ReplaceAll(text, "162990", "0"),
		"errors":     strings.ReplaceAll(text, "NOERROR 162990", "SERVFAIL 162990"),
	} {
		if got, err := parseReport([]byte(bad)); err == nil {
			t.Errorf("%s: parseReport() = %+v, want an error", name, got)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add("Queries completed: 10\nNOERROR 10\nQueries per second: 1e9\n")
	f.Add("Queries completed: 10\nNOERROR 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := parseReport([]byte(text)); err == nil && (r.completed <= 0 || r.noError < 0.99*r.completed) {
			t.Errorf("parseReport(%q) = %+v, want an error", text, r)
		}
	})
}
