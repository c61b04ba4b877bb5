package metrics_test

import (
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"vpcdns/forwarder"
	"vpcdns/forwarder/metrics"
)

// stats stands for the method of a forwarder.Server.
func stats() forwarder.Stats {
	var st forwarder.Stats
	st.Cache.Entries = 42
	return st
}

// A program that has a registry of its own adds the server's metrics to it.
func ExampleNewCollector() {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics.NewCollector(stats))
	families, err := r.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "forwarder_cache_entries" {
			fmt.Println(f.GetHelp(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: Answers in the cache, expired ones that are still kept included. 42
}

func ExampleNewHandler() {
	h := metrics.NewHandler(metrics.Options{
		Stats:  stats,
		Errors: log.Default(),
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "forwarder_cache_entries ") {
			fmt.Print(line)
		}
	}
	// Output: forwarder_cache_entries 42
}
