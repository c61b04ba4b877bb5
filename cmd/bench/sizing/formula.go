package sizing

import (
	"fmt"
	"math"

	"vpcdns/cmd/bench/markdown"
)

// demand is a workload's without its rate.
type demand struct {
	weights []float64 // of the names, 1 together
	ttls    []Share
}

func (w *Workload) demand() demand {
	d, sum := demand{make([]float64, w.Names), w.TTLs}, 0.0
	for i := range d.weights {
		d.weights[i] = math.Pow(float64(i+1), -w.Zipf)
		sum += d.weights[i]
	}
	for i := range d.weights {
		d.weights[i] /= sum
	}
	return d
}

// packets is what a forwarder sends a second when it is asked so often, by formula: a
// name that is asked for λ times a second, at random, is asked upstream each TTL + 1/λ,
// if upstream gives whole TTLs.
func (d demand) packets(qps float64) (sum float64) {
	total := 0.0
	for _, s := range d.ttls {
		total += s.Weight
	}
	for _, w := range d.weights {
		for _, s := range d.ttls {
			sum += s.Weight / total / (float64(s.TTL) + 1/(w*qps))
		}
	}
	return sum
}

// mostQPS is the rate at which so many packets are sent; beyond the most that is looked
// for it is that.
func (d demand) mostQPS(packets float64) float64 {
	low, high := 0.0, highestQPS
	for high-low > 0.01*high {
		if middle := (low + high) / 2; d.packets(middle) > packets {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

const highestQPS = 1e6

// rates is the queries a second that one interface is enough for, and two.
func rates() [][]string {
	rows := [][]string{{"names", "all of TTL 10: one interface", "two", "a third of TTL 10, others 60: one", "two", "all of TTL 60: one", "two"}}
	for _, names := range []int{10_000, 30_000, 100_000, 300_000, 1_000_000} {
		d := (&Workload{Names: names, Zipf: 0.9}).demand()
		row := []string{markdown.Count(names)}
		for _, ttls := range [][]Share{{{10, 1}}, {{10, 1}, {60, 2}}, {{60, 1}}} {
			d.ttls = ttls
			for interfaces := range 2 {
				row = append(row, rate(d.mostQPS(planned*BudgetPPS*float64(interfaces+1))))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func rate(qps float64) string {
	if qps >= highestQPS/2 {
		return "any"
	}
	return fmt.Sprint(about(qps))
}
