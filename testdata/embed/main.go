// A program of another module that forwards: it serves what named.conf says,
// resolves the names of its arguments through the same server, prints what it
// has counted, and stops.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/metrics"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, names []string) error {
	before := runtime.NumGoroutine()
	cfg, report, err := config.Load(path)
	for _, finding := range report.Findings {
		slog.Warn(finding.String())
	}
	if err != nil {
		return err
	}
	srv, err := forwarder.New(cfg, forwarder.Options{Log: slog.Default()})
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewCollector(srv.Stats))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx) }()

	for _, name := range names {
		answer, err := srv.Exchange(ctx, new(dns.Msg).SetQuestion(name, dns.TypeA))
		if err != nil {
			return err
		}
		fmt.Println(name, dns.RcodeToString[answer.Rcode], len(answer.Answer))
	}
	for c := range srv.Cached() {
		fmt.Println("cached:", c.Name, dns.Type(c.Type))
	}
	if err := count(registry); err != nil {
		return err
	}
	stop()
	if err := <-served; err != nil {
		return err
	}
	fmt.Println("goroutines left:", left(before))
	return nil
}

// count prints how many replies there were.
func count(registry *prometheus.Registry) error {
	families, err := registry.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if f.GetName() != "forwarder_queries_total" {
			continue
		}
		n := 0.0
		for _, m := range f.GetMetric() {
			n += m.GetCounter().GetValue()
		}
		fmt.Println("replies:", n)
	}
	return nil
}

// left counts the goroutines that are more than before, once those that are
// ending have ended.
func left(before int) (n int) {
	for range 100 {
		if n = runtime.NumGoroutine() - before; n <= 0 {
			return 0
		}
		time.Sleep(10 * time.Millisecond)
	}
	return n
}
