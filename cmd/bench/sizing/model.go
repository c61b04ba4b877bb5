package sizing

import "time"

// Scenario is a workload before a forwarder and its upstream.
type Scenario struct {
	Workload
	Upstream
	Warm      time.Duration // not measured
	Flush     bool          // all that is cached is forgotten at the end of that
	PPS       int           // packets a second of all interfaces together; 0 is no limit
	Prefetch  bool          // as in BIND's defaults
	Watched   int           // the most popular names: handed out with TTL 0
	Probed    int           // watched names with a wildcard, asked each second
	Verifying int           // watched names that have just changed
}
