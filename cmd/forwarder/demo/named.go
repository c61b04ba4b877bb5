package demo

import (
	_ "embed"
	"encoding/json"
	"sync"
	"time"
)

// figure is one of named's in the fault table (cmd/forwarder/faults): its row, and
// the scenario that this belongs to.
type figure struct{ scenario, row string }

// The figures that the demo tells.
var (
	ttlAtPair    = figure{"failover", "TTL 10 name switched: new address at both forwarders after"}
	ttlBehind    = figure{"failover", "the same: new address behind a corporate named after"}
	switchAtPair = figure{"switch", "`failover switch`, Route 53 takes 40 s, the resolver flaps for 30: new address at both forwarders after"}
	switchBehind = figure{"switch", "the same: behind corporate named, unbound, dnsmasq after"}
	zoneFailed   = figure{"zone", "a forwarder's AZ cut for 8 s, later its process killed: lookups failed behind corporate DNS"}
	zoneNamed    = figure{"zone", "the same: slowest lookup behind a corporate named"}
	zoneUnbound  = figure{"zone", "the same: slowest lookup behind a corporate unbound"}
	outageCold   = figure{"outage", "the same: SERVFAIL for cold names after"}
	outageReturn = figure{"outage", "upstream dead 15 s: TTL 10 names all answered after its return within"}
	figures      = []figure{ttlAtPair, ttlBehind, switchAtPair, switchBehind, zoneFailed, zoneNamed, zoneUnbound, outageCold, outageReturn}
)

// tableText is what of the table these are. A test holds it to the table.
//
//go:embed named.json
var tableText []byte

// faultTable is a part of the fault table.
type faultTable struct {
	Version string                        // of named
	Figures map[string]map[string]float64 // by scenario and row
}

var table = sync.OnceValue(func() (t faultTable) {
	if err := json.Unmarshal(tableText, &t); err != nil {
		panic(err) // it is a part of the program
	}
	return t
})

func (f figure) value() float64 { return table().Figures[f.scenario][f.row] }

// seconds is a figure that is a time.
func (f figure) seconds() string { return brief(time.Duration(f.value() * float64(time.Second))) }
