package lab

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Load asks for addresses over UDP at a steady rate, whether answers come or
// not. Each client has a socket of its own for each server, and asks as a stub
// resolver does: the servers in turn, from the same port with the same ID, and
// the next one at once when the network refuses the packet.
type Load struct {
	From    *Namespace
	Source  string             // address to send from; "" leaves it to the system
	Servers []string           // addresses; port 53
	Rate    int                // new queries a second
	For     time.Duration      // how long new ones are sent
	Clients int                // 0 is 16
	Name    func(i int) string // of the i-th query, fully qualified
	Timeout time.Duration      // with one try; 0 is glibc's, 5 s
	Tries   int                // in all, over all servers; 0 is one a server
	Each    func(Answer)       // unless nil, hears of each query's end, in no order, from several goroutines
}

// Run sends the load until its end, or ctx's, waits for the last answer, and
// returns all of them in the order in which they were asked.
func (l Load) Run(ctx context.Context, t testing.TB) Answers {
	t.Helper()
	return l.start(ctx, t)()
}

// Start runs the load in the background. The function wait returns the answers
// after its end, which stop makes early.
func (l Load) Start(t testing.TB) (wait func() Answers, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	wait = l.start(ctx, t)
	t.Cleanup(func() { cancel(); wait() })
	return wait, cancel
}

func (l Load) start(ctx context.Context, t testing.TB) (wait func() Answers) {
	t.Helper()
	r := &run{Load: l.withDefaults()}
	l.From.Do(t, func() { r.open(t) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.send(ctx)
		r.pending.Wait()
		r.close()
	}()
	return func() Answers {
		<-done
		return r.answers()
	}
}

func (l Load) withDefaults() Load {
	if l.Clients == 0 {
		l.Clients = 16
	}
	if l.Timeout == 0 {
		l.Timeout = 5 * time.Second
	}
	if l.Tries == 0 {
		l.Tries = len(l.Servers)
	}
	return l
}

// run is a Load under way.
type run struct {
	Load
	clients []*client
	reading sync.WaitGroup
	pending sync.WaitGroup // queries
	queries []*query       // send's, and after it everybody's
}

func (r *run) open(t testing.TB) {
	t.Helper()
	for range r.Clients {
		c := &client{run: r, waiting: map[uint16]*query{}}
		for _, server := range r.Servers {
			conn, err := DialUDP(r.Source, server)
			if err != nil {
				t.Fatalf("opening a client's socket: %v", err)
			}
			c.conns = append(c.conns, conn)
		}
		r.clients = append(r.clients, c)
		for i := range c.conns {
			r.reading.Go(func() { c.read(i) })
		}
	}
}

// DialUDP connects a socket to port 53 of a server, from an address unless that is
// "". It is to be called within Do.
func DialUDP(source, server string) (*net.UDPConn, error) {
	var local *net.UDPAddr
	if source != "" {
		local = &net.UDPAddr{IP: netip.MustParseAddr(source).AsSlice()}
	}
	return net.DialUDP("udp", local, &net.UDPAddr{IP: netip.MustParseAddr(server).AsSlice(), Port: 53})
}

func (r *run) close() {
	for _, c := range r.clients {
		for _, conn := range c.conns {
			conn.Close()
		}
	}
	r.reading.Wait()
}

// send starts queries when they are due, several at once if it came late.
func (r *run) send(ctx context.Context) {
	tick := time.NewTicker(max(time.Millisecond, time.Second/time.Duration(r.Rate)))
	defer tick.Stop()
	begun, total := time.Now(), int(r.For.Seconds()*float64(r.Rate))
	for len(r.queries) < total && ctx.Err() == nil {
		due := int(time.Since(begun).Seconds()*float64(r.Rate)) + 1
		for len(r.queries) < min(due, total) {
			r.ask(len(r.queries))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (r *run) ask(i int) {
	q := newQuery(r.Name(i))
	r.queries = append(r.queries, q)
	r.pending.Add(1)
	r.clients[i%len(r.clients)].ask(q)
}

// answers is to be called after the end.
func (r *run) answers() Answers {
	all := make(Answers, len(r.queries))
	for i, q := range r.queries {
		all[i] = q.Answer
	}
	return all
}
