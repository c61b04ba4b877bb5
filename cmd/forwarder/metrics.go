package main

import (
	"context"
	"fmt"
	"net/http"

	"vpcdns/cmd/forwarder/page"
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
	stopPage := d.handlePage(ctx, m, mux)
	if d.flags.page.pprof {
		mux.Handle("/debug/pprof/", page.Profiles())
	}
	stopHTTP := m.start(d.flags.metricsAddress, page.Guard(mux, "/metrics", "/healthz", "/readyz"))
	return func() {
		stopHTTP() // before the page waits for its viewers
		stopPage()
	}
}

// handlePage serves the status page, or in its place a list of paths.
func (d *daemon) handlePage(ctx context.Context, m *httpServer, mux *http.ServeMux) (stop func()) {
	if !d.flags.page.page {
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "/metrics  for Prometheus\n"+healthPaths)
		})
		return func() {}
	}
	p := d.statusPage(ctx, m.conns.hold)
	mux.Handle("/", p.Handler())
	return runPage(p)
}
