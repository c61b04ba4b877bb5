package metrics

import (
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
	Stats  func() forwarder.Stats // of the server
	Errors *log.Logger            // takes what goes wrong in a scrape
}

// NewHandler returns a handler that serves the metrics of the server, of its process
// and of the Go run time, whatever the path. What can be gathered is, even if something cannot.
func NewHandler(o Options) http.Handler {
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
