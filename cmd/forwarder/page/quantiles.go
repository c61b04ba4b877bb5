package page

import (
	"time"

	"vpcdns/forwarder/latency"
)

// quantiles are those of a histogram, whose buckets are not cumulative.
func quantiles(buckets []uint64, bounds []time.Duration) Quantiles {
	var all uint64
	for _, n := range buckets {
		all += n
	}
	of := func(share float64) float64 { return rounded(latency.Quantile(share, buckets, bounds).Seconds()) }
	if all == 0 {
		return Quantiles{}
	}
	return Quantiles{P50: of(0.5), P90: of(0.9), P99: of(0.99), Samples: all}
}
