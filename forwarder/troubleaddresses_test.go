package forwarder

import (
	"testing"
	"time"
)

// An interface loses the only address that listen-on names, and has it again.
func TestTroubleAddress(t *testing.T) {
	withStage(t, `options { listen-on { 10.79.1.10; 10.79.1.11; }; forwarders { 10.79.0.2; }; allow-query { any; }; };`, Options{}, func(s *stage) {
		s.wantLines("at the start", "network", "listening on 10.79.1.10#53", "10.79.1.11#53 is not served: no interface has this address")
		s.r.net.change(envOf("10.79.1.11/24"))
		s.wait(3 * time.Second)
		s.wantLines("moved", "network", "listening on 10.79.1.11#53", "no longer listening on 10.79.1.10#53",
			"10.79.1.11#53 is served (after *)", "10.79.1.10#53 is lost: no interface has this address any more")
		s.r.net.change(envOf("10.79.1.11/24", "10.79.1.10/24"))
		s.wait(3 * time.Second)
		s.wantLines("back", "network", "listening on 10.79.1.10#53", "10.79.1.10#53 is served (after *)")
		s.r.net.change(envOf("10.79.1.11/24"))
		s.wait(3 * time.Second)
		s.wantLines("lost", "network", "no longer listening on 10.79.1.10#53", "10.79.1.10#53 is lost: *")
		if err := s.r.s.Reload(configOf(t, `options { listen-on { 10.79.1.11; }; forwarders { 10.79.0.2; }; allow-query { any; }; };`)); err != nil {
			t.Fatal(err)
		}
		s.wantLines("reloaded", "network", "10.79.1.10#53 is lost: no interface has this address any more: it is no longer to be served (after *)")
	})
}

// An address that listen-on does not name, a container's say, is not waited for for ever.
func TestTroubleAddressForgotten(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.r.net.change(envOf("10.79.1.10/24", "172.17.0.1/16", "fe80::1/64"))
		s.wait(3 * time.Second)
		s.r.net.change(envOf("10.79.1.10/24"))
		s.wait(3 * time.Second)
		if open := s.open(); len(open) != 1 {
			t.Errorf("open: %v, want the address that is lost, and none that is link-local", open)
		}
		s.wait(10 * time.Minute)
		if open := s.open(); len(open) != 0 {
			t.Errorf("open later: %v, want none", open)
		}
	})
}
