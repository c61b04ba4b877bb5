package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"vpcdns/cmd/forwarder/peer"
	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/version"
)

// overview is what forwarder status shows: the state of the server, as its parts
// were one after the other.
type overview struct {
	now       time.Time
	started   time.Time
	pid       int
	served    []netip.AddrPort
	upstreams []forwarder.UpstreamState
	budgets   []forwarder.BudgetState
	rates     [3]forwarder.Rate // of the last 1, 10 and 60 seconds
	failures  []forwarder.ZoneFailures
	troubles  []forwarder.Trouble
	unloaded  int        // primary zones
	draining  *time.Time // since when; nil: it is not
	reload    reloadResult
	watch     watchOverview
	members   *memberOverview // nil: there are none
	peers     []peer.Status
}

// reloadResult is what the last attempt to load a configuration said.
type reloadResult struct {
	at   time.Time
	said string
	ok   bool
}

// overview may be called on any goroutine.
func (d *daemon) overview() overview {
	o := overview{
		now:      time.Now(),
		started:  d.server.Started(),
		pid:      os.Getpid(),
		served:   d.server.Addrs(),
		budgets:  d.server.LastBudgets(),
		rates:    [3]forwarder.Rate{d.server.Rate(1), d.server.Rate(10), d.server.Rate(60)},
		failures: d.server.Failures(),
		troubles: d.troubles(),
		reload:   d.loads.result(),
		watch:    watchOverviewOf(d.server),
		draining: d.draining.Load(),
		members:  d.memberOverview(),
		peers:    d.peers.Status(),
	}
	o.upstreams, _ = d.server.Upstreams()
	for _, z := range d.server.Config().Local {
		if z.Err != nil {
			o.unloaded++
		}
	}
	return o
}

// troubles are the server's, and those of peers and of the logs.
func (d *daemon) troubles() []forwarder.Trouble {
	list := append(d.server.Troubles(), d.peerTroubles()...)
	for _, f := range d.logs.Faults() {
		list = append(list, forwarder.Trouble{
			TroubleStats: forwarder.TroubleStats{Kind: forwarder.KindOfLog, Subject: f.Place, Since: f.Since, Now: true},
			Text:         fmt.Sprintf("logging to %s fails: %v", f.Place, f.Err),
		})
	}
	return list
}

// width is how many columns the screen has, indent where its values begin.
const width, indent = 80, 12

// screen is the overview in lines of 80 columns.
func (o *overview) screen() string {
	var s rows
	s.row("forwarder", "%s, pid %d, up %s", version.Number, o.pid, short(o.now.Sub(o.started)))
	s.row("serving", "%s", orNone(addrTexts(o.served)))
	if o.draining != nil {
		s.row("draining", "since %s: forwarder rndc drain off undoes it", o.clock(*o.draining))
	}
	for _, u := range o.upstreams {
		s.row("upstream", "%s %v since %s, RTT %s", host.Address(u.Addr), u.State, o.clock(o.now.Add(-u.For)), millis(u.SRTT))
	}
	s.row("queries", "%s/s in the last second, %s/s in 10 s, %s/s in a minute", oneDecimal(o.rates[0].PerSecond()), oneDecimal(o.rates[1].PerSecond()), oneDecimal(o.rates[2].PerSecond()))
	if o.rates[2].Cacheable > 0 {
		s.row("hits", "%.1f %% in the last minute", 100*o.rates[2].HitRatio())
	}
	for _, b := range o.budgets {
		if b.Interface != "" || len(o.budgets) == 1 || b.Sent+b.Refused > 0 || b.Waiting > 0 {
			s.row("budget", "%s", budgetText(b))
		}
		if len(b.Interfaces) > 1 {
			for _, n := range b.Interfaces {
				s.row("budget", "%s", partText(n))
			}
		}
	}
	for _, f := range o.failures {
		s.row("failed", "%s in the last minute", failureText(f))
	}
	o.watchRows(&s)
	if o.members != nil {
		s.row("members", "%s", o.membersText())
	}
	for i := range o.peers {
		s.row("peer", "%s", o.peerText(&o.peers[i]))
	}
	s.row("reload", "%s", o.reloadText())
	if o.unloaded > 0 {
		s.row("zones", "%d primary zones cannot be loaded, see the log", o.unloaded)
	}
	for _, t := range o.troubles {
		s.row("trouble", "%s", o.troubleText(t))
	}
	if !o.troubled() {
		s.WriteString(noTrouble + "\n")
	}
	return strings.TrimSuffix(s.String(), "\n")
}

// noTrouble is the last line where nothing is wrong: forwarder status looks for it.
const noTrouble = "trouble     none"

// troubled reports whether anything is wrong.
func (o *overview) troubled() bool { return len(o.troubles) > 0 || o.unloaded > 0 || !o.reload.ok }

// troubleText says what is wrong, since when, and whom it hurt.
func (o *overview) troubleText(t forwarder.Trouble) string {
	text := t.Text + ", since " + o.clock(t.Since)
	if t.Failed > 0 {
		text += fmt.Sprintf("; %d of %d queries failed (clients: about %d)", t.Failed, t.Queries, t.Clients)
	}
	if !t.Now {
		text += "; it comes and goes, and is gone now"
	}
	return text
}

// reloadText is what the last reload said.
func (o *overview) reloadText() string {
	if o.reload.at.IsZero() {
		return "none since the start"
	}
	return o.clock(o.reload.at) + ": " + o.reload.said
}

// clock is a time of today without its date.
func (o *overview) clock(t time.Time) string {
	if t.Format(time.DateOnly) == o.now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// oneDecimal leaves the decimal out where it is 0.
func oneDecimal(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0") }

func budgetText(b forwarder.BudgetState) string {
	text := fmt.Sprintf("%d of %d packets to upstream in the last second, %d questions wait", b.Sent, b.PPS, b.Waiting)
	if b.PPS == 0 {
		text = fmt.Sprintf("%d packets to upstream in the last second, no limit", b.Sent)
	}
	if b.Interface != "" {
		text = b.Interface + ": " + text
	}
	return text
}

// partText says what left by one of a budget's interfaces.
func partText(n forwarder.InterfaceState) string {
	if n.PPS == 0 {
		return fmt.Sprintf("by %s: %d packets", interfaceText(n.Interface), n.Sent)
	}
	return fmt.Sprintf("by %s: %d of %d packets", interfaceText(n.Interface), n.Sent, n.PPS)
}

func failureText(f forwarder.ZoneFailures) string {
	name := f.Zone
	if name != "." {
		name = strings.TrimSuffix(name, ".")
	}
	return fmt.Sprintf("%d of %d queries of %s", f.Failed, f.Queries, name)
}

func addrTexts(list []netip.AddrPort) string {
	var texts []string
	for _, a := range list {
		texts = append(texts, host.Address(a))
	}
	return strings.Join(texts, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "no address"
	}
	return s
}

// short is a time span in its two greatest units.
func short(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%dd %dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm %ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// rows are lines of a name and a value. A name stands once.
type rows struct {
	strings.Builder
	last string
}

func (s *rows) row(name, format string, args ...any) {
	if name == s.last {
		name = ""
	} else {
		s.last = name
	}
	for line := range slices.Values(manual.Wrap(fmt.Sprintf(format, args...), width-indent)) {
		fmt.Fprintf(s, "%-*s%s\n", indent, name, line)
		name = ""
	}
}
