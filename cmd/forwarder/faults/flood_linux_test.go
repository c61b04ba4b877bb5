package faults

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

var flood = scenario{name: "flood", rows: floodRows, run: runFlood, heavy: true}

var floodRows = []row{
	{"random names at 5 k q/s, upstream takes 1024 packets/s: names of TTL 10 answered", "%", atLeast(99.9).give(2)},
	{"the same: memory", "MB", atMost(60)},
	{"the same at 50 k q/s: answered", "%", atLeast(99.9).give(20)},
	{"the same at 50 k q/s: memory", "MB", atMost(120)},
}

func runFlood(t *testing.T, s *site) figures {
	s.vpc.SetFaults(".", vpcresolver.Faults{PPS: vpcLimit})
	p := s.start(t, "")
	answered, memory := s.flood(t, p, 5_000, 12*time.Second)
	if !s.ours() {
		return inOrder(floodRows, answered, memory)
	}
	answered50, memory50 := s.flood(t, p, 50_000, 3*time.Second)
	return inOrder(floodRows, answered, memory, answered50, memory50)
}

// flood asks for random names, and returns how many queries for well-known ones
// were answered meanwhile, and the most memory that the server held.
func (s *site) flood(t *testing.T, p *lab.Process, rate int, length time.Duration) (percent, megabytes float64) {
	t.Helper()
	const before = time.Second // the names are known by then
	hot, _ := s.hotNames(before + length).Start(t)
	time.Sleep(before)
	begun := time.Now()
	f := s.newFlooder(t)
	var flooding sync.WaitGroup
	flooding.Go(func() { f.run(rate, length) })
	most := 0
	for time.Since(begun) < length {
		most = max(most, p.Resident(t))
		time.Sleep(100 * time.Millisecond)
	}
	flooding.Wait()
	return hot().Between(begun, begun.Add(length)).Percent(), float64(most) / 1e6
}

// flooder asks for random names below the zone, and does not listen.
type flooder struct {
	conns []*net.UDPConn
	query []byte
}

const randomLabel = 12

func (s *site) newFlooder(t *testing.T) *flooder {
	t.Helper()
	const clients = 16
	name := "aaaaaaaaaaaa.awslab.mycompany.corp." // as long as randomLabel
	query, err := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false).Pack()
	if err != nil {
		t.Fatal(err)
	}
	f := &flooder{query: query}
	server := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(lab.ForwarderA + ":53"))
	s.Corporate.Do(t, func() {
		for range clients {
			conn, err := net.DialUDP("udp", nil, server)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			f.conns = append(f.conns, conn)
		}
	})
	return f
}

func (f *flooder) run(rate int, length time.Duration) {
	begun := time.Now()
	for sent := 0; ; {
		elapsed := time.Since(begun)
		for due := int(elapsed.Seconds() * float64(rate)); sent < due; sent++ {
			f.ask(f.conns[sent%len(f.conns)])
		}
		if elapsed >= length {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *flooder) ask(conn *net.UDPConn) {
	const headerAndLength = 12 + 1
	f.query[0], f.query[1] = byte(rand.Uint32()), byte(rand.Uint32())
	for i := range randomLabel {
		f.query[headerAndLength+i] = 'a' + byte(rand.IntN(26))
	}
	_, _ = conn.Write(f.query)
}
