package metrics

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"vpcdns/forwarder"
)

// scrapeTimeout is Prometheus' own default.
const scrapeTimeout = 10 * time.Second

// Options are what a handler is made from. All must be set.
type Options struct {
	Stats   func() forwarder.Stats // of the server
	Serving func() bool            // whether queries are answered, for /healthz
	Errors  *log.Logger            // takes what goes wrong in a scrape
}

// NewHandler returns a handler that serves
//
//	/metrics  the metrics of the server, of its process and of the Go run time
//	/healthz  status 200 while queries are answered, else 503
//	/         where these are
func NewHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", scrapes(o))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, o.Serving()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "/metrics  for Prometheus\n/healthz  200 while queries are answered\n")
	})
	return mux
}

// scrapes serves what can be gathered, even if something cannot.
func scrapes(o Options) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(
		NewCollector(o.Stats),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	h := promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog:          o.Errors,
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          r,
		EnableOpenMetrics: true,
	})
	return http.TimeoutHandler(newTurns(h), scrapeTimeout, "the scrape takes too long\n")
}

func health(w http.ResponseWriter, serving bool) {
	if !serving {
		http.Error(w, "not serving", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "serving")
}
