package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/metrics"
)

const (
	// maxMetricsConns is the most connections at once, so that whoever reaches the
	// port cannot use up the descriptors that DNS needs.
	maxMetricsConns = 32

	// metricsRetry is how long a taken port, or an address that no interface has
	// yet, is left alone. A process that took over has it before the next scrape.
	metricsRetry = time.Second
)

// metricsServer serves Prometheus as long as the process lives. DNS does not
// depend on it: what goes wrong here is logged, and tried again.
type metricsServer struct {
	http  http.Server
	log   func(level slog.Level, format string, args ...any)
	retry time.Duration
	fault string // of the last listen, as logged
	conns *metricsConns
}

// serveMetrics serves --metrics-address until stop is called. ctx ends when no
// queries are accepted any more.
func (d *daemon) serveMetrics(ctx context.Context) (stop func()) {
	if d.flags.metricsAddress == "" {
		return func() {}
	}
	serving := func() bool {
		select {
		case <-d.server.Ready():
			return ctx.Err() == nil
		default:
			return false
		}
	}
	errorLog := log.New(&rareLines{log: d.log, every: time.Minute}, "", 0)
	m := newMetricsServer(d.log, metricsRetry)
	m.http = http.Server{
		Addr:              d.flags.metricsAddress,
		Handler:           metrics.NewHandler(metrics.Options{Stats: d.stats, Serving: serving, Errors: errorLog}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute, // Prometheus keeps its connection between scrapes
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          errorLog,
	}
	return m.start()
}

func newMetricsServer(log func(slog.Level, string, ...any), retry time.Duration) *metricsServer {
	return &metricsServer{log: log, retry: retry, conns: newMetricsConns(maxMetricsConns)}
}

// start binds the address, if it can, before it returns.
func (m *metricsServer) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	m.http.ConnState = m.conns.note
	l := m.listen()
	var running sync.WaitGroup
	running.Go(func() { m.run(ctx, l) })
	return func() {
		cancel()
		m.http.Close()
		running.Wait()
	}
}

// run serves l, and a new listener whenever there is none.
func (m *metricsServer) run(ctx context.Context, l net.Listener) {
	for {
		if l != nil {
			err := m.http.Serve(l)
			if errors.Is(err, http.ErrServerClosed) {
				return
			}
			m.log(logging.Error, "serving metrics: %v", err)
		}
		select {
		case <-time.After(m.retry):
		case <-ctx.Done():
			return
		}
		l = m.listen()
	}
}

// listen returns nil when it cannot, and logs why, once.
func (m *metricsServer) listen() net.Listener {
	l, err := net.Listen("tcp", m.http.Addr)
	if err != nil {
		if m.fault != err.Error() {
			m.fault = err.Error()
			m.log(logging.Error, "serving metrics: %v; DNS goes on, and this is tried again", err)
		}
		return nil
	}
	m.fault = ""
	m.log(slog.LevelInfo, "serving metrics at http://%v/metrics", l.Addr())
	return m.conns.listener(l)
}

// checkMetricsAddress wants an address and a port in numbers: the server that
// answers what a name stands for may be this one.
func checkMetricsAddress(s string) error {
	if s == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err == nil && host != "" {
		_, err = netip.ParseAddr(host)
	}
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("metrics address %q is not like 127.0.0.1:9153, [::1]:9153 or :9153: %w", s, err)
	}
	return nil
}
