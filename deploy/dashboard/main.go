// Dashboard writes deploy/grafana-dashboard.json. Its queries are made of the constants of
// package metrics: a metric that is renamed or gone does not compile, and a label that a
// metric does not have ends in an error here.
//
//	go generate ./deploy/dashboard
package main

//lint:file-ignore SA1019 Grafana before 12 reads the classic form only, and later ones still do

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

//go:generate go run . ../grafana-dashboard.json

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "dashboard: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give the path to write to: dashboard FILE")
	}
	text, err := render()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o644)
}

// render returns the dashboard as JSON, with all queries checked.
func render() ([]byte, error) {
	d, err := build(rows)
	if err != nil {
		return nil, fmt.Errorf("building the dashboard: %w", err)
	}
	return encode(d)
}

func encode(d dashboard.Dashboard) ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}
