package upstream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Who starts more than there is room for delivers what had to go himself: however
// late other goroutines come, no more waits to be delivered than is pending.
func TestDeliveriesBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room, batch = 100, 60
		n := newNetwork(serverA)
		n.hosts[serverA].dead = true
		a := newAsker(t, n, func(c *Config) { c.MaxPending = room })
		for i := range 10 {
			for j := range batch {
				r := &Request{Question: question(fmt.Sprint(i, "-", j)), Servers: a.cfg.servers()}
				a.from[r] = time.Now()
				a.Start(r)
			}
			a.FlushAndDeliver()
			a.Client.mu.Lock()
			if live := a.live; live > room || live < min(room, (i+1)*batch) {
				t.Errorf("after %d requests %d are not delivered, want as many as there is room for: %d", (i+1)*batch, live, room)
			}
			a.Client.mu.Unlock()
		}
		a.finish()
	})
}

// A goroutine that had very many to deliver at once keeps no room for them.
func TestDeliveriesKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].dead = true
		a := newAsker(t, n)
		for i := range 10 * keptDeliveries {
			a.Start(&Request{Question: question(fmt.Sprint(i)), Servers: a.cfg.servers()})
		}
		a.Client.Flush()
		time.Sleep(defaultWait)
		synctest.Wait()
		if got := len(a.ends); got != 10*keptDeliveries {
			t.Errorf("%d requests ended, want all %d at once", got, 10*keptDeliveries)
		}
		time.Sleep(time.Second) // the clock has a look
		synctest.Wait()
		if got := cap(a.ended); got > keptDeliveries {
			t.Errorf("there is room for %d deliveries still, want %d at most", got, keptDeliveries)
		}
		a.Close()
	})
}
