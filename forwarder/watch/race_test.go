package watch

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Readers, resolvers, commands and the goroutine of the watches share a table.
func TestConcurrent(t *testing.T) {
	table, start := newTable(), Moment{time.Hour, day}
	name := wire.PackName("www.corp.example")
	if err := table.Watch("www.corp.example", start); err != nil {
		t.Fatal(err)
	}
	at := func(i int) Moment {
		return Moment{start.Now + time.Duration(i)*time.Second, start.Wall.Add(time.Duration(i) * time.Second)}
	}
	jobs := []func(i int){
		func(i int) {
			if p := table.Pins().Find([]byte(name), dns.TypeA, at(i).Now); table.Wants([]byte(name)) && p != nil {
				_ = texts(p.RRs)
			}
			table.Given([]byte(name), dns.TypeA, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 0, at(i).Now)
		},
		func(i int) {
			data := []string{"10.0.0.1", "10.0.0.2"}[i/50%2]
			table.Observe(Observation{Name: name, Type: dns.TypeA, TTL: 10, RRs: records("www.corp.example", 10, data), Asked: at(i).Now}, at(i))
			table.Again()
		},
		func(i int) { table.Due(at(i)); table.Events(); table.Stats(); table.Version() },
		func(i int) {
			_ = table.AddOverride(Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.3"}}, at(i))
			_ = table.DeleteOverride("www.corp.example", 0, at(i))
		},
		func(i int) {
			state, err := table.AppendState(nil, at(i))
			if err != nil || newTable().Load(state, at(i)) != nil {
				t.Errorf("a state that cannot be loaded: %s, %v", state, err)
			}
			_, _ = table.Status("www.corp.example", true, at(i))
		},
		func(i int) {
			table.SetRules(func(string) bool { return true })
			table.Overrides(at(i))
		},
	}
	var group sync.WaitGroup
	for _, job := range jobs {
		group.Go(func() {
			for i := range 100 {
				job(i)
			}
		})
	}
	group.Wait()
	check(t, table, at(100))
}
