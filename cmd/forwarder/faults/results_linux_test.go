package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

const resultsFile = "testdata/faults.json"

// results are what was measured, by scenario, row and server.
type results struct {
	mu sync.Mutex

	Measured map[string]string // by scenario: the day, and on which machine
	Versions map[string]string // by server
	Figures  map[string]map[string]map[string]value
}

// finish writes what was found, if that is wanted.
func (r *results) finish(t *testing.T, servers []lab.Server) {
	t.Helper()
	if !*updateFlag || t.Failed() {
		return
	}
	for _, s := range servers[1:] {
		r.Versions[s.Name] = s.Version(t)
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(resultsFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func loadResults(t *testing.T) *results {
	t.Helper()
	r := &results{Measured: map[string]string{}, Versions: map[string]string{}, Figures: map[string]map[string]map[string]value{}}
	text, err := os.ReadFile(resultsFile)
	if os.IsNotExist(err) {
		return r
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, r); err != nil {
		t.Fatalf("reading %s: %v", resultsFile, err)
	}
	return r
}

func (r *results) add(sc scenario, server string, got figures) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Measured[sc.name] = time.Now().UTC().Format(time.DateOnly) + " on " + machine()
	rows := r.Figures[sc.name]
	if rows == nil {
		rows = map[string]map[string]value{}
		r.Figures[sc.name] = rows
	}
	for title, v := range got {
		if rows[title] == nil {
			rows[title] = map[string]value{}
		}
		rows[title][server] = value(v)
	}
}

// value is a figure in JSON, where infinity is "never".
type value float64

func (v value) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(v), 0) {
		return []byte(`"never"`), nil
	}
	return json.Marshal(math.Round(float64(v)*1000) / 1000)
}

func (v *value) UnmarshalJSON(text []byte) error {
	if string(text) == `"never"` {
		*v = value(never)
		return nil
	}
	return json.Unmarshal(text, (*float64)(v))
}

// machine names the processor and the kernel.
func machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	model := "unknown processor"
	if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(cpuinfo); m != nil {
		model = string(m[1])
	}
	processors := bytes.Count(cpuinfo, []byte("processor\t:"))
	return fmt.Sprintf("%d × %s, Linux %s", processors, model, bytes.TrimSpace(kernel))
}
