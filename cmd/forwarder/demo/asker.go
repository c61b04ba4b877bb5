package demo

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// askEvery is between two questions at each place: the times that the demo tells
// are as exact as that.
const (
	askEvery  = 40 * time.Millisecond
	perSecond = int(time.Second / askEvery)
)

// asker asks for a name everywhere, again and again, whether answers come or not.
type asker struct {
	servers [places]netip.AddrPort
	name    atomic.Pointer[string]
	enough  chan struct{} // closed by stop
	once    sync.Once
	out     <-chan lookup // closed when all questions have come to an end
	ends    chan<- lookup // the same
	asked   atomic.Int64  // by the client
	ended   atomic.Int64  // of them
}

func newAsker(servers [places]netip.AddrPort, name string) *asker {
	ends := make(chan lookup, 1000)
	a := &asker{servers: servers, enough: make(chan struct{}), out: ends, ends: ends}
	a.name.Store(&name)
	return a
}

// run asks until stop is called, and then waits for what is under way; until ctx ends
// at most. Who reads out must do so until it is closed.
func (a *asker) run(ctx context.Context) {
	defer close(a.ends)
	var asking sync.WaitGroup
	defer asking.Wait()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		name := *a.name.Load()
		for from, server := range a.servers {
			asking.Go(func() { a.ask(ctx, place(from), server, name) })
		}
		select {
		case <-tick.C:
		case <-a.enough:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (a *asker) ask(ctx context.Context, from place, server netip.AddrPort, name string) {
	if from == atClient {
		a.asked.Add(1)
		defer a.ended.Add(1)
	}
	l := ask(ctx, server, name)
	l.from = from
	a.ends <- l
}

// stop lets what is under way be the last that is asked.
func (a *asker) stop() { a.once.Do(func() { close(a.enough) }) }

// waiting is how many lookups of the client have no answer yet.
func (a *asker) waiting() int64 { return max(0, a.asked.Load()-a.ended.Load()) }
