package main

import (
	"math"
	"os"
	"runtime/debug"
)

// overhead is the memory of a server with an empty cache: batches, sockets,
// clients that wait, and what the garbage collector needs to keep calm.
const overhead = 128 << 20

// limitMemory sets the soft memory limit of the Go run time to what a full
// cache of that many bytes needs; 0 is a cache without limit. GOMEMLIMIT, which
// the run time has read by itself, wins.
func limitMemory(cacheBytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(cacheBytes))
	}
}

// memoryLimit adds a quarter: entries are charged with what they occupy, but
// those just dropped are garbage for a while.
func memoryLimit(cacheBytes int64) int64 {
	if cacheBytes <= 0 || cacheBytes > math.MaxInt64/2 {
		return math.MaxInt64
	}
	return cacheBytes + cacheBytes/4 + overhead
}
