package config

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// A file of 70,000 zones loads, in about the memory that named-checkconf takes
// for it: 2.7 kB a zone.
func TestManyZones(t *testing.T) {
	const zones, maxBytes = 70_000, 3500
	var conf strings.Builder
	conf.WriteString(opts("forward only; forwarders { 10.79.0.2; };") + "\n")
	for i := range zones {
		fmt.Fprintf(&conf, "zone \"z%d.example.corp\" { type forward; forward only; forwarders { 10.%d.0.2; 10.%d.1.2; }; };\n", i, i%256, i%256)
	}
	path := writeConf(t, conf.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cfg, _, err := Load(path)
	runtime.ReadMemStats(&after)
	if err != nil || len(cfg.Zones) != zones+1 {
		t.Fatalf("Load of %d zones: %v", zones, err)
	}
	if n := (after.TotalAlloc - before.TotalAlloc) / zones; n > maxBytes {
		t.Errorf("Load allocates %d bytes a zone, want at most %d", n, maxBytes)
	}
}
