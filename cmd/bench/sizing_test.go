package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/bench/sizing"
)

// What cannot be simulated is refused in words.
func TestSizingRefuses(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"more", `"more" is not expected`},
		{"-ttl ten", `-ttl "ten": want seconds`},
		{"-ttl 10:x", `-ttl "10:x": want seconds`},
		{"-ttl 10,-1", "a TTL of -1 s"},
		{"-ttl 10:NaN", "no weight below 0"},
		{"-names 0", "0 names: from 1 to 10000000"},
		{"-names 6000000 -types 2", "6000000 names: from 1 to 5000000"},
		{"-types 3", "3 types"},
		{"-qps 0", "0 queries a second"},
		{"-qps NaN", "NaN queries a second"},
		{"-warm 4m", "at least a second has to be"},
		{"-length 25h", "24 hours are the most"},
		{"-loss 1.1", "nor the loss above 1"},
		{"-zipf -1", "cannot be negative"},
		{"-pps -1", "no number can be negative"},
		{"-hosts 101", "100 are the most"},
		{"-names 1000000 -clients 60", "more than 50000000 copies"},
		{"-rtt 2s", "a second is the most"},
	} {
		if err := sizingVerb(strings.Fields(tc.args)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("bench sizing %s = %v, want %q", tc.args, err, tc.want)
		}
	}
}

// A scenario is played to the forwarder's program: it asks for each name once in a TTL,
// and more often only where a busy machine makes it ask again.
func TestPlay(t *testing.T) {
	program := filepath.Join(t.TempDir(), "forwarder")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "vpcdns/cmd/forwarder").CombinedOutput(); err != nil {
		t.Fatalf("building the forwarder: %v\n%s", err, out)
	}
	p := &played{dir: t.TempDir(), Scenario: sizing.Scenario{
		Workload: sizing.Workload{Names: 50, QPS: 200, TTLs: []sizing.Share{{TTL: 3600, Weight: 1}}, Types: 2, Negative: 3600, Length: 3 * time.Second, Seed: 1},
		Upstream: sizing.VPC(0.1),
	}}
	if err := p.play(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	queries, keys := 0, make(map[int]bool)
	for q := range p.Queries() {
		queries++
		keys[q.Key] = true
	}
	if p.asked != queries || p.packets < len(keys) || p.packets >= queries {
		t.Errorf("%d queries, %d packets, want %d, and %d or few more", p.asked, p.packets, queries, len(keys))
	}
	if p.foreign.Load() == 0 {
		t.Error("nobody else asked the resolver")
	}
}
