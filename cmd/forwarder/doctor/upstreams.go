package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// most servers, and most zones, are asked: the packets are shared with clients.
const most = 32

// each calls f for the first items at the same time, and joins what they report.
func each[T any](r *report, items []T, f func(T, *report)) {
	left := len(items) - most
	items = items[:min(most, len(items))]
	reports := make([]report, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		reports[i].check = r.check
		wg.Go(func() { f(item, &reports[i]) })
	}
	wg.Wait()
	for _, one := range reports {
		r.findings = append(r.findings, one.findings...)
	}
	if left > 0 {
		r.add(Unseen, "", "%d more were not asked", left)
	}
}

// checkUpstreams asks each server over UDP, with EDNS, and over TCP, from each address.
func checkUpstreams(ctx context.Context, m *Machine, r *report) {
	list := sourcedServers(m.Config)
	if len(list) == 0 {
		r.add(Problem, "add forwarders to options or to zones", "the configuration forwards to no server")
	}
	each(r, list, func(s sourced, r *report) { checkUpstream(ctx, m.Config, s, r) })
}

// way is one way to ask a server, and what came of it.
type way struct {
	name    string
	network string
	edns    bool
	reply   *dns.Msg
	rtt     time.Duration
	err     error
}

func checkUpstream(ctx context.Context, cfg *config.Config, s sourced, r *report) {
	a := s.server
	clause := cfg.ServerFor(a.Addr())
	if clause.Bogus {
		r.add(Warning, "take the server clause or the forwarder away", "%s is never asked: server { bogus yes; }", host.Address(a))
		return
	}
	udp, edns, tcp := &way{name: "UDP", network: "udp"}, &way{name: "EDNS", network: "udp", edns: true}, &way{name: "TCP", network: "tcp"}
	ways := []*way{tcp}
	if !clause.TCPOnly {
		ways = []*way{udp, tcp}
		if *clause.EDNS {
			ways = []*way{udp, edns, tcp}
		}
	}
	zone := zoneAt(cfg, a)
	var wg sync.WaitGroup
	for _, w := range ways {
		wg.Go(func() { w.ask(ctx, s, zone, clause.UDPSize) })
	}
	wg.Wait()
	tell(r, s, ways)
}

func (w *way) ask(ctx context.Context, s sourced, zone string, size uint16) {
	m := new(dns.Msg).SetQuestion(zone, dns.TypeSOA)
	if w.edns {
		m.SetEdns0(size, true)
	}
	w.reply, w.rtt, w.err = ask(ctx, s, w.network, m)
}

// text is what came of it: "UDP 0.4 ms", "TCP: no answer".
func (w *way) text() string {
	if w.err != nil {
		return w.name + ": " + why(w.err)
	}
	return fmt.Sprintf("%s %.2g ms", w.name, float64(w.rtt)/float64(time.Millisecond))
}

func tell(r *report, s sourced, ways []*way) {
	var texts []string
	for _, w := range ways {
		texts = append(texts, w.text())
	}
	state, remedy, note := weigh(ways)
	r.add(state, remedy, "%s: %s%s", s.text(), strings.Join(texts, ", "), note)
}

const openPaths = "let UDP and TCP 53 to it and back through security groups, network ACLs and routes"

// weigh says what the ways that failed come to.
func weigh(ways []*way) (s State, remedy, note string) {
	failed := func(name string) bool {
		return slices.ContainsFunc(ways, func(w *way) bool { return w.name == name && w.err != nil })
	}
	silent := !slices.ContainsFunc(ways, func(w *way) bool { return w.err == nil })
	switch {
	case slices.ContainsFunc(ways, func(w *way) bool { return w.err == errEcho }):
		return Problem, "forward to a DNS server", ""
	case silent:
		return Problem, "see that it runs and is the right address; " + openPaths, ""
	case failed("UDP"):
		return Problem, openPaths, ""
	case failed("TCP"):
		return Problem, "answers that are truncated cannot be had: " + openPaths, ""
	case failed("EDNS"):
		return Warning, "server ADDRESS { edns no; } spares the tries; a firewall may drop EDNS or large answers", ""
	}
	return weighReplies(ways)
}

func weighReplies(ways []*way) (s State, remedy, note string) {
	for _, w := range ways {
		switch {
		case w.network == "udp" && w.reply.Truncated:
			return Warning, "each name costs a question over TCP too: ask the server's operator why", "; it truncates (TC) even the answer for an SOA"
		case w.edns && (w.reply.Rcode == dns.RcodeFormatError || w.reply.IsEdns0() == nil):
			return Warning, "longer answers are truncated, and cost a question over TCP; server ADDRESS { edns no; } says so", "; it does not know EDNS"
		}
	}
	return OK, "", ""
}

// zoneAt is a zone that is forwarded to a server, the root only for want of another.
func zoneAt(cfg *config.Config, a netip.AddrPort) string {
	best := "."
	for _, z := range cfg.Zones {
		if slices.Contains(z.Forwarders, a) && (best == "." || z.Name != "." && z.Name < best) {
			best = z.Name
		}
	}
	return best
}
