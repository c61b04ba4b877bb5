package forwarder

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/watch"
)

// Overrides are set, replaced and deleted while clients ask over sockets, upstream's
// answers change, and the configuration is loaded anew: who asks after a command has
// returned gets what it said, however he gets there.
func TestOverridesUnderLoad(t *testing.T) {
	a := &authority{records: make(map[string][]string), asked: make(map[string]int)}
	a.has("app.corp.test. A", "app.corp.test. 1 IN A 10.0.0.1")
	a.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", "app.corp.test. 1 IN A 10.0.0.1")
	a.has("x.corp.test. MX", "x.corp.test. 60 IN MX 1 app.corp.test.", "additional app.corp.test. 1 IN A 10.0.0.1")
	cfg := watchedConfig(func(c *config.Config) { c.Listen[0].Port = 0 })
	fake := newFakeNet("127.0.0.1/8")
	fake.auto = a.answer
	n := fake.network()
	host := hostNetwork()
	n.listenUDP, n.listenTCP = host.listenUDP, host.listenTCP
	s, err := newServer(cfg, Options{Workers: 2, UpstreamPPS: Unlimited, StateFile: filepath.Join(t.TempDir(), "state")}, n)
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, s)
	defer stop()

	var set atomic.Int64 // of the override that is in force for sure; the next one may be
	set.Store(1)
	deadline := time.Now().Add(3 * time.Second)
	var wg sync.WaitGroup
	questions := []dns.Question{{Name: "app.corp.test.", Qtype: dns.TypeA}, {Name: "www.corp.test.", Qtype: dns.TypeA}, {Name: "x.corp.test.", Qtype: dns.TypeMX}, {Name: "app.corp.test.", Qtype: dns.TypeANY}}
	override := func(i int64) {
		o := watch.Override{Name: "app.corp.test", Type: dns.TypeA, Data: []string{addressOf(i).String()}, By: "test", Set: time.Now()}
		if err := s.AddOverride(o); err != nil {
			t.Error(err)
		}
	}
	override(1)
	for i := range 6 {
		wg.Go(func() {
			c := &dns.Client{Net: [...]string{"udp", "tcp"}[i%2], Timeout: 30 * time.Second}
			for j := 0; time.Now().Before(deadline) && !t.Failed(); j++ {
				q := questions[(i+j)%len(questions)]
				before := set.Load()
				m := new(dns.Msg).SetQuestion(q.Name, q.Qtype)
				r, _, err := c.Exchange(m, s.Addrs()[0].String())
				if err != nil {
					t.Errorf("%v: %v", q, err)
					return
				}
				checkFresh(t, r, before, set.Load()+1)
			}
		})
	}
	for i := int64(2); time.Now().Before(deadline) && !t.Failed(); i++ {
		override(i)
		set.Store(i)
		switch i % 3 {
		case 0:
			if err := s.Reload(cfg); err != nil {
				t.Error(err)
			}
		case 1:
			s.FlushName("app.corp.test")
		}
		a.has("app.corp.test. A", fmt.Sprint("app.corp.test. 1 IN A 10.0.1.", i%200))
		s.WatchStatus("app.corp.test", true)
		s.Stats()
	}
	wg.Wait()
}

// addressOf is the address of the i-th override.
func addressOf(i int64) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
}

// checkFresh fails unless all addresses in a reply are of the overrides from least to most.
func checkFresh(t *testing.T, m *dns.Msg, least, most int64) {
	found := 0
	for _, rr := range append(m.Answer, m.Extra...) {
		a, ok := rr.(*dns.A)
		if !ok {
			continue
		}
		found++
		ip := a.A.To4()
		if i := int64(ip[2])<<8 | int64(ip[3]); ip[1] != 9 || i < least || i > most {
			t.Errorf("got %v, want an override from %v to %v", m, addressOf(least), addressOf(most))
		}
	}
	if found != 1 {
		t.Errorf("%v has %d addresses, want one", m, found)
	}
}
