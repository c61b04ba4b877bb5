package main

import (
	"os"
	"runtime/debug"

	"vpcdns/forwarder/host"
)

// limitMemory sets the soft memory limit of the Go run time to what a full
// cache of that many bytes needs; 0 is a cache without limit. GOMEMLIMIT, which
// the run time has read by itself, wins.
func limitMemory(cacheBytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(host.MemoryLimit(cacheBytes))
	}
}
