package upstream

import (
	"fmt"
	"net/netip"
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

// sleeper is a socket whose Recv returns some time after its end, as a goroutine that is
// given no processor does.
type sleeper struct{ Socket }

const sleepsFor = 20 * time.Second

func (k sleeper) Recv(bufs [][]byte, sizes []int) (int, error) {
	n, err := k.Socket.Recv(bufs, sizes)
	if err != nil {
		time.Sleep(sleepsFor)
	}
	return n, err
}

// Sockets that are closed count until their goroutines have ended: these are bounded.
func TestReadersBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		dials := 0
		a := newAsker(t, n, func(c *Config) {
			dial := c.Dial
			c.Dial = func(server, source netip.AddrPort) (Socket, error) {
				dials++
				k, err := dial(server, source)
				return sleeper{k}, err
			}
		})
		n.change(func() { n.hosts[serverA].dead = true })
		for i := range 2 * maxFresh {
			a.start(fmt.Sprint(i), func(r *Request) { r.Wait = 100 * time.Millisecond })
			time.Sleep(time.Millisecond)
		}
		if most := maxFresh + 2*sharedSockets; dials < maxFresh || dials > most {
			t.Errorf("%d sockets whose goroutines have not ended, want %d at most", dials, most)
		}
		time.Sleep(sleepsFor)
		n.change(func() { n.hosts[serverA].dead = false })
		before := dials
		a.ask("later")
		if dials != before+1 {
			t.Errorf("%d sockets for one question when these are gone, want one of its own", dials-before)
		}
		a.finish()
	})
}
