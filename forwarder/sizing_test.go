package forwarder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/bench/sizing"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// The simulation of cmd/bench asks upstream as often, and fails as many, as a server does
// that is asked the same questions before the stand-in for the VPC resolver.
func TestSizing(t *testing.T) {
	mix := []sizing.Share{{TTL: 10, Weight: 1}, {TTL: 60, Weight: 2}}
	for _, p := range sizing.Points() {
		p.Length = 30 * time.Second
		t.Run(p.Name, func(t *testing.T) { holdSizing(t, p.Scenario) })
	}
	for _, tc := range []struct {
		name string
		edit func(*sizing.Scenario)
	}{
		{"two types, a mix of TTLs", func(s *sizing.Scenario) {
			s.Names, s.QPS, s.Zipf, s.Types, s.Negative, s.TTLs = 5000, 2000, 1, 2, 30, mix
		}},
		{"prefetch from an authoritative copy", func(s *sizing.Scenario) {
			s.Names, s.QPS, s.Hosts, s.Instance = 1000, 1000, 0, false
		}},
		{"a flush of more than a second's names", func(s *sizing.Scenario) {
			s.Names, s.QPS, s.PPS, s.Flush = 2000, 1000, 300, true
		}},
		{"a cold start for more than a client waits", func(s *sizing.Scenario) {
			s.Names, s.QPS, s.PPS, s.Warm, s.TTLs = 4000, 1500, 300, 0, mix
		}},
		{"more than there are packets for", func(s *sizing.Scenario) { s.Names, s.QPS, s.PPS = 5000, 1000, 200 }},
		{"loss", func(s *sizing.Scenario) { s.Names, s.QPS, s.Loss = 1500, 600, 0.05 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := sizing.Scenario{
				Workload: sizing.Workload{TTLs: mix[:1], Types: 1, Length: 25 * time.Second, Seed: 1},
				Upstream: sizing.VPC(0),
				Warm:     10 * time.Second,
				PPS:      DefaultUpstreamPPS,
				Prefetch: true,
			}
			tc.edit(&s)
			holdSizing(t, s)
		})
	}
}

// holdSizing plays a scenario to a Server and compares.
func holdSizing(t *testing.T, s sizing.Scenario) {
	want, got := sizing.Run(s), &sized{Scenario: s}
	synctest.Test(t, got.run)
	t.Logf("%d packets, simulated %d; %d queries failed, simulated %d", got.packets, want.Packets, got.failed, want.Failed)
	if !alike(got.packets, want.Packets) || !alike(got.failed, want.Failed) {
		t.Errorf("%d packets and %d failures, want %d and %d as simulated, within 10 %%", got.packets, got.failed, want.Packets, want.Failed)
	}
}

// alike reports whether two numbers are within 10 % of each other.
func alike(a, b int) bool { return math.Abs(float64(a-b)) <= 0.1*float64(b) }

// sized is a scenario that is played to a Server.
type sized struct {
	sizing.Scenario
	resolver *vpcresolver.Resolver
	packets  int // to upstream, after the warm-up
	failed   int // queries
	flushed  bool
	began    time.Time
}

func (s *sized) run(t *testing.T) {
	s.resolver = s.upstream(t)
	n := newFakeNet("10.79.1.10/24")
	n.auto = func(q *asking) []byte {
		if s.isMeasured() {
			s.packets++
		}
		go s.answer(q)
		return nil
	}
	r := newReplayWith(t, testConfig(), n, Options{Workers: 1, UpstreamPPS: s.PPS})
	s.began = time.Now()
	if s.Others > 0 {
		go s.others()
	}
	for q := range s.Queries() {
		s.flush(r.s)
		time.Sleep(q.At - time.Since(s.began))
		name, rtype := s.Question(q.Key)
		n.ask(testClient, testServer, false, queryFor(uint16(q.Key), name, rtype))
		n.forget()
		s.take(n)
	}
	time.Sleep(5 * time.Second)
	s.take(n)
	r.stop()
}

// upstream returns the stand-in with the scenario's names.
func (s *sized) upstream(t *testing.T) *vpcresolver.Resolver {
	r, err := vpcresolver.New(s.ZoneFile(), true)
	if err != nil {
		t.Fatal(err)
	}
	r.SetCaches(vpcresolver.Caches{Instance: s.Instance, Fleet: s.Hosts})
	r.SetFaults(".", vpcresolver.Faults{Zero: s.Zero})
	return r
}

// isMeasured reports whether the warm-up is over.
func (s *sized) isMeasured() bool {
	at := time.Since(s.began)
	return at >= s.Warm && at < s.Length
}

// answer has the stand-in answer, after the scenario's round trip.
func (s *sized) answer(q *asking) {
	m := new(dns.Msg)
	if m.Unpack(q.msg) != nil {
		return
	}
	if rand.Float64() < s.Loss {
		return
	}
	time.Sleep(s.RTT / 2)
	answer, err := s.resolver.Exchange(m, netip.AddrPortFrom(testServer.Addr(), 5000)).Pack()
	if err != nil {
		return
	}
	time.Sleep(s.RTT / 2)
	q.answer(answer)
}

// others ask the stand-in, each from an instance of its own.
func (s *sized) others() {
	gap := float64(time.Second) / (s.Others * float64(s.Hosts*s.Names))
	addr := netip.MustParseAddr("10.80.0.1")
	for time.Since(s.began) < s.Length {
		time.Sleep(time.Duration(rand.ExpFloat64() * gap))
		addr = addr.Next()
		name, rtype := s.Question(rand.IntN(s.Names) * s.Types)
		s.resolver.Exchange(new(dns.Msg).SetQuestion(name, rtype), netip.AddrPortFrom(addr, 5000))
	}
}

// flush forgets all when it is time.
func (s *sized) flush(server *Server) {
	if s.Flush && !s.flushed && time.Since(s.began) >= s.Warm {
		s.flushed = true
		server.Flush()
	}
}

// take counts the failures among the replies.
func (s *sized) take(n *fakeNet) {
	for _, r := range n.got() {
		if r.msg[3]&15 == dns.RcodeServerFailure && s.isMeasured() {
			s.failed++
		}
	}
}

// A watched name costs a probe a second, and while it is verified and the servers behind
// the probes differ, what the simulation says.
func TestSizingOfChecks(t *testing.T) {
	perform(t, watchedConfig(), Options{Watch: []string{"app.corp.test."}}, func(t *testing.T, s *theatre) {
		s.hasProbes("10.0.0.1")
		s.asks("app.corp.test.", "A")
		s.at(10 * time.Second)
		s.count("")
		const probed = 20
		s.at((10 + probed) * time.Second)
		if n := s.count(""); n != probed {
			t.Errorf("%d packets in %d s for a name with probes that is not asked for, want one a second", n, probed)
		}
		s.override("app.corp.test.", "A", "10.0.0.2")
		random := rand.New(rand.NewPCG(1, 1))
		s.net.mu.Lock()
		answer := s.net.auto
		s.net.auto = func(q *asking) []byte {
			s.hasProbes(fmt.Sprintf("10.0.0.%d", 1+random.IntN(2)))
			return answer(q)
		}
		s.net.mu.Unlock()
		const verified = 100
		s.at((10 + probed + verified) * time.Second)
		if n := float64(s.count("")) / verified; math.Abs(n/sizing.CheckedPackets-1) > 0.1 {
			t.Errorf("%.2f packets a second while it is verified, want %v", n, sizing.CheckedPackets)
		}
	})
}
