package forwarder

import (
	"testing"
	"time"
)

// TestFailover switches the address of a name with a TTL of 10 s several times,
// whatever the network does meanwhile, and whatever the options are: no client
// may hold an address for longer than the resolver's own copy lives.
func TestFailover(t *testing.T) {
	const stale = "stale-cache-enable yes; stale-answer-enable yes; "
	options := []struct{ name, text string }{
		{"default", ""},
		{"no prefetch", "prefetch 0;"},
		{"prefetch early", "prefetch 10 11;"},
		{"stale", stale + "stale-answer-client-timeout 0;"},
		{"stale later", stale + "stale-answer-client-timeout 1800;"},
	}
	slow := func(base, jitter time.Duration) func(*vpc) {
		return func(v *vpc) {
			v.delay = func() time.Duration { return base + time.Duration(v.rand.Int64N(int64(jitter)+1)) }
		}
	}
	networks := []struct {
		name string
		set  func(v *vpc)
	}{
		{"good", func(v *vpc) {}},
		{"300 ms", slow(300*time.Millisecond, 0)},
		{"1.5 s", slow(1500*time.Millisecond, 0)},
		{"2.5 s", slow(2500*time.Millisecond, 0)},
		{"jitter of 3 s: late and out of order", slow(0, 3*time.Second)},
		{"20 % loss", func(v *vpc) { v.loss = 0.2 }},
		{"duplicates, out of order", func(v *vpc) { v.copies = 3; slow(0, 3*time.Second)(v) }},
		{"TCP", func(v *vpc) { v.tc = true }},
		{"slow TCP", func(v *vpc) { v.tc = true; slow(700*time.Millisecond, 300*time.Millisecond)(v) }},
		{"TTL 1, slow", func(v *vpc) { v.ttl = 1; slow(500*time.Millisecond, 1500*time.Millisecond)(v) }},
	}
	for _, o := range options {
		for _, n := range networks {
			t.Run(o.name+"/"+n.name, func(t *testing.T) {
				withClients(t, o.text, func(c *clients) {
					c.vpc.change(func() { n.set(c.vpc) })
					for range 6 { // about 7 s each, so that switches fall anywhere in a TTL
						c.run(7300*time.Millisecond, func(i int) {
							if i%7 == 0 {
								c.ask("service.example.")
								c.ask("service.example.")
							}
						})
						c.vpc.change(func() { c.vpc.address++ })
					}
					c.run(5*time.Second, func(int) {})
					for _, l := range c.all {
						if l.at.IsZero() || l.rcode != 0 {
							t.Fatalf("asked at %v: rcode %d", l.from, l.rcode)
						}
					}
					c.checkTTLs()
				})
			})
		}
	}
}
