package main

import (
	"fmt"
	"strings"

	"vpcdns/forwarder/metrics"
)

// expr is an expression of PromQL.
type expr string

// chosen are the instances that the dashboard's variables say.
const chosen = `job="$job",instance=~"$instance"`

// series are those of a metric, with more matchers: `state="guard"`.
func series(name metrics.Name, matchers ...string) expr { return pick(string(name), matchers) }

// process are those of a metric that the client library has of the process.
func process(name string) expr { return pick(name, nil) }

func pick(name string, matchers []string) expr {
	return expr(name + "{" + strings.Join(append([]string{chosen}, matchers...), ",") + "}")
}

// targets are whether Prometheus reaches them.
const targets = expr("up{" + chosen + "}")

// rate is what a counter grows by in a second.
func rate(e expr) expr { return "rate(" + e + "[$__rate_interval])" }

// growth is what it grows by in the time of a point.
func growth(e expr) expr { return "increase(" + e + "[$__rate_interval])" }

func sum(e expr, by ...string) expr {
	return expr(fmt.Sprintf("sum by (%s) (%s)", strings.Join(by, ", "), e))
}

// over is a share of a whole that has the same labels.
func over(part, whole expr) expr { return part + " / " + whole }

// none adds 0 for the instances of which there is nothing.
func none(e expr) expr { return e + " or 0 * max by (instance) (" + targets + ")" }

// quantile is of a histogram; the labels are those that stay.
func quantile(q float64, name metrics.Name, by ...string) expr {
	buckets := sum(rate(series(name+"_bucket")), append([]string{"le"}, by...)...)
	return expr(fmt.Sprintf("histogram_quantile(%g, %s)", q, buckets))
}

// left is how long it is until a time that is set: 0 of those that are not, or over.
func left(until expr) expr { return "clamp_min(" + until + " - time(), 0)" }

// set are the values of times that are set.
func set(e expr) expr { return "(" + e + " > 0)" }
