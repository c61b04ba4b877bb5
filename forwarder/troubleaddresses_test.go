package forwarder

import (
	"net/netip"
	"testing"
	"time"

	"vpcdns/forwarder/config"
)

var (
	source10 = netip.MustParseAddr("10.79.1.10")
	source11 = netip.MustParseAddr("10.79.1.11")
)

func askingFrom(t *testing.T, list ...netip.Addr) *config.Config {
	cfg := configOf(t, oneServer)
	cfg.Sources = list
	return cfg
}

// A source that gets no answers is told of by one line, and by one when that is over;
// no query fails. A reload keeps what is known, and ends what is no longer asked from.
func TestTroubleSource(t *testing.T) {
	const (
		lost = "upstream 10.79.0.2#53 does not answer to 10.79.1.11: eth1 has the address, but its packets leave by eth0; give it routes of its own: ip rule add from 10.79.1.11 lookup TABLE, ip route add default via GATEWAY dev eth1 table TABLE"
		back = "upstream is asked from 10.79.1.11 again (after *"
		gone = "upstream 10.79.0.2#53 does not answer to 10.79.1.11: eth1 has the address, but its packets leave by eth0; give it routes of its own: ip rule add from 10.79.1.11 lookup TABLE, ip route add default via GATEWAY dev eth1 table TABLE: upstream is no longer asked from it*"
	)
	withStageOf(t, askingFrom(t, source10, source11), Options{}, func(s *stage) {
		s.r.net.env = envOf("10.79.1.10/24", "10.79.1.11/24")
		s.ask(50, "example.", 50*time.Millisecond)
		s.wantLines("before", "resolver")
		s.set("from 10.79.1.11", "silent")
		s.ask(200, "example.", 50*time.Millisecond)
		s.wantLines("during", "resolver", lost)
		if open := s.open(); len(open) != 1 || open[0] != "source-address" {
			t.Errorf("open: %v, want source-address", open)
		}

		was := s.r.s.state.Load().upstream
		if err := s.r.s.Reload(askingFrom(t, source10, source11)); err != nil {
			t.Fatal(err)
		}
		if s.r.s.state.Load().upstream != was {
			t.Error("a reload without a change made a new client")
		}
		if err := s.r.s.Reload(askingFrom(t, source11, source10)); err != nil {
			t.Fatal(err)
		}
		if s.r.s.state.Load().upstream == was {
			t.Error("a reload with other sources did not change the client")
		}
		s.ask(100, "example.", 50*time.Millisecond)
		s.wantLines("after reloads", "resolver")
		s.set("from 10.79.1.11", "")
		s.wait(20 * time.Second) // nobody asks
		s.wantLines("after", "resolver", back)

		s.set("from 10.79.1.11", "silent")
		s.ask(200, "example.", 50*time.Millisecond)
		s.wantLines("again", "resolver", lost)
		if err := s.r.s.Reload(askingFrom(t, source10)); err != nil {
			t.Fatal(err)
		}
		s.wantLines("taken away", "resolver", gone)
		if open := s.open(); len(open) > 0 {
			t.Errorf("open in the end: %v", open)
		}
		if n := s.r.s.Stats().Rcodes["SERVFAIL"]; n > 0 {
			t.Errorf("%d queries failed", n)
		}
	})
}

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
