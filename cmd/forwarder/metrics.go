package main

import (
	"context"
	"fmt"
	"net/http"

	"vpcdns/forwarder/metrics"
)

// serveMetrics serves --metrics-address until stop is called, and health too. ctx
// ends when no queries are accepted any more.
func (d *daemon) serveMetrics(ctx context.Context) (stop func()) {
	if d.flags.metricsAddress == "" {
		return func() {}
	}
	m := newHTTPServer("metrics", d.log, httpRetry)
	mux := d.healthHandler(ctx)
	mux.Handle("GET /metrics", metrics.NewHandler(metrics.Options{Stats: d.stats, Errors: m.errors}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "/metrics  for Prometheus\n"+healthPaths)
	})
	return m.start(d.flags.metricsAddress, mux)
}
