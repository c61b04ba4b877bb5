package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/spf13/pflag"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/rndc"
)

// watchFlags are about names whose failovers count.
type watchFlags struct {
	names     watchedNames
	ttl       watchTTL
	label     probeLabel
	zones     overrideZones
	stateFile string
}

func (f *watchFlags) define(s *pflag.FlagSet) {
	f.label = "now"
	s.Var(&f.names, "watch", "a `name` whose failovers count, or *.zone for all below one: its answers are handed out with the TTL of --watch-ttl, no old answer comes back, and its history is kept; may be given again")
	s.Var(&f.ttl, "watch-ttl", "most `seconds` that clients may keep an answer of a watched name")
	s.Var(&f.label, "probe-label", "`label` of the wildcard by which a watched name's zone can be asked past all caches: *.now.NAME")
	s.Var(&f.zones, "override-zone", "`zone` whose names may be overridden, beside those of forward zones; may be given again")
	s.StringVar(&f.stateFile, "state-file", "", "`file` that keeps overrides, watches and history over a restart; forwarder.service has /var/lib/forwarder/state")
}

// watchedNames are the values of --watch.
type watchedNames []string

func (n *watchedNames) Type() string   { return "name" }
func (n *watchedNames) String() string { return strings.Join(*n, ",") }

func (n *watchedNames) Set(s string) error {
	name, err := flagName(strings.TrimPrefix(s, "*."))
	if err == nil && (name == "." || strings.Contains(name, "*")) {
		err = fmt.Errorf("%q is not like app.example.corp or *.example.corp: a * stands alone, and first", s)
	}
	if err == nil {
		*n = append(*n, s[:len(s)-len(strings.TrimPrefix(s, "*."))]+name)
	}
	return err
}

// overrideZones are the values of --override-zone.
type overrideZones []string

func (z *overrideZones) Type() string   { return "zone" }
func (z *overrideZones) String() string { return strings.Join(*z, ",") }

func (z *overrideZones) Set(s string) error {
	name, err := flagName(s)
	if err == nil {
		*z = append(*z, name)
	}
	return err
}

// flagName is a name as the server has it: in lower case, with a dot at its end.
func flagName(s string) (string, error) {
	if fault := nameFault(s); fault != rndc.Success {
		return "", fmt.Errorf("%q is no domain name: %s", s, fault)
	}
	return dns.CanonicalName(s), nil
}

// watchTTL is the value of --watch-ttl, in seconds.
type watchTTL uint32

func (t *watchTTL) Type() string   { return "seconds" }
func (t *watchTTL) String() string { return strconv.FormatUint(uint64(*t), 10) }

func (t *watchTTL) Set(s string) error {
	d, ok := namedconf.ParseDuration(s)
	if !ok || d > math.MaxInt32*time.Second { // RFC 2181, 8
		return fmt.Errorf("%q is not like 0, 5 or 1m", s)
	}
	*t = watchTTL(d / time.Second)
	return nil
}

// probeLabel is the value of --probe-label.
type probeLabel string

func (l *probeLabel) Type() string   { return "label" }
func (l *probeLabel) String() string { return string(*l) }

func (l *probeLabel) Set(s string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	lower := strings.ToLower(s)
	if lower == "" || len(lower) > maxLabelLen || strings.Trim(lower, letters) != "" {
		return fmt.Errorf("%q is no label: up to %d letters, digits and hyphens, without a dot", s, maxLabelLen)
	}
	*l = probeLabel(lower)
	return nil
}

// statePath is the file that keeps what is to outlive the process, "" for none: the
// one of the flag, else in the directory that systemd has made (systemd.exec(5)).
func (f *watchFlags) statePath(getenv func(string) string) string {
	if f.stateFile != "" {
		return f.stateFile
	}
	dir, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "state")
}

// doubts says of which watched names no upstream is asked here.
func (f *watchFlags) doubts(cfg *config.Config) (list []string) {
	for _, name := range f.names {
		zone := strings.TrimPrefix(name, "*.")
		if local := servingZone(cfg, zone); local != "" {
			list = append(list, fmt.Sprintf("--watch %s: it is answered from the zone %s here, so that no failover is seen", trimDot(name), trimDot(local)))
		} else if !isForwarded(cfg, zone) {
			list = append(list, fmt.Sprintf("--watch %s: it is forwarded nowhere: give its zone forwarders", trimDot(name)))
		}
	}
	return list
}

// servingZone is the zone that a name is answered from here, "" for none.
func servingZone(cfg *config.Config, name string) (zone string) {
	for _, z := range cfg.Local {
		if dns.IsSubDomain(z.Name, name) && len(z.Name) > len(zone) {
			zone = z.Name
		}
	}
	return zone
}

// isForwarded reports whether a server is asked for a name that no zone here has.
func isForwarded(cfg *config.Config, name string) bool {
	longest, forwarded := -1, false
	for _, z := range cfg.Zones {
		if dns.IsSubDomain(z.Name, name) && len(z.Name) > longest {
			longest, forwarded = len(z.Name), len(z.Forwarders) > 0
		}
	}
	return forwarded
}

// forgetful tells who wants something kept, and the log, that it is not.
func (d *daemon) forgetful() string {
	if d.flags.watch.statePath(os.Getenv) != "" {
		if fault := d.server.StateFault(); fault != "" {
			return "it is in force, and forgotten when this process ends: " + fault
		}
		return ""
	}
	const text = "overrides and watches are forgotten when this process ends: there is no --state-file"
	d.log(logging.Notice, text)
	return text
}
