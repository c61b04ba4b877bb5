package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"vpcdns/forwarder"
	"vpcdns/forwarder/upstream"
)

// kind is a metric's type.
type kind uint8

const (
	counter kind = iota
	gauge
	histogram
)

// String returns the type as the exposition format names it.
func (k kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// family is a metric with all its series.
type family struct {
	name    string // without the prefix
	kind    kind
	labels  []string
	help    string
	collect func(*forwarder.Stats, emitter)
}

func (f *family) fullName() string { return prometheus.BuildFQName("forwarder", "", f.name) }

// emitter passes on the series of one family.
type emitter struct {
	desc *prometheus.Desc
	kind kind
	ch   chan<- prometheus.Metric
}

func (e emitter) value(v float64, labels ...string) {
	kind := prometheus.CounterValue
	if e.kind == gauge {
		kind = prometheus.GaugeValue
	}
	e.send(prometheus.NewConstMetric(e.desc, kind, v, labels...))
}

// histogram takes cumulative buckets by their upper bounds in seconds.
func (e emitter) histogram(count uint64, sum float64, buckets map[float64]uint64, labels ...string) {
	e.send(prometheus.NewConstHistogram(e.desc, count, sum, buckets, labels...))
}

// send lets what cannot be shown be an error of the scrape, beside the rest.
func (e emitter) send(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(e.desc, err)
	}
	e.ch <- m
}

type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// one collects a family without labels.
func one[N number](read func(*forwarder.Stats) N) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) { e.value(float64(read(st))) }
}

// perServer collects a family with a series for each upstream server.
func perServer[N number](read func(*upstream.ServerStats) N) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Upstream.Servers {
			s := &st.Upstream.Servers[i]
			e.value(float64(read(s)), s.Addr.String())
		}
	}
}

// perSource collects a family with a series for each upstream server and each address
// that is set to ask it from.
func perSource[N number](read func(*upstream.SourceStats) N) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Upstream.Servers {
			s := &st.Upstream.Servers[i]
			for j := range s.Sources {
				if from := &s.Sources[j]; from.Addr.IsValid() {
					e.value(float64(read(from)), s.Addr.String(), from.Addr.String())
				}
			}
		}
	}
}

// perInterface collects a family with a series for each interface to upstream.
func perInterface[N number](read func(*upstream.InterfaceStats) N) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Upstream.Interfaces {
			l := &st.Upstream.Interfaces[i]
			e.value(float64(read(l)), l.Interface)
		}
	}
}

// perBudget collects a family with a series for each interface, or those together of
// which any may be used, whose packets questions wait for.
func perBudget[N number](read func(*upstream.BudgetStats) N) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Upstream.Budgets {
			b := &st.Upstream.Budgets[i]
			e.value(float64(read(b)), b.Name())
		}
	}
}

// perTrouble collects a family with a series for each trouble.
func perTrouble(read func(*forwarder.TroubleStats) float64) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Troubles {
			t := &st.Troubles[i]
			e.value(read(t), t.Kind, text(t.Subject))
		}
	}
}

// perFailure collects a family with a series for each zone of which queries failed.
func perFailure(read func(*forwarder.ZoneFailures) float64) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Failures {
			f := &st.Failures[i]
			e.value(read(f), text(f.Zone))
		}
	}
}

// truth is 1 for true and 0 for false, as Prometheus has it.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// text makes a label value, which Prometheus wants to be UTF-8, of a name in
// the configuration, which may be anything.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
