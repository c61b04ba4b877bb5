package lab

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Streams asks for addresses over TCP. Each client keeps a connection and asks one
// question at a time. When the connection is closed under a question, it opens
// another and asks once more (RFC 7766, section 6.2.4).
type Streams struct {
	From    *Namespace
	Server  string             // address; port 53
	Clients int                // connections at a time
	Every   time.Duration      // from one question of a client to its next, unless answers take longer
	Name    func(i int) string // of a client's i-th question, fully qualified
	Timeout time.Duration      // for one try
}

// Start asks in the background until stop is called. The function wait returns all
// answers after that: each client's in their order.
func (s Streams) Start(t testing.TB) (wait func() Answers, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	streams := make([]*stream, s.Clients)
	for i := range streams {
		streams[i] = &stream{Streams: s}
		running.Go(func() { streams[i].run(ctx, t) })
	}
	wait = func() (all Answers) {
		running.Wait()
		for _, s := range streams {
			all = append(all, s.answers...)
		}
		return all
	}
	t.Cleanup(func() { cancel(); wait() })
	return wait, cancel
}

// stream is one client.
type stream struct {
	Streams
	conn    *dns.Conn // nil: none is open
	answers Answers
}

func (s *stream) run(ctx context.Context, t testing.TB) {
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		s.answers = append(s.answers, s.ask(t, s.Name(i)))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	s.hangUp()
}

// ask needs no more than two connections.
func (s *stream) ask(t testing.TB, name string) Answer {
	a := Answer{Name: name, Sent: time.Now(), Rcode: -1, EDE: -1}
	question := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false)
	for a.Tries < 2 {
		a.Tries++
		reply, err := s.exchange(t, question)
		if err == nil {
			a.fill(reply)
			break
		}
		s.hangUp()
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			break // it may be answered still: nobody asks twice
		}
	}
	a.Took = time.Since(a.Sent)
	return a
}

func (s *stream) exchange(t testing.TB, question *dns.Msg) (reply *dns.Msg, err error) {
	client := &dns.Client{Net: "tcp", Timeout: s.Timeout}
	if s.conn == nil {
		s.From.Do(t, func() { s.conn, err = client.Dial(s.Server + ":53") })
		if err != nil {
			s.conn = nil // Dial returns half of one
			return nil, err
		}
	}
	reply, _, err = client.ExchangeWithConn(question, s.conn)
	return reply, err
}

func (s *stream) hangUp() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
