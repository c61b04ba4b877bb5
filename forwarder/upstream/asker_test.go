package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// result is how a request ended.
type result struct {
	msg  []byte
	err  error
	took time.Duration
	at   time.Time
}

// asker drives a Client and keeps what it delivers.
type asker struct {
	*Client
	t    *testing.T
	net  *network
	mu   sync.Mutex
	ends map[*Request]result
	from map[*Request]time.Time
	seen []*Request // in the order of delivery
	ev   []Event
}

// Answer and Flush make asker a Handler.
func (a *asker) Answer(r *Request, msg []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, twice := a.ends[r]; twice {
		a.t.Errorf("request %q delivered twice", r.Question)
	}
	a.ends[r] = result{slices.Clone(msg), err, time.Since(a.from[r]), time.Now()}
	a.seen = append(a.seen, r)
}

func (a *asker) Flush() {}

func newAsker(t *testing.T, n *network, edit ...func(*Config)) *asker {
	a := &asker{t: t, net: n, ends: make(map[*Request]result), from: make(map[*Request]time.Time)}
	cfg := Config{
		Dial: n.dial, DialTCP: n.dialTCP,
		NewHandler: func() Handler { return handlerOf{a} },
		Event: func(e Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.ev = append(a.ev, e)
		},
	}
	for _, addr := range []netip.AddrPort{serverA, serverB} {
		if n.hosts[addr] != nil {
			cfg.Servers = append(cfg.Servers, Server{Addr: addr})
		}
	}
	for _, f := range edit {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.Client = c
	return a
}

// handlerOf hides asker's other methods.
type handlerOf struct{ a *asker }

func (h handlerOf) Answer(r *Request, msg []byte, err error) { h.a.Answer(r, msg, err) }
func (h handlerOf) Flush()                                   {}

// start asks for www.name.example.
func (a *asker) start(name string, edit ...func(*Request)) *Request {
	r := &Request{Question: question(name)}
	for _, s := range a.cfg.Servers {
		r.Servers = append(r.Servers, s.Addr)
	}
	for _, f := range edit {
		f(r)
	}
	a.mu.Lock()
	a.from[r] = time.Now()
	a.mu.Unlock()
	a.Start(r)
	a.Client.Flush()
	return r
}

// ask asks and waits for the end.
func (a *asker) ask(name string, edit ...func(*Request)) result {
	a.t.Helper()
	r := a.start(name, edit...)
	for range 1000 {
		if res, ok := a.end(r); ok {
			return res
		}
		time.Sleep(5 * time.Millisecond)
	}
	a.t.Fatalf("request %s has no end", name)
	return result{}
}

func (a *asker) end(r *Request) (result, bool) {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	res, ok := a.ends[r]
	return res, ok
}

// drain waits until all requests have ended, for a minute at most.
func (a *asker) drain() {
	for range 60_000 {
		synctest.Wait()
		a.mu.Lock()
		all := len(a.ends) == len(a.from)
		a.mu.Unlock()
		if all {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// finish waits for all requests, closes, and returns how long each took.
func (a *asker) finish() (took []time.Duration, failed int) {
	a.t.Helper()
	a.drain()
	a.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.ends) != len(a.from) {
		a.t.Errorf("%d of %d requests ended", len(a.ends), len(a.from))
	}
	for _, res := range a.ends {
		took = append(took, res.took)
		if res.err != nil {
			failed++
		}
	}
	slices.Sort(took)
	synctest.Wait()
	a.net.change(func() {
		if a.net.open != 0 {
			a.t.Errorf("%d sockets are open after Close", a.net.open)
		}
	})
	a.wantNothing()
	return took, failed
}

// wantNothing wants every count of what is under way to be back at zero after Close.
func (a *asker) wantNothing() {
	a.t.Helper()
	a.Client.mu.Lock()
	defer a.Client.mu.Unlock()
	left := map[string]int{
		"requests": a.pending, "deliveries": a.live, "sockets of one try": a.fresh, "clients": len(a.loads.of),
		"sockets": a.stats.Sockets, "connections": a.stats.Streams,
	}
	for _, b := range a.budgets {
		left["requests that wait for packets"] += b.queued()
	}
	for _, s := range a.list {
		left["tries"] += s.flying
		left["requests that wait"] += s.parked.n + s.tcp.queue.n
	}
	for what, n := range left {
		if n != 0 {
			a.t.Errorf("%d %s are left after Close", n, what)
		}
	}
}

// stream asks n names at a rate a second.
func (a *asker) stream(prefix string, n int, rate int) {
	for i := range n {
		a.start(fmt.Sprintf("%s%d", prefix, i))
		time.Sleep(time.Second / time.Duration(rate))
	}
}

// percentile returns the p-th percentile of sorted durations.
func percentile(d []time.Duration, p float64) time.Duration {
	return d[min(len(d)-1, int(float64(len(d))*p/100))]
}
