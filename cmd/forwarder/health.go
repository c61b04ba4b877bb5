package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"vpcdns/forwarder/host"
)

// healthPaths are what healthHandler serves, for those who look.
const healthPaths = `/healthz  200 while queries are answered
/readyz   200 while all addresses are served, and this goes on; after a start
          also: what other members know was asked for
`

// serveHealth serves --health-address until stop is called: what asks there sees
// neither metrics nor anything else.
func (d *daemon) serveHealth(ctx context.Context) (stop func()) {
	if d.flags.healthAddress == "" {
		return func() {}
	}
	mux := d.healthHandler(ctx)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, healthPaths) })
	return newHTTPServer("health", d.log, httpRetry).start(d.flags.healthAddress, mux)
}

// healthHandler answers those who decide whether queries come here.
func (d *daemon) healthHandler(ctx context.Context) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		tellHealth(w, "serving", "not serving", d.notServing(ctx))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		d.awaitReady(r.Context())
		tellHealth(w, "ready\n"+d.servedAddresses(), "not ready", d.notReady(ctx))
	})
	return mux
}

// tellHealth says good, or bad and why.
func tellHealth(w http.ResponseWriter, good, bad string, why []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(why) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "%s: %s\n", bad, strings.Join(why, "\n"+bad+": "))
		return
	}
	fmt.Fprintln(w, strings.TrimSuffix(good, "\n"))
}

// readyWait is how long who asks a process that starts waits for it: less than a
// load balancer does.
const readyWait = time.Second

// awaitReady spares a restart that goes well a failed check.
func (d *daemon) awaitReady(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	select {
	case <-d.server.Ready():
	case <-ctx.Done():
	}
	select {
	case <-d.members.ready:
	case <-ctx.Done():
	}
}

// notServing tells why no queries are answered, or will not be soon.
func (d *daemon) notServing(ctx context.Context) []string {
	select {
	case <-d.server.Ready():
	default:
		return []string{"it is starting"}
	}
	if d.ending.Load() || ctx.Err() != nil {
		return []string{"it is ending: what was asked is being answered"}
	}
	return nil
}

// notReady tells why queries had better go elsewhere.
func (d *daemon) notReady(ctx context.Context) (why []string) {
	if why := d.notServing(ctx); why != nil {
		return why
	}
	if text := d.members.notReady(); text != "" {
		why = append(why, text)
	}
	for _, u := range d.server.Unserved() {
		why = append(why, fmt.Sprintf("%s is not served: %v", host.Address(u.Addr), u.Err))
	}
	if len(d.server.Addrs()) == 0 && len(d.server.Unserved()) == 0 {
		why = append(why, "no address is served: no interface has one that listen-on or listen-on-v6 matches")
	}
	if d.draining.Load() != nil {
		why = append(why, "it is told to drain: 'forwarder rndc drain off' undoes it")
	}
	return why
}

// servedAddresses has a line for each.
func (d *daemon) servedAddresses() string {
	var text strings.Builder
	for _, a := range d.server.Addrs() {
		fmt.Fprintf(&text, "serving %s\n", host.Address(a))
	}
	return text.String()
}
