package faults

import (
	"math/rand/v2"
	"net"
	"strings"
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
	f := s.newFlooder(t, "awslab.mycompany.corp.")
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

// flooder asks for names with a label of randomLabel letters, random ones unless
// it is told others, and does not listen.
type flooder struct {
	conns  []*net.UDPConn
	query  []byte
	copies int                  // of each query
	label  func(letters []byte) // fills in the next name's
}

const randomLabel = 12

// newFlooder makes one that asks for names below a domain.
func (s *site) newFlooder(t *testing.T, below string) *flooder {
	t.Helper()
	const clients = 16
	name := strings.Repeat("a", randomLabel) + "." + below
	query, err := new(dns.Msg).SetQuestion(name, dns.TypeA).SetEdns0(1232, false).Pack()
	if err != nil {
		t.Fatal(err)
	}
	f := &flooder{query: query, copies: 1, label: randomLetters}
	s.Corporate.Do(t, func() {
		for range clients {
			conn, err := lab.DialUDP(abusive, lab.ForwarderA)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			f.conns = append(f.conns, conn)
		}
	})
	return f
}

func randomLetters(letters []byte) {
	for i := range letters {
		letters[i] = 'a' + byte(rand.IntN(26))
	}
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
	f.label(f.query[headerAndLength:][:randomLabel])
	for range f.copies {
		f.query[0], f.query[1] = byte(rand.Uint32()), byte(rand.Uint32())
		_, _ = conn.Write(f.query)
	}
}
