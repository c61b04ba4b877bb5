// Package metrics shows Prometheus what a [forwarder.Server] does. It stands
// above the server and reads nothing but its Stats, so that a scrape costs the
// paths of queries nothing.
//
// Counters start at zero with the server; most of those named
// forwarder_upstream_… also when a reload changes the upstream servers, which
// Prometheus takes for the restart that it is. The values of all labels come
// from the configuration, the host's interfaces or short fixed lists, never from
// queries.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"vpcdns/forwarder"
)

// Collector is a [prometheus.Collector] of a server's Stats. It is safe for
// concurrent use if the function that it was made from is.
type Collector struct {
	stats func() forwarder.Stats
	descs []*prometheus.Desc // of families, in their order
}

// NewCollector returns a Collector that calls stats, the method of a
// [forwarder.Server], once a scrape.
func NewCollector(stats func() forwarder.Stats) *Collector {
	c := &Collector{stats: stats}
	for _, f := range families {
		c.descs = append(c.descs, prometheus.NewDesc(f.fullName(), f.help, f.labels, nil))
	}
	return c
}

// Describe sends what is fixed about every metric.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect sends all metrics of one snapshot.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	st := c.stats()
	for i, f := range families {
		f.collect(&st, emitter{desc: c.descs[i], kind: f.kind, ch: ch})
	}
}
