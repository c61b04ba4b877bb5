package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/rndc"
)

// primaryCommands are those about one zone. As in BIND forward zones are none: only
// primary zones are found.
func primaryCommands() []command {
	list := []command{
		{name: "zonestatus", args: "zone [class [view]]", summary: "Show how a primary zone is", readOnly: true, run: zoneStatus},
	}
	for _, c := range onZones {
		list = append(list, command{name: c.name, args: c.args, summary: c.summary, readOnly: c.readOnly, run: c.run})
	}
	return list
}

// onZone is a command that says the same of each primary zone.
type onZone struct {
	name, args, summary string
	readOnly            bool
	all                 bool // without a zone it is for all, and there is nothing to do
	text                string
	err                 *rndc.Error
}

const (
	noSuchSigning  = "zones are served as their files have them"
	oneConfigZones = "zones come from the configuration only: change it, and reload"
)

// onZones have BIND's words for a zone that is static and not signed.
var onZones = []onZone{
	{name: "refresh", args: "zone [class [view]]", summary: "Nothing: there are no secondary zones", err: rndc.Failure.With("not a secondary, mirror, or stub zone")},
	{name: "retransfer", args: "zone [class [view]]", summary: "Nothing: there are no secondary zones", err: rndc.Failure.With("retransfer: inappropriate zone type: primary")},
	{name: "notify", args: "zone [class [view]]", summary: "Nothing: there are no secondaries to notify", err: rndc.NotImplemented.With("there are no secondaries to notify")},
	{name: "freeze", args: "[zone [class [view]]]", summary: "Nothing: zones are not dynamic", all: true, err: rndc.NotDynamic.With("")},
	{name: "thaw", args: "[zone [class [view]]]", summary: "Nothing: zones are not dynamic", all: true},
	{name: "sync", args: "[-clean] [zone [class [view]]]", summary: "Nothing: there are no journals", all: true},
	{name: "sign", args: "zone [class [view]]", summary: "Nothing: zones are not signed here", err: rndc.PermissionDenied.With(noSuchSigning)},
	{name: "loadkeys", args: "zone [class [view]]", summary: "Nothing: zones are not signed here", err: rndc.PermissionDenied.With(noSuchSigning)},
	{name: "signing", args: "-list zone [class [view]]", summary: "Nothing: zones are not signed here", text: "No signing records found"},
	{name: "dnssec", args: "-status zone [class [view]]", summary: "Nothing: zones are not signed here", text: "Zone does not have dnssec-policy"},
	{name: "showzone", args: "zone [class [view]]", summary: "Nothing: see forwarder --check-config -p", readOnly: true, err: rndc.Failure.With("'forwarder --check-config -p' prints the zones of the configuration")},
	{name: "delzone", args: "[-clean] zone [class [view]]", summary: "Nothing: zones come from the configuration only", err: rndc.PermissionDenied.With(oneConfigZones)},
}

func (o onZone) run(_ context.Context, d *daemon, args []string) (string, error) {
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
	if len(args) == 0 && o.all {
		return "", nil
	}
	if _, err := d.zoneOf(args); err != nil {
		return "", err
	}
	if o.err != nil {
		return "", o.err
	}
	return o.text, nil
}

// zoneOf finds the primary zone of `zone [class [view]]`, or says in BIND's words
// why not.
func (d *daemon) zoneOf(args []string) (config.LocalZone, error) {
	name, class, view := argument(args, 0), argument(args, 1), argument(args, 2)
	if _, err := nameArgument(args); err != nil {
		return config.LocalZone{}, err
	}
	where := "any view"
	if view != "" {
		where = fmt.Sprintf("view '%s'", view)
	}
	switch {
	case class != "" && !isClass(class):
		return config.LocalZone{}, rndc.Unknown.With("")
	case !d.hasView(view):
		return config.LocalZone{}, rndc.NotFound.With(fmt.Sprintf("no matching view '%s'", view))
	}
	cfg := d.server.Config()
	i := findZone(cfg, name)
	if i < 0 || class != "" && !strings.EqualFold(class, "IN") || strings.EqualFold(view, builtinView) {
		return config.LocalZone{}, rndc.NotFound.With(fmt.Sprintf("no matching zone '%s' in %s", shown(name), where))
	}
	return cfg.Local[i], nil
}

func findZone(cfg *config.Config, name string) int {
	name = dns.CanonicalName(name)
	return slices.IndexFunc(cfg.Local, func(z config.LocalZone) bool { return z.Name == name })
}

func zoneStatus(_ context.Context, d *daemon, args []string) (string, error) {
	z, err := d.zoneOf(args)
	if err != nil {
		return "", err
	}
	if z.Err != nil {
		return "", rndc.NotLoaded.With(z.Err.Error())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\ntype: primary\nserial: %d\nnodes: %d\n", strings.TrimSuffix(z.Name, "."), serialOf(z), nodesOf(z))
	fmt.Fprintf(&b, "last loaded: %s\n", httpTime(d.stats().Reload.At))
	fmt.Fprintf(&b, "secure: %s\ndynamic: no\nreconfigurable via modzone: no", yesNo(isSigned(z)))
	return b.String(), nil
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

func serialOf(z config.LocalZone) uint32 {
	for _, rr := range z.Records {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa.Serial
		}
	}
	return 0
}

func nodesOf(z config.LocalZone) int {
	names := make(map[string]bool)
	for _, rr := range z.Records {
		names[dns.CanonicalName(rr.Header().Name)] = true
	}
	return len(names)
}

func isSigned(z config.LocalZone) bool {
	return slices.ContainsFunc(z.Records, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeDNSKEY })
}

// reloadZone reads one zone anew, and leaves the rest of the configuration as it
// is in force.
func reloadZone(ctx context.Context, d *daemon, args []string) (text string, err error) {
	if _, err := d.zoneOf(args); err != nil {
		return "", err
	}
	if !d.do(ctx, func() { text, err = d.replaceZone(args[0]) }) {
		return "", rndc.ShuttingDown.With("")
	}
	return text, err
}

func (d *daemon) replaceZone(name string) (string, error) {
	fresh, report, err := config.Loader{Port: uint16(d.flags.port)}.Load(d.flags.config)
	if err != nil {
		d.logFindings(report.Findings)
		return "", rndc.Failure.With(firstLines(err.Error()))
	}
	from, to := findZone(fresh, name), findZone(d.config, name)
	if from < 0 || to < 0 {
		return "", rndc.Failure.With("the configuration has changed: use reload without a zone")
	}
	before, z := d.config.Local[to], fresh.Local[from]
	if z.Err != nil {
		return "", rndc.Failure.With(fmt.Sprintf("zone %s/IN: not loaded due to errors: %v", strings.TrimSuffix(z.Name, "."), z.Err))
	}
	if before.Err == nil && serialOf(before) == serialOf(z) && slices.EqualFunc(before.Records, z.Records, sameRecord) {
		return "zone reload up-to-date", nil
	}
	next := *d.config
	next.Local = slices.Clone(next.Local)
	next.Local[to] = z
	if err := d.server.Reload(&next); err != nil {
		err = fmt.Errorf("reloading zone %s: %w", name, err)
		d.loads.noteResult("failed: "+oneLine(err), false)
		return "", err
	}
	d.loads.noteResult("succeeded", true)
	d.config = &next
	return "zone reload successful", nil
}

func sameRecord(a, b dns.RR) bool { return a.String() == b.String() }
