package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"vpcdns/cmd/failover/pair"
	"vpcdns/cmd/failover/zone"
)

const watchNotes = `The check asks the address that the record has, and each standby: tcp takes a
connection; http and https a status from 200 to 399, redirects are not followed
and bodies not read. With an address in the URL only that is watched. With a
name, or no host as in tcp://:5432, it is what the record has; a certificate has
to be for that name. The standbys are asked at the same port and path.

The name is switched, as by 'failover switch --from', when its address is down
and a standby is up. The record is read each interval, once a second at most:
one request a second of the ten that the account has for all its programs. As
soon as it has another value somebody else has switched, and the watch ends with
status 0, as it does after the last switch that --limit allows and by a signal.
It has to be started again then, by who has repaired what failed. While the API
fails the checks go on, and a switch is tried again after 1 s, 2 s, up to 30 s.
The forwarders get no override before Route 53 has taken the change: nobody
knows then whose the record is. What is printed names the command with which an
operator who knows gives them the address, 'failover override add'.`

func watchVerb() verb {
	return verb{"watch", "--name NAME --check URL --standby ADDRESS... [flags]", "Switch a name when its address does not serve", watchNotes, watchProgram}
}

// watchFlags are those of watch.
type watchFlags struct {
	sw        switchFlags // of each switch, but for the addresses
	check     string
	standbys  []string
	unchecked bool

	rise, fall, limit           int
	interval, timeout, holdDown time.Duration
}

// Bounds of the flags: whoever asks more often than leastInterval is an attack, and
// what is switched to and fro within leastHoldDown nobody sees settle.
const (
	leastInterval = 100 * time.Millisecond
	leastHoldDown = 10 * time.Second
	mostRounds    = 10 // of checks at a time, where all hang
	mostStandbys  = 10
)

func (f *watchFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.check, "check", "", "`URL` that serves: tcp://HOST:PORT, http://HOST:PORT/PATH or https://")
	s.StringArrayVar(&f.standbys, "standby", nil, "`address` to switch to; of several the first that is up")
	s.BoolVar(&f.unchecked, "unchecked-standby", false, "switch though no check says that the standby serves: it begins to when it gets the name")
	s.IntVar(&f.rise, "rise", 2, "`number` of successes in a row after which an address is up")
	s.IntVar(&f.fall, "fall", 3, "`number` of failures in a row after which it is down")
	s.DurationVar(&f.interval, "interval", time.Second, "`time` from one check to the next")
	s.DurationVar(&f.timeout, "timeout", time.Second, "`time` for one check; what hangs does not delay the next")
	s.IntVar(&f.limit, "limit", 1, "`number` of switches after which the watch ends; with 2 and more it goes on with the address that the name got, and may switch back")
	s.DurationVar(&f.holdDown, "hold-down", 5*time.Minute, "`time` between two switches, at least")
	f.sw.timeout = switchTimeout
	f.sw.add(s)
}

func watchProgram() program {
	s := newVerbFlags("watch")
	f := &watchFlags{}
	f.add(s)
	return program{s, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		if err := errors.Join(noArguments(args), checkZoneFlags(f.sw.zone), f.bounds()); err != nil {
			return err
		}
		l, err := f.loop()
		if err != nil {
			return usageError("%w", err)
		}
		z, err := openZone(ctx, f.sw.zone, stderr)
		if err != nil {
			return err
		}
		w := &watchedZone{Zone: z, flags: f, rtype: recordType(l.standbys[0]), stdout: stdout, stderr: stderr}
		l.record, l.change, l.say, l.override = w.address, w.move, w.say, w.override
		w.say(fmt.Sprintf("watching %s with %s every %v", l.name, f.check, f.interval))
		return l.run(ctx)
	}}
}

// bounds refuses what would do harm, or nothing.
func (f *watchFlags) bounds() error {
	switch {
	case f.check == "":
		return usageError("--check is missing: what shows that the address serves?")
	case len(f.standbys) == 0 || len(f.standbys) > mostStandbys:
		return usageError("1 to %d addresses of --standby are wanted", mostStandbys)
	case f.rise < 1 || f.fall < 1 || f.limit < 1:
		return usageError("--rise, --fall and --limit are 1 at least")
	case f.interval < leastInterval:
		return usageError("--interval is %v at least", leastInterval)
	case f.timeout <= 0 || f.timeout > mostRounds*f.interval:
		return usageError("--timeout is more than 0, and at most %d times --interval", mostRounds)
	case f.holdDown < leastHoldDown:
		return usageError("--hold-down is %v at least", leastHoldDown)
	}
	return nil
}

// loop has all but the zone.
func (f *watchFlags) loop() (*checkLoop, error) {
	c, err := parseCheck(f.check, f.sw.zone.Record, f.timeout)
	if err != nil {
		return nil, err
	}
	l := &checkLoop{interval: f.interval, reads: max(f.interval, time.Second), check: c.ask}
	l.name, l.active = strings.TrimSuffix(f.sw.zone.Record, "."), c.addr
	l.rise, l.fall, l.limit, l.holdDown, l.unchecked = f.rise, f.fall, f.limit, f.holdDown, f.unchecked
	for _, text := range f.standbys {
		a, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading --standby: %w", err)
		case a == c.addr || slices.Contains(l.standbys, a):
			return nil, fmt.Errorf("the standby %s is named twice", a)
		case c.addr.IsValid() && a.Is6() != c.addr.Is6(), len(l.standbys) > 0 && a.Is6() != l.standbys[0].Is6():
			return nil, fmt.Errorf("IPv4 and IPv6 addresses are in records of their own: watch each with a program of its own")
		}
		l.standbys = append(l.standbys, a)
	}
	return l, nil
}

// watchedZone reads and changes the record for a loop.
type watchedZone struct {
	*zone.Zone
	flags          *watchFlags
	rtype          string
	stdout, stderr io.Writer
}

func (w *watchedZone) say(line string) {
	fmt.Fprintf(w.stdout, "%s %s\n", time.Now().Format(time.TimeOnly), line)
}

// address is what the record has. Of several addresses none would be switched away
// from.
func (w *watchedZone) address(ctx context.Context) (netip.Addr, error) {
	r, err := w.Read(ctx, w.flags.sw.zone.Record, w.rtype)
	if err != nil {
		return netip.Addr{}, err
	}
	if has := r.Addresses(); len(has) == 1 && len(r.Values) == 1 {
		return has[0], nil
	}
	return netip.Addr{}, fmt.Errorf("watching %s: it has %s, and one address is wanted: %w", r.Name, r, zone.ErrRefused)
}

// override is what an operator can type while the API fails.
func (w *watchedZone) override(to netip.Addr) string {
	sw := w.flags.sw
	return sw.wayOut(pair.Order{Name: strings.TrimSuffix(sw.zone.Record, "."), Type: w.rtype, Data: []string{to.String()}})
}

// move compares and swaps. A dry run ends with it.
func (w *watchedZone) move(ctx context.Context, from, to netip.Addr) error {
	sw := w.flags.sw
	sw.change.Name, sw.change.From, sw.change.Addresses = sw.zone.Record, []netip.Addr{from}, []netip.Addr{to}
	sw.change.Comment = fmt.Sprintf("failover watch: %s is down", from)
	if err := sw.run(ctx, w.stdout, w.stderr); err != nil {
		return err
	}
	if sw.change.DryRun {
		return errOver
	}
	return nil
}
