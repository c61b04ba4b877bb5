package forwarder_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
)

// resolver answers every query with one address, as a VPC resolver would for
// a name in a private zone.
func resolver() (addr netip.AddrPort, stop func() error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + " 10 IN A 10.79.252.13")
		m.Answer = []dns.RR{rr}
		w.WriteMsg(m)
	})}
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go s.ActivateAndServe()
	<-started
	return netip.MustParseAddrPort(conn.LocalAddr().String()), s.Shutdown
}

// A program forwards for the names below corp.example, on loopback only.
func ExampleNew() {
	upstream, stop := resolver()
	defer stop()

	loopback := acl.List{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
	cfg := config.Default()
	cfg.Listen = []config.Listen{{Port: 0, Match: loopback}}
	cfg.AllowQuery, cfg.AllowCache, cfg.AllowRecurse = loopback, loopback, loopback
	cfg.Zones = []config.ForwardZone{{Name: "corp.example.", Forwarders: []netip.AddrPort{upstream}}}
	s, err := forwarder.New(cfg, forwarder.Options{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	<-s.Ready()

	for _, name := range []string{"www.corp.example.", "www.corp.example.", "www.elsewhere."} {
		m, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), s.Addrs()[0].String())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(name, dns.RcodeToString[m.Rcode], len(m.Answer))
	}
	cancel()
	fmt.Println("stopped:", <-done)
	// Output:
	// www.corp.example. NOERROR 1
	// www.corp.example. NOERROR 1
	// www.elsewhere. REFUSED 0
	// stopped: <nil>
}
