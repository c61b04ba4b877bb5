package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"vpcdns/forwarder/metrics"
)

var (
	selectors = regexp.MustCompile(`\b([A-Za-z_0-9]+)\{([^}]*)\}`)
	matched   = regexp.MustCompile(`([a-z_]+)(=~|=|!=|!~)"`)
	grouped   = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// others are metrics that are not the forwarder's own: Prometheus' and the client library's.
var others = []string{"up", "ALERTS", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "go_goroutines"}

// targetLabels are those that every series has, or is given by Prometheus.
var targetLabels = []string{"job", "instance", "pair", "alertname", "alertstate", "severity"}

// check holds that all metrics of an expression are there, with its labels.
func check(e expr) error {
	labels := slices.Clone(targetLabels)
	found := selectors.FindAllStringSubmatch(string(e), -1)
	if len(found) == 0 {
		return fmt.Errorf("%s asks for no metric", e)
	}
	for _, m := range found {
		has, err := labelsOf(m[1])
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		for _, l := range matched.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(has, l[1]) && !slices.Contains(targetLabels, l[1]) {
				return fmt.Errorf("%s: %s has no label %s", e, m[1], l[1])
			}
		}
		labels = append(labels, has...)
	}
	for _, by := range grouped.FindAllStringSubmatch(string(e), -1) {
		for _, l := range strings.Split(by[1], ", ") {
			if !slices.Contains(labels, l) {
				return fmt.Errorf("%s: nothing in it has the label %s", e, l)
			}
		}
	}
	return nil
}

// labelsOf are those of a metric's own.
func labelsOf(name string) ([]string, error) {
	if slices.Contains(others, name) {
		return nil, nil
	}
	for _, f := range metrics.Families() {
		if name == string(f.Name) {
			return f.Labels, nil
		}
		if f.Type == "histogram" && name == string(f.Name)+"_bucket" {
			return append(slices.Clone(f.Labels), "le"), nil
		}
	}
	return nil, fmt.Errorf("there is no metric %s", name)
}
