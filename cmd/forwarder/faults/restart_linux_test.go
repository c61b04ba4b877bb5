package faults

import (
	"syscall"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

var restart = scenario{name: "restart", rows: restartRows, run: runRestart}

var restartRows = []row{
	{"reload at 1000 q/s: lost", "", atMost(0)},
	{"restart at 1000 q/s: lost", "", atMost(0)},
}

func runRestart(t *testing.T, s *site) figures {
	start := func() *lab.Process { return s.start(t, "") }
	if s.ours() {
		m := newManager(t)
		start = func() *lab.Process { return m.start(t, s) }
	}
	p := start()
	reload, restart := restartRows[0].title, restartRows[1].title
	found := figures{}
	if signal, ok := reloads[s.server.Name]; ok {
		found[reload] = s.lostWhile(t, func() { p.Signal(t, signal) })
	}
	found[restart] = s.lostWhile(t, func() {
		p.Signal(t, syscall.SIGTERM)
		<-p.Exited
		start()
	})
	return found
}

// reloads are the signals that make servers read their configuration anew; a
// dnsdist cannot.
var reloads = map[string]syscall.Signal{
	"forwarder": syscall.SIGHUP,
	"named":     syscall.SIGHUP,
	"unbound":   syscall.SIGHUP,
	"coredns":   syscall.SIGUSR1,
	"dnsmasq":   syscall.SIGHUP,
}

// lostWhile returns how many of 1000 queries a second got no answer when f was
// called.
func (s *site) lostWhile(t *testing.T, f func()) float64 {
	t.Helper()
	load := s.hotNames(3 * time.Second)
	load.Rate, load.Timeout = 1000, 10*time.Second // lost is what never comes
	wait, _ := load.Start(t)
	time.Sleep(time.Second)
	f()
	return float64(len(wait().Failed()))
}
