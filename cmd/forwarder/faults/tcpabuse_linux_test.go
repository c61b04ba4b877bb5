package faults

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
)

var tcpAbuse = scenario{name: "tcp abuse", rows: tcpAbuseRows, run: runTCPAbuse}

var tcpAbuseRows = []row{
	{"1000 idle TCP connections, 100 that send an octet a second, 50 that never read: TCP answered", "%", atLeast(100)},
	{"the same: TCP from the address of all those answered", "%", atLeast(100)},
	{"the same: UDP answered", "%", atLeast(100).give(0.5)},
	{"the same: descriptors", "", atMost(250)},
	{"the same: memory", "MB", atMost(100)},
}

// The addresses of who abuses connections and of who does not.
const abusive, honest = "10.20.0.99", "10.20.0.12"

func runTCPAbuse(t *testing.T, s *site) figures {
	const length = 10 * time.Second
	p := s.start(t, "")
	var abusing sync.WaitGroup
	stop := make(chan struct{})
	defer abusing.Wait()
	defer close(stop)
	all := slices.Concat(abusers(1000, stayIdle), abusers(100, sendSlowly), abusers(50, neverRead))
	abusing.Go(func() { s.Corporate.Do(t, func() { abuse(all, stop) }) })
	time.Sleep(2 * time.Second)

	udp, _ := s.hotNames(length).Start(t)
	others, own := s.askTCP(t, honest, length), s.askTCP(t, abusive, length)
	descriptors, memory := 0, 0
	for range length / time.Second {
		time.Sleep(time.Second)
		descriptors, memory = max(descriptors, p.Descriptors(t)), max(memory, p.Resident(t))
	}
	return inOrder(tcpAbuseRows, others(), own(), udp().Percent(), float64(descriptors), float64(memory)/1e6)
}

// askTCP asks ten times a second over a connection of its own. What it returns
// waits for the end and returns the share that was answered.
func (s *site) askTCP(t *testing.T, from string, length time.Duration) (percent func() float64) {
	t.Helper()
	const pause = 100 * time.Millisecond
	count := int(length / pause)
	var answered atomic.Int64
	var asking sync.WaitGroup
	asking.Go(func() {
		for range count {
			asking.Go(func() {
				if s.answersTCP(t, from) {
					answered.Add(1)
				}
			})
			time.Sleep(pause)
		}
	})
	return func() float64 {
		asking.Wait()
		return 100 * float64(answered.Load()) / float64(count)
	}
}

// answersTCP reports whether an answer comes in a stub resolver's time.
func (s *site) answersTCP(t *testing.T, from string) bool {
	const timeout = 5 * time.Second
	local := &net.TCPAddr{IP: netip.MustParseAddr(from).AsSlice()}
	client := &dns.Client{Net: "tcp", Timeout: timeout, Dialer: &net.Dialer{LocalAddr: local, Timeout: timeout}}
	var conn *dns.Conn
	var err error
	s.Corporate.Do(t, func() { conn, err = client.Dial(lab.ForwarderA + ":53") })
	if err != nil {
		return false
	}
	defer conn.Close()
	reply, _, err := client.ExchangeWithConn(new(dns.Msg).SetQuestion("myservice.awslab.mycompany.corp.", dns.TypeA), conn)
	return err == nil && len(reply.Answer) > 0
}
