package faults

import (
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// excess is one client that asks for too much. Figures are of cold names, of
// another domain than those that it asks for.
type excess struct {
	title  string
	below  string // the domain of the names
	rate   int    // of names, each second
	copies int    // of each query
}

const silentDomain = "silent.awslab.mycompany.corp."

var fair = excesses("random names",
	excess{"one client asks 2000 random names/s, upstream takes 1024 packets/s", "awslab.mycompany.corp.", 2000, 1},
	excess{"one client asks 2000 random names/s, each twice", "awslab.mycompany.corp.", 2000, 2},
)

var silent = excesses("silent names",
	excess{"one client asks 100 names/s about which upstream is silent", silentDomain, 100, 1},
	excess{"one client asks 200 names/s about which upstream is silent", silentDomain, 200, 1},
	excess{"one client asks 400 names/s about which upstream is silent", silentDomain, 400, 1},
)

// excesses makes a scenario of clients each of which has a server of its own.
func excesses(name string, all ...excess) scenario {
	sc := scenario{name: name}
	for _, e := range all {
		sc.rows = append(sc.rows, e.rows()...)
	}
	sc.run = func(t *testing.T, s *site) figures {
		s.vpc.SetFaults(".", vpcresolver.Faults{PPS: vpcLimit})
		s.vpc.SetFaults(silentDomain, vpcresolver.Faults{PPS: vpcLimit, Drop: 1})
		var values []float64
		for _, e := range all {
			others, own := e.run(t, s)
			values = append(values, others.Percent(), milliseconds(others.Quantile(0.5)), own.Percent())
		}
		return inOrder(sc.rows, values...)
	}
	return sc
}

func (e excess) rows() []row {
	return []row{
		{e.title + ": others' cold names answered", "%", atLeast(100).give(0.5)},
		{e.title + ": p50 of these", "ms", atMost(20).give(50)},
		{e.title + ": cold names from its own address answered", "%", limit{}},
	}
}

// run returns how others fared, and who asks from the same address.
func (e excess) run(t *testing.T, s *site) (others, own lab.Answers) {
	t.Helper()
	const length = 6 * time.Second
	p := s.start(t, "")
	defer p.Kill() // what is under way has seconds yet
	known := s.coldFrom(honest, "others", beforehand+length)
	otherwise, _ := known.Start(t)
	time.Sleep(beforehand)
	begun := time.Now()
	beside, _ := s.coldFrom(abusive, "own", length).Start(t)
	f := s.newFlooder(t, e.below)
	f.copies = e.copies
	f.run(e.rate, length)
	return otherwise().Between(begun, begun.Add(length)), beside()
}

// beforehand is how long a client asks before it is left in peace or not: for its
// own turn it must be known.
const beforehand = 4 * time.Second

// coldFrom asks for names that nobody has asked for, from an address.
func (s *site) coldFrom(source, label string, length time.Duration) lab.Load {
	l := s.newNames(label, 50, length)
	l.Source = source
	return l
}
