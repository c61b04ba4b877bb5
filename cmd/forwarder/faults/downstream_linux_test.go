package faults

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// downstreams are the servers and programs of deploy/corporate.md, each of them
// twice: as that page says, and as it comes. They ask for names all the time.
type downstreams struct {
	*site
	stub   string // lab.BuildStub's
	name   atomic.Pointer[func(i int) string]
	places []*place
}

// asItComes ends the names of places that are not as deploy/corporate.md says.
const asItComes = ", as it comes"

// downstreamNames are in the order of the page.
func downstreamNames() (names []string) {
	for _, s := range lab.Downstream {
		names = append(names, s.Name)
	}
	return append(names, "glibc", "JVM", "nscd")
}

// downstreamRate is how many questions a second each place has.
const downstreamRate = 40

// startDownstreams starts all of them, and asks them and both forwarders for the
// names that f gives.
func (s *site) startDownstreams(t *testing.T, f func(i int) string) *downstreams {
	t.Helper()
	d := &downstreams{site: s, stub: lab.BuildStub(t)}
	d.name.Store(&f)
	d.server(t, atForwarder, "forwarder a", lab.ForwarderA)
	d.server(t, atForwarder, "forwarder b", lab.ForwarderB)
	page, plain := lab.Snippets(t), lab.PlainSnippets(t)
	for i, server := range lab.Downstream {
		d.start(t, server, "", fmt.Sprintf("10.20.1.%d", i+1), page)
		d.start(t, server, asItComes, fmt.Sprintf("10.20.2.%d", i+1), plain)
	}
	conf := page["resolv.conf"]
	d.program(t, "glibc", s.Corporate.StartStub(t, d.stub, conf))
	d.program(t, "glibc"+asItComes, s.Corporate.StartStub(t, d.stub, plain["resolv.conf"]))
	d.program(t, "JVM", s.Corporate.StartJVM(t, conf, page["jvm"]))
	d.program(t, "JVM"+asItComes, s.Corporate.StartJVM(t, conf, plain["jvm"]))
	d.program(t, "nscd", s.Corporate.StartNSCD(t, d.stub, conf, page["nscd"]))
	d.program(t, "nscd"+asItComes, s.Corporate.StartNSCD(t, d.stub, conf, plain["nscd"]))
	return d
}

// start starts a server at an address of its own.
func (d *downstreams) start(t *testing.T, server lab.Server, way, address string, snippets map[string]string) {
	t.Helper()
	d.Corporate.IP(t, "addr add "+address+"/16 dev eth0")
	d.Corporate.Serve(t, server, lab.Setup{Address: address, Snippets: snippets})
	d.server(t, atCorporate, server.Name+way, address)
}

// server asks a server as glibc does that has no other.
func (d *downstreams) server(t *testing.T, k kind, name, address string) {
	t.Helper()
	load := lab.Load{From: d.Corporate, Servers: []string{address}, Rate: downstreamRate, For: time.Hour, Clients: 1, Tries: 2, Name: d.next}
	wait, stop := load.Start(t)
	d.places = append(d.places, &place{k, name, address, stop, wait})
}

// program asks a program, once it is there.
func (d *downstreams) program(t *testing.T, name string, stub *lab.Stub) {
	t.Helper()
	stub.Await(t, name, d.next(0))
	wait, stop := stub.Start(t, downstreamRate, d.next)
	d.places = append(d.places, &place{atGlibc, name, "", stop, wait})
}

func (d *downstreams) next(i int) string { return (*d.name.Load())(i) }

// ask has other names asked for from now on.
func (d *downstreams) ask(f func(i int) string) { d.name.Store(&f) }

// leave ends the questions, and returns what was answered by place.
func (d *downstreams) leave() map[*place]lab.Answers {
	return (&audience{places: d.places}).leave()
}

// asThePageSays reports whether the place is what deploy/corporate.md makes of it.
func (p *place) asThePageSays() bool {
	return p.kind != atForwarder && !strings.HasSuffix(p.name, asItComes)
}
