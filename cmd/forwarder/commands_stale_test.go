package main

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
)

// Who waits for a silent server when serve-stale is switched on gets the stale answer by
// the client timeout, and not at the end of his wait.
func TestServeStaleForWhoWaits(t *testing.T) {
	c := startCommanded(t, "stale-cache-enable yes; stale-answer-client-timeout 1000;")
	const name = "short.awslab.mycompany.corp."
	if err := c.resolver.Set(name + " 1 IN A 10.1.1.1"); err != nil {
		t.Fatal(err)
	}
	c.ask(name, dns.TypeA)
	c.resolver.SetFaults(".", vpcresolver.Faults{Drop: 1})
	for c.server.IsCached(name, dns.TypeA) {
		time.Sleep(10 * time.Millisecond)
	}
	q := new(dns.Msg).SetQuestion(name, dns.TypeA)
	q.SetEdns0(1232, false)
	answers := make(chan *dns.Msg, 2)
	ask := func() {
		client := dns.Client{Timeout: 30 * time.Second}
		m, _, err := client.Exchange(q.Copy(), c.addr.String())
		if err != nil {
			t.Error(err)
		}
		answers <- m
	}
	go ask()
	for asked, end := 0, time.Now().Add(30*time.Second); asked == 0 && time.Now().Before(end); {
		list, _, _ := c.server.Recursing()
		asked = len(list)
	}
	c.run("serve-stale on")
	go ask() // joins
	for range 2 {
		m := <-answers
		if m == nil {
			continue
		}
		if e, ok := m.IsEdns0().Option[0].(*dns.EDNS0_EDE); len(m.Answer) != 1 || !ok || e.ExtraText != "client timeout" {
			t.Errorf("got\n%v\nwant the stale answer, for the client timeout", m)
		}
	}
}
