package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
)

func upstreamCommands() []command {
	return []command{
		{name: "upstreams", summary: "Show each server that is asked: state, RTT, what is pending; and the packet budgets", readOnly: true, run: showUpstreams},
	}
}

func showUpstreams(_ context.Context, d *daemon, _ []string) (string, error) {
	servers, budgets := d.server.Upstreams()
	if len(servers) == 0 {
		return "no server is asked: there are no forwarders", nil
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, s := range servers {
		state := fmt.Sprintf("%v for %s", s.State, since(s.For))
		if local := errors.Unwrap(s.Err); local != nil {
			state = fmt.Sprintf("cannot be sent to: %v", local)
		}
		heard := "it never answered"
		if s.Heard >= 0 {
			heard = "it answered " + since(s.Heard) + " ago"
		}
		line("%s: %s, RTT %s, retry after %s, %s", host.Address(s.Addr), state, millis(s.SRTT), millis(s.RTO), heard)
		line("  zones: %s", strings.Join(d.zonesAt(s.Addr.String()), " "))
		line("  queries sent %d, answered %d, timed out %d; pending %d, waiting for it %d", s.Sent, s.Answered, s.TimedOut, s.Pending, s.Waiting)
		for _, from := range s.Sources {
			if from.Addr.IsValid() {
				line("  from %s", sourceLine(from))
			}
		}
		if !s.Metered {
			line("  on this host: no packet budget")
		} else if len(budgets) > 1 {
			line("  budget of %s", interfaceText(budgets[s.Budget].Interface))
		}
	}
	for i, u := range budgets {
		if !slices.ContainsFunc(servers, func(s forwarder.UpstreamState) bool { return s.Metered && s.Budget == i }) {
			continue
		}
		line("%s", budgetLine(u, d.stats().Throttle))
		if len(u.Interfaces) > 1 {
			for _, n := range u.Interfaces {
				line("  %s", interfaceLine(n))
			}
		}
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// zonesAt are the forward zones that a server is asked for.
func (d *daemon) zonesAt(addr string) (names []string) {
	for _, z := range d.server.Config().Zones {
		for _, a := range z.Forwarders {
			if a.String() == addr {
				names = append(names, trimDot(z.Name))
				break
			}
		}
	}
	return names
}

// sourceLine says how a server is asked from one address.
func sourceLine(f forwarder.SourceState) string {
	text := f.Addr.String()
	if f.Interface != "" {
		text += " (" + f.Interface + ")"
	}
	text += fmt.Sprintf(": queries sent %d, answered %d", f.Sent, f.Answered)
	switch {
	case f.LeftOut && f.Err != nil:
		text += fmt.Sprintf("; left out for %s: %v", since(f.For), f.Err)
	case f.LeftOut:
		text += fmt.Sprintf("; left out for %s: no answers come", since(f.For))
	}
	return text
}

func interfaceLine(n forwarder.InterfaceState) string {
	return fmt.Sprintf("%s: %s; sent %d", interfaceText(n.Interface), allowed(n.PPS, n.Tokens), n.Sent)
}

// allowed is a limit, and what may be sent at once.
func allowed(pps, tokens int) string {
	if pps == 0 {
		return "none"
	}
	return fmt.Sprintf("%d packets/s, %d of them may leave now", pps, tokens)
}

func budgetLine(u forwarder.BudgetState, t forwarder.ThrottleStats) string {
	text := "packet budget of " + interfaceText(u.Interface) + ": " + allowed(u.PPS, u.Tokens)
	text += fmt.Sprintf("; sent %d, requests that wait %d, refused %d", u.Sent, u.Waiting, u.Refused)
	if t.Active {
		text += fmt.Sprintf("; throttled (%d times halved), as the instance's allowance was exceeded", t.Halvings)
	}
	return text
}

func interfaceText(name string) string {
	if name == "" {
		return "all interfaces"
	}
	return name
}

// millis is a round trip time, "unknown" if it is 0.
func millis(d time.Duration) string {
	switch {
	case d == 0:
		return "unknown"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
