// Package doctor looks at the machine on which a forwarder runs, or is to run: at
// what it needs of the kernel, the network and the servers that it forwards to. It
// changes nothing, and asks each server a few questions.
package doctor

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"vpcdns/forwarder/config"
)

// State is how grave a finding is.
type State int

// The states, in order. What cannot be seen (by this user, on this system) is no
// problem, but no reason for calm either.
const (
	OK State = iota
	Unseen
	Warning
	Problem
)

// String is the state as it is printed.
func (s State) String() string { return [...]string{"ok", "unseen", "warning", "PROBLEM"}[s] }

// MarshalText is String in lower case.
func (s State) MarshalText() ([]byte, error) {
	return []byte([...]string{"ok", "unseen", "warning", "problem"}[s]), nil
}

// Finding is what a check has seen.
type Finding struct {
	Check  string `json:"check"`
	State  State  `json:"state"`
	Seen   string `json:"seen"`
	Remedy string `json:"remedy,omitempty"`
}

// Machine is what the checks need to know beforehand.
type Machine struct {
	Config      *config.Config
	Addresses   []netip.AddrPort // that the configuration serves on this host
	Metrics     netip.AddrPort   // the zero value: none
	Descriptors int              // that may be needed

	// Holders tells which processes, other than this one, keep us from an address:
	// "UDP 127.0.0.1#53 is taken by named (pid 812)".
	Holders func(netip.AddrPort) []string
}

// check looks at one thing. It ends with its context.
type check struct {
	name string
	look func(ctx context.Context, m *Machine, r *report)
}

// report gathers the findings of one check.
type report struct {
	check    string
	findings []Finding
}

func (r *report) add(s State, remedy, seen string, args ...any) {
	r.findings = append(r.findings, Finding{Check: r.check, State: s, Seen: fmt.Sprintf(seen, args...), Remedy: remedy})
}

func (r *report) ok(seen string, args ...any) { r.add(OK, "", seen, args...) }

// checks are all, in the order in which they are told.
var checks = []check{
	{"addresses", checkAddresses},
	{"stub resolver", checkStub},
	{"other ports", checkOtherPorts},
	{"IPv6 addresses", checkIPv6},
	{"upstream", checkUpstreams},
	{"zone", checkZones},
	{"loop", checkLoop},
	{"source address", checkSource},
	{"datagram size", checkSize},
	{"receive buffer", checkBuffers},
	{"listen queue", checkListenQueue},
	{"connection tracking", checkTracking},
	{"EC2 allowances", checkAllowances},
	{"clock", checkClock},
	{"open files", checkFiles},
	{"memory", checkMemory},
}

// limit is how long all checks may take together.
const limit = 9 * time.Second

// Examine makes all checks at once, and returns what they have found, in a fixed
// order. A check that hangs, in a file system, say, is left behind after ten
// seconds, and that is a finding.
func Examine(ctx context.Context, m *Machine) []Finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	results := make([]chan []Finding, len(checks))
	for i, c := range checks {
		results[i] = make(chan []Finding, 1)
		go func() {
			r := &report{check: c.name}
			c.look(ctx, m, r)
			results[i] <- r.findings
		}()
	}
	late := time.After(limit + time.Second)
	var all []Finding
	for i, c := range checks {
		select {
		case list := <-results[i]:
			all = append(all, list...)
		case <-late:
			late = time.After(0)
			all = append(all, Finding{c.name, Unseen, "the check did not end in time", "look for what hangs: a file system, a driver"})
		}
	}
	return all
}

// Worst is the gravest state of a list.
func Worst(list []Finding) State {
	worst := OK
	for _, f := range list {
		worst = max(worst, f.State)
	}
	return worst
}

// Write writes a line for each finding: its state, the check, what was seen, and
// what to do.
func Write(w io.Writer, list []Finding) {
	for _, f := range list {
		line := fmt.Sprintf("%-7v  %-19s  %s", f.State, f.Check, f.Seen)
		if f.Remedy != "" {
			line += ": " + f.Remedy
		}
		fmt.Fprintln(w, line)
	}
}
