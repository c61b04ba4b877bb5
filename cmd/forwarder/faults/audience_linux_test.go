package faults

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// audience asks everywhere where an answer matters, all the time: at both
// forwarders, at each corporate server, and as a program behind each of these.
type audience struct {
	names  []string
	focus  atomic.Int64 // the number of the name that most questions are for
	places []*place
}

// place is where an audience asks.
type place struct {
	kind    kind
	name    string
	address string // of the server that answers, "" for programs
	stop    func()
	wait    func() lab.Answers
}

// kind is what asks or answers at a place.
type kind int

const (
	atForwarder kind = iota
	atCorporate
	atGlibc
)

// askRate is how many questions a second a place has; two of three are for the
// name in focus.
const askRate = 60

// gather starts the audience, behind corporate servers that run, and waits until
// it has an answer for each name.
func (s *site) gather(t *testing.T, names ...string) *audience {
	t.Helper()
	a := &audience{names: names}
	a.server(t, s, atForwarder, "forwarder a", lab.ForwarderA)
	a.server(t, s, atForwarder, "forwarder b", lab.ForwarderB)
	stub := lab.BuildStub(t)
	a.program(t, s, stub, "the pair", lab.ForwarderA, lab.ForwarderB)
	for _, c := range lab.CorporateDNS {
		a.server(t, s, atCorporate, "corporate "+c.Name, c.Address)
		a.program(t, s, stub, "corporate "+c.Name, c.Address)
	}
	return a
}

// server asks a server over UDP.
func (a *audience) server(t *testing.T, s *site, k kind, name, address string) {
	t.Helper()
	load := lab.Load{
		From: s.Corporate, Servers: []string{address}, Rate: askRate, For: time.Hour,
		Clients: 1, Timeout: time.Second, Tries: 2, Name: a.next,
	}
	wait, stop := load.Start(t)
	a.places = append(a.places, &place{k, name, address, stop, wait})
}

// program asks glibc's resolver, whose resolv.conf has these servers.
func (a *audience) program(t *testing.T, s *site, stub, name string, servers ...string) {
	t.Helper()
	conf := "options timeout:1\n"
	for _, server := range servers {
		conf += fmt.Sprintf("nameserver %s\n", server)
	}
	wait, stop := s.Corporate.StartStub(t, stub, conf).Start(t, askRate, a.next)
	a.places = append(a.places, &place{atGlibc, "glibc behind " + name, "", stop, wait})
}

// next is the i-th question's name.
func (a *audience) next(i int) string {
	if i%3 == 0 {
		return a.names[i/3%len(a.names)]
	}
	return a.names[a.focus.Load()]
}

// leave ends the questions, and returns what was answered by place.
func (a *audience) leave() map[*place]lab.Answers {
	for _, p := range a.places {
		p.stop()
	}
	answers := map[*place]lab.Answers{}
	for _, p := range a.places {
		answers[p] = p.wait()
	}
	return answers
}
