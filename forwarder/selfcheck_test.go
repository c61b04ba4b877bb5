package forwarder

import (
	"context"
	"testing"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/selfcheck"
)

// A server answers itself whatever the configuration keeps others from, and
// nothing tells of it.
func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		edit func(*config.Config)
	}{
		{"plain", func(*config.Config) {}},
		{"nobody may ask", func(c *config.Config) {
			c.AllowQuery, c.AllowCache, c.AllowRecurse = acl.None(), acl.None(), acl.None()
		}},
		{"blackholed", func(c *config.Config) { c.Blackhole = acl.All() }},
		{"rate limit", func(c *config.Config) { c.RateLimit.AllPerSecond, c.RateLimit.Window = 1, 15 }},
		{"query log", func(c *config.Config) { c.QueryLog = true }},
		{"serves nothing", func(c *config.Config) { c.Listen[0].Match = acl.None() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg, n := loopback(t)
			test.edit(cfg)
			s := run(t, cfg, Options{Workers: 2}, n)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for range 5 { // more than a rate limit lets pass
				if err := s.Check(ctx); err != nil {
					t.Fatalf("Check = %v", err)
				}
			}
			st := s.Stats()
			if len(st.Queries) > 0 || len(st.Rcodes) > 0 || st.Bad+st.Dropped > 0 {
				t.Errorf("Stats = %+v, want no trace of the checks", st)
			}
		})
	}
}

// A server whose readers are gone does not answer itself.
func TestCheckFails(t *testing.T) {
	cfg, n := loopback(t)
	s := run(t, cfg, Options{Workers: 1}, n)
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("Check = %v", err)
	}
	s.listeners.StopReading()
	check := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*selfcheck.Wait)
		defer cancel()
		return s.Check(ctx)
	}
	if err := check(); err == nil {
		t.Error("Check = nil, want an error: nobody reads")
	}
}
