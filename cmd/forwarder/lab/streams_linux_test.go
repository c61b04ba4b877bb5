package lab

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A server that closes a connection under its third question loses none of them,
// and one that answers nothing loses all.
func TestStreams(t *testing.T) {
	t.Parallel()
	n := NewNamespace(t)
	n.IP(t, "link set lo up")
	const silent = "silent.example."
	n.serveTCP(t, "127.0.0.1:53", func(i int, w dns.ResponseWriter, query *dns.Msg) {
		switch {
		case query.Question[0].Name == silent:
		case i == 2:
			w.Close()
		default:
			reply := new(dns.Msg).SetReply(query)
			rr, _ := dns.NewRR(query.Question[0].Name + " 10 IN A 192.0.2.1")
			reply.Answer = []dns.RR{rr}
			_ = w.WriteMsg(reply) // the client tells
		}
	})
	const clients = 4
	for name, lost := range map[string]bool{"good.example.": false, silent: true} {
		enough := make(chan struct{}, 1000)
		wait, stop := Streams{
			From: n, Server: "127.0.0.1", Clients: clients, Every: time.Millisecond, Timeout: 500 * time.Millisecond,
			Name: func(int) string {
				select {
				case enough <- struct{}{}:
				default:
				}
				return name
			},
		}.Start(t)
		for range 5 * clients {
			<-enough
		}
		stop()
		answers, again := wait(), 0
		for _, a := range answers {
			if a.OK() == lost {
				t.Errorf("a question for %s ends as %+v", name, a)
			}
			again += a.Tries - 1
		}
		if len(answers) < 5*clients || (again > 0) == lost {
			t.Errorf("%s: %d questions, asked again %d times, want %d at least, and some again only if it is answered", name, len(answers), again, 5*clients)
		}
	}
}

// serveTCP serves in the namespace. The handler hears which question of its
// connection it has.
func (n *Namespace) serveTCP(t *testing.T, address string, handle func(i int, w dns.ResponseWriter, query *dns.Msg)) {
	t.Helper()
	var listener net.Listener
	var err error
	n.Do(t, func() { listener, err = net.Listen("tcp", address) })
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	asked := map[string]int{} // by the client's address
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		mu.Lock()
		i := asked[w.RemoteAddr().String()]
		asked[w.RemoteAddr().String()]++
		mu.Unlock()
		handle(i, w, query)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.ActivateAndServe() // it ends with Shutdown
	}()
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-ended
	})
}
