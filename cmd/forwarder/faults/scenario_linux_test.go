package faults

import (
	"math"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// A scenario makes a fault and measures what it does to clients.
type scenario struct {
	name   string
	rows   []row // of the table, in its order
	apart  []row // of another table
	run    func(*testing.T, *site) figures
	heavy  bool // loads the machine so much that nothing else may run
	steady bool // has something to say on a machine that is busy with other things, too
}

// scenarios are in the order of the table.
var scenarios = []scenario{
	failover, eagerFailover, switched, switchedBack, told, half, overridden, thereAndBack, probed, spreading, flapping, killed, ledger, questions,
	zoneLost, corporate, outage, staleOutage,
	loss1, loss5, loss20, slow1500, slow2500, jumbled, deadOne,
	throttle, herd, zeroTTL, missing, flood, fair, silent, brief,
	unsound, oneAnswer, inOrderly, hanging, copies, frames, spoof, portsBeside, wrongAnswers, victim, tcpAbuse, restart, fleet,
}

// row is one figure, and what the forwarder must reach.
type row struct {
	title, unit string
	limit       limit
}

// inUnit returns a time in the row's unit, 0 if that is none of time.
func (r row) inUnit(d time.Duration) float64 {
	switch r.unit {
	case "s":
		return d.Seconds()
	case "ms":
		return milliseconds(d)
	}
	return 0
}

// figures are by title. A row is left out where it means nothing for a server.
type figures map[string]float64

// never is the figure of what did not happen while there was time for it.
var never = math.Inf(1)

// limit is a bound of a figure. The zero value bounds nothing.
type limit struct {
	sign  string // "≤" or "≥"
	value float64
	slack float64 // that a busy machine may add
}

func atMost(v float64) limit  { return limit{sign: "≤", value: v} }
func atLeast(v float64) limit { return limit{sign: "≥", value: v} }

// give allows a test on a busy machine that much more.
func (l limit) give(slack float64) limit {
	l.slack = slack
	return l
}

// holds reports whether v, as it is shown, is within the limit.
func (l limit) holds(v float64) bool {
	switch l.sign {
	case "≤":
		return v <= l.value+l.slack
	case "≥":
		return v >= l.value-l.slack
	}
	return true
}

// site is where a scenario happens: the network, its VPC resolver, and the
// server, which does not run yet.
type site struct {
	*lab.Network
	vpc    *vpcresolver.Resolver
	server lab.Server
	flags  []string // of ours, more than it needs

	failover func() string // path of the program
}

func newSite(t *testing.T, server lab.Server) *site {
	t.Helper()
	network := lab.NewNetwork(t)
	return &site{Network: network, vpc: network.StartResolver(t), server: server}
}

// ours reports whether the server is the one under test.
func (s *site) ours() bool { return s.server.Name == "forwarder" }

// readsNamedConf reports whether the server knows options of named.conf.
func (s *site) readsNamedConf() bool { return s.ours() || s.server.Name == "named" }

// start starts the server as forwarder a, with options of named.conf.
func (s *site) start(t *testing.T, options string) *lab.Process {
	t.Helper()
	return s.ForwarderA.Serve(t, s.server, setup(lab.ForwarderA, options))
}

// startPair starts both forwarders.
func (s *site) startPair(t *testing.T, options string) (a, b *lab.Process) {
	t.Helper()
	return s.start(t, options), s.ForwarderB.Serve(t, s.server, setup(lab.ForwarderB, options))
}

func setup(address, options string) lab.Setup {
	return lab.Setup{Address: address, Upstreams: []string{lab.Resolver}, Options: options}
}
