package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// Who holds a port, by the name of its process.
const (
	isNamed     = "named"
	isForwarder = "forwarder"
	isResolved  = "systemd-resolve"
)

// checkAddresses tells who has the addresses that are to be served.
func checkAddresses(_ context.Context, m *Machine, r *report) {
	if len(m.Addresses) == 0 {
		r.add(Problem, "correct listen-on, or wait for the interface", "listen-on matches no address of this host")
		return
	}
	var free, taken []string
	for _, a := range m.Addresses {
		if list := m.Holders(a); len(list) > 0 {
			taken = append(taken, list...)
		} else {
			free = append(free, host.Address(a))
		}
	}
	if len(free) > 0 {
		r.ok("free for UDP and TCP: %s", some(free))
	}
	slices.Sort(taken)
	for _, line := range slices.Compact(taken) {
		state, remedy := holderState(line)
		r.add(state, remedy, "%s", line)
	}
}

// some shows the first of a list.
func some(list []string) string {
	const most = 6
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// holderState is how bad it is that a process has a port of ours.
func holderState(line string) (State, string) {
	switch _, who, _ := strings.Cut(line, " is taken by "); {
	case strings.HasPrefix(who, isForwarder):
		return OK, ""
	case strings.HasPrefix(who, isNamed):
		return Warning, "systemctl disable --now named, when the forwarder is to take its place; until then try it with --listen"
	case strings.HasPrefix(who, isResolved):
		return Problem, "DNSStubListener=no in /etc/systemd/resolved.conf.d/forwarder.conf below [Resolve], then systemctl restart systemd-resolved"
	case strings.HasPrefix(who, "a process"), strings.HasPrefix(who, "control group"):
		return Unseen, "run this as root to see whose it is"
	}
	return Problem, "stop it, or leave the address out of listen-on"
}

// stub is where systemd-resolved serves the programs of its host.
var stub = netip.MustParseAddrPort("127.0.0.53:53")

// checkStub tells of systemd-resolved: it is in nobody's way unless its address is
// served or asked.
func checkStub(_ context.Context, m *Machine, r *report) {
	held := m.Holders(stub)
	switch {
	case slices.ContainsFunc(servers(m.Config), func(a netip.AddrPort) bool { return a == stub }):
		r.add(Problem, "forward to the VPC resolver itself, its base address + 2", "%s is forwarded to: it may ask this forwarder in turn", host.Address(stub))
	case len(held) == 0:
		r.ok("nobody has %s", host.Address(stub))
	case slices.Contains(m.Addresses, stub):
		// checkAddresses tells
	default:
		r.ok("%s; it is not in the way", held[0])
	}
}

// servers are all that the configuration forwards to, each once.
func servers(cfg *config.Config) (list []netip.AddrPort) {
	for _, z := range cfg.Zones {
		list = append(list, z.Forwarders...)
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return slices.Compact(list)
}

// checkOtherPorts tells who has the ports of rndc and of the metrics.
func checkOtherPorts(_ context.Context, m *Machine, r *report) {
	var ports []netip.AddrPort
	for _, c := range m.Config.Controls {
		ports = append(ports, c.Addr)
	}
	if m.Config.NoControls {
		for _, c := range config.DefaultControls() {
			ports = append(ports, c.Addr)
		}
	}
	if m.Metrics.IsValid() {
		ports = append(ports, m.Metrics)
	}
	var free []string
	for _, a := range ports {
		lines := slices.DeleteFunc(m.Holders(a), func(s string) bool { return !strings.HasPrefix(s, "TCP ") })
		for _, line := range lines {
			state, remedy := holderState(line)
			if state > Unseen {
				state, remedy = Warning, "stop it before the forwarder is started, or choose another port: controls { } for rndc, --metrics-address for metrics"
			}
			r.add(state, remedy, "%s", line)
		}
		if len(lines) == 0 {
			free = append(free, host.Address(a))
		}
	}
	if len(free) > 0 {
		r.ok("free for rndc and metrics: %s", some(free))
	}
}
