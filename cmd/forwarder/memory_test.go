package main

import (
	"math"
	"testing"
)

func TestMemoryLimit(t *testing.T) {
	for size, want := range map[int64]int64{
		0:             math.MaxInt64, // unlimited
		-1:            math.MaxInt64,
		2 << 20:       2<<20 + 1<<19 + overhead,
		1 << 30:       1<<30 + 1<<28 + overhead,
		math.MaxInt64: math.MaxInt64,
	} {
		if got := memoryLimit(size); got != want {
			t.Errorf("memoryLimit(%d) = %d, want %d", size, got, want)
		}
	}
}
