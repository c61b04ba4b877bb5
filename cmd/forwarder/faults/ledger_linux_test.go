package faults

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/workbench"
)

// ledger is what the forwarders promise about the clients that they gave the old
// address, for some seconds, with all their caches.
var ledger = scenario{name: "ledger", rows: ledgerRows, run: runLedger, steady: true}

var ledgerRows = []row{
	{"name of --watch-ttl 5 overridden: a client holds the old address after the moment that the ledger promised", "s", atMost(0).give(1)},
	{"the same: the ledger's moment is later than that of the last client by", "s", atMost(2).give(2)},
}

func runLedger(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	const name = "held.awslab.mycompany.corp."
	s.set(t, oldAddress, name)
	s.flags = []string{"--watch-ttl", "5"}
	s.startWatching(t, name)
	audience := s.gather(t, name)
	time.Sleep(ttl)
	s.overriding(t)(name, newAddress)
	a, b := s.promise(t, lab.ForwarderA, name), s.promise(t, lab.ForwarderB, name)
	time.Sleep(ttl)
	return inOrder(ledgerRows, s.kept(t, heldUntil(audience.leave()), a.Until, b.Until)...)
}

// kept returns for how many seconds a client held the old address longer than
// promised, and by how many the promise was too late for all.
func (s *site) kept(t *testing.T, held map[string]time.Time, a, b time.Time) []float64 {
	t.Helper()
	beyond, last := 0.0, time.Time{}
	for place, until := range held {
		promise, own := map[string]time.Time{"forwarder a": a, "forwarder b": b}[place]
		if !own {
			promise = later(a, b)
		}
		t.Logf("%-30s held the old address until %.3f s before the ledger's moment", place, promise.Sub(until).Seconds())
		beyond = max(beyond, until.Sub(promise).Seconds())
		last = later(last, until)
	}
	return []float64{beyond, later(a, b).Sub(last).Seconds()}
}

// promise is what the ledger of a forwarder says about the old address.
func (s *site) promise(t *testing.T, address, name string) watch.LedgerStatus {
	t.Helper()
	var status watch.Status
	rndc := exec.Command(workbench.Need(t, "rndc"), "-k", lab.WriteKey(t), "-s", address, "watch", "show", name, "json")
	_, out, errs := s.Application.Run(t, rndc)
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("reading what the watch says: %v\n%s%s", err, out, errs)
	}
	i := slices.IndexFunc(status.Ledger, func(l watch.LedgerStatus) bool { return slices.Equal(l.Data, []string{oldAddress.String()}) })
	if i < 0 {
		t.Fatalf("the ledger has nothing about %v:\n%s", oldAddress, out)
	}
	if status.Ledger[i].Clients == 0 {
		t.Errorf("the ledger knows no client of %s", address)
	}
	return status.Ledger[i]
}

// heldUntil returns by place until when a client there may use the old address.
func heldUntil(answers map[*place]lab.Answers) map[string]time.Time {
	held := map[string]time.Time{}
	for p, answers := range answers {
		for _, a := range answers {
			if a.Address == oldAddress {
				held[p.name] = later(held[p.name], a.Sent.Add(a.TTL))
			}
		}
	}
	return held
}
