package main

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vpcdns/forwarder/logging"
)

const (
	// maxHTTPConns is the most connections at once, so that whoever reaches the
	// port cannot use up the descriptors that DNS needs.
	maxHTTPConns = 32

	// httpRetry is how long a taken port, or an address that no interface has
	// yet, is left alone. A process that took over has it before the next scrape.
	httpRetry = time.Second
)

// httpServer serves one address as long as the process lives. DNS does not
// depend on it: what goes wrong here is logged, and tried again.
type httpServer struct {
	what   string // it serves, for the log
	http   http.Server
	log    func(level slog.Level, format string, args ...any)
	errors *stdlog.Logger // what goes wrong with single requests
	retry  time.Duration
	fault  string // of the last listen, as logged
	conns  *httpConns

	// These may be changed before the start.
	open     func() (net.Listener, error)
	severity slog.Level // of a line that the address cannot be had
}

func newHTTPServer(what string, log func(slog.Level, string, ...any), retry time.Duration) *httpServer {
	errors := stdlog.New(&rareLines{what: what, log: log, every: time.Minute}, "", 0)
	m := &httpServer{what: what, log: log, errors: errors, retry: retry, conns: newHTTPConns(maxHTTPConns), severity: logging.Error}
	m.open = func() (net.Listener, error) { return net.Listen("tcp", m.http.Addr) }
	return m
}

// start binds the address, if it can, before it returns.
func (m *httpServer) start(address string, h http.Handler) (stop func()) {
	m.http = http.Server{
		Addr:              address,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute, // Prometheus keeps its connection between scrapes
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          m.errors,

		DisableGeneralOptionsHandler: true, // that of "*" is the handler's, as all else
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.http.ConnState, m.http.ConnContext = m.conns.note, withConn
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
func (m *httpServer) run(ctx context.Context, l net.Listener) {
	for {
		if l != nil {
			err := m.http.Serve(l)
			if errors.Is(err, http.ErrServerClosed) {
				return
			}
			m.log(logging.Error, "serving %s: %v", m.what, err)
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
func (m *httpServer) listen() net.Listener {
	l, err := m.open()
	if err != nil {
		if m.fault != err.Error() {
			m.fault = err.Error()
			m.log(m.severity, "serving %s: %v; DNS goes on, and this is tried again", m.what, err)
		}
		return nil
	}
	m.fault = ""
	m.log(slog.LevelInfo, "serving %s at http://%v", m.what, l.Addr())
	return m.conns.listener(l)
}

// checkHTTPAddress wants an address and a port in numbers: the server that
// answers what a name stands for may be this one.
func checkHTTPAddress(what, s string) error {
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
		return fmt.Errorf("%s address %q is not like 127.0.0.1#9153, ::1#9153 or #9153: %w", what, s, err)
	}
	return nil
}
