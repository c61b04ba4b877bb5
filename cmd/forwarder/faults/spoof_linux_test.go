package faults

import (
	"context"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

var spoof = scenario{name: "spoof", rows: spoofRows, run: runSpoof}

var spoofRows = []row{
	{"source ports in 2000 cold queries at 200 q/s", "", atLeast(1900)},
	{"source ports in use within a second at 4000 cold q/s, without a packet budget", "", atLeast(16).give(8)},
	{"wrong IDs arrive: asked again from another port or over TCP", "%", atLeast(100)},
	{"the same: answered rightly", "%", atLeast(100)},
	{"600 k forged answers while upstream is silent for 10 s: taken, ports unknown", "", atMost(0)},
	{"the same: taken, ports known", "", atMost(0).give(2)}, // four guesses a socket: more sockets wait where the machine is busy
}

func runSpoof(t *testing.T, s *site) figures {
	w := tap(t, s.Network, s.vpc)
	a := &attack{site: s, tap: w, forger: newForger(t, s.Resolver, lab.ResolverAlso)}
	crowded := a.crowded(t)
	s.ForwarderA.Serve(t, s.server, throughTap)
	ports := a.ports(t)
	moved, right := a.moved(t)
	blind := a.taken(t, "blind", func(sighting) uint16 { return ephemeral() })
	known := a.taken(t, "known", func(s sighting) uint16 { return s.from.Port() })
	return inOrder(spoofRows, ports, crowded, moved, right, blind, known)
}

// attack is on a forwarder that asks through a wiretap.
type attack struct {
	*site
	tap    *wiretap
	forger *forger
}

// throughTap makes a server ask at the upstream's other address.
var throughTap = lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.ResolverAlso}}

// crowded returns the fewest ports that a second's questions came from.
func (a *attack) crowded(t *testing.T) float64 {
	t.Helper()
	const length = 3 * time.Second
	line := a.server.CommandLine(t, throughTap)
	if a.ours() {
		line = append(line, "--upstream-pps=0")
	}
	p := a.ForwarderA.Start(t, a.server.Name, lab.Command(t, nil, "", line...), lab.ForwarderA)
	begun := time.Now()
	a.newNames("crowd", 4000, length).Run(context.Background(), t)
	fewest := math.MaxInt
	for at := begun; at.Before(begun.Add(length)); at = at.Add(time.Second) {
		seen := a.tap.since(at)
		until, _ := slices.BinarySearchFunc(seen, at.Add(time.Second), func(s sighting, t time.Time) int { return s.at.Compare(t) })
		fewest = min(fewest, distinctPorts(seen[:until]))
	}
	p.End(t)
	return float64(fewest)
}

// ports counts the ports that 2000 questions came from.
func (a *attack) ports(t *testing.T) float64 {
	t.Helper()
	begun := time.Now()
	all := a.newNames("ports", 200, 10*time.Second).Run(context.Background(), t)
	seen := a.tap.since(begun)
	return float64(distinctPorts(seen[:min(len(all), len(seen))])) // a busy machine makes for retries
}

func distinctPorts(seen []sighting) int {
	ports := map[uint16]bool{}
	for _, s := range seen {
		ports[s.from.Port()] = true
	}
	return len(ports)
}

// moved answers each question at once with a handful of wrong IDs, and returns
// the shares of those that were asked over TCP or from another port before the
// right answer could come, and that were answered rightly.
func (a *attack) moved(t *testing.T) (moved, right float64) {
	t.Helper()
	const delay, rate, length = time.Second, 20, 2 * time.Second
	a.vpc.SetFaults("cold.awslab.mycompany.corp.", vpcresolver.Faults{Delay: delay})
	defer a.vpc.SetFaults("cold.awslab.mycompany.corp.", vpcresolver.Faults{})
	a.newNames("calm", rate, length).Run(context.Background(), t) // the round trip time is learned
	begun := time.Now()
	a.tap.react(func(s sighting) { a.forger.annoy(t, s) })
	defer a.tap.react(nil)
	all := a.newNames("wrong", rate, length).Run(context.Background(), t)
	taken := len(all.Where(isForged))
	each := 100 / float64(len(all))
	return each * float64(elsewhere(a.tap.since(begun), delay/2)), all.Percent() - each*float64(taken)
}

// elsewhere counts the names that were asked for over TCP, or from a second
// port within the time.
func elsewhere(seen []sighting, within time.Duration) (names int) {
	first, moved := map[string]sighting{}, map[string]bool{}
	for _, s := range seen {
		f, again := first[s.name]
		if !again {
			first[s.name], f = s, s
		}
		if s.tcp || s.from != f.from && s.at.Sub(f.at) < within {
			moved[s.name] = true
		}
	}
	return len(moved)
}

// Forged answers, and the time in which upstream says nothing.
const (
	forgeries = 600_000
	silence   = 10 * time.Second
)

// taken asks for new names while upstream is silent and the forger is not, and
// returns how many forgeries reached a client.
func (a *attack) taken(t *testing.T, label string, port func(sighting) uint16) float64 {
	t.Helper()
	a.vpc.SetFaults("cold.awslab.mycompany.corp.", vpcresolver.Faults{Delay: silence})
	defer a.vpc.SetFaults("cold.awslab.mycompany.corp.", vpcresolver.Faults{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.forge(t, port, func(sighting) bool { return true })
	}()
	all := a.newNames(label, 200, silence).Run(context.Background(), t)
	<-done
	return float64(len(all.Where(isForged)))
}

func isForged(a lab.Answer) bool { return a.Address == forgedAddress }

// forge spreads the forgeries over the silence. Each is for a question of the
// last second, one of those that are wanted.
func (a *attack) forge(t *testing.T, port func(sighting) uint16, wanted func(sighting) bool) {
	datagrams := map[string][]byte{}
	begun := time.Now()
	for sent := 0; sent < forgeries; {
		time.Sleep(time.Millisecond)
		open := slices.DeleteFunc(slices.Clone(a.tap.since(time.Now().Add(-time.Second))), func(s sighting) bool { return !wanted(s) })
		due := int(forgeries * min(1, time.Since(begun).Seconds()/silence.Seconds()))
		for ; sent < due; sent++ {
			if len(open) == 0 {
				continue
			}
			s := open[rand.IntN(len(open))]
			if datagrams[s.name] == nil {
				datagrams[s.name] = forgery(t, s.name)
			}
			a.forger.send(datagrams[s.name], netip.AddrPortFrom(s.from.Addr(), port(s)), guess())
		}
	}
}
