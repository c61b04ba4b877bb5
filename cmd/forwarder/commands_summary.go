package main

import "context"

func showSummary(_ context.Context, d *daemon, _ []string) (string, error) {
	o := d.overview()
	return o.screen(), nil
}
