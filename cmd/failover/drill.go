package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/failover/zone"
)

const drillNotes = `Take a canary: a name beside the real ones, in the same zone, that no client
needs. It is switched as by 'failover switch', from --back to --address, and
when that has arrived back again. Each way leaves its timeline in the directory,
as JSON and as a drawing; the last line of the output has the figures. A name
that has neither address is refused.

The status is 5 if a server gave the new address later than --limit says. If a
way fails its status counts; the canary is switched back all the same.`

func drillVerb() verb {
	return verb{"drill", "--name NAME --address A --back B --directory DIR [flags]", "Switch a canary there and back, and keep the timelines", drillNotes, drillProgram}
}

// drill is one of them.
type drill struct {
	sw             switchFlags // of both ways, but for the addresses
	address, back  netip.Addr
	directory      string
	limit          time.Duration
	keep           int
	stdout, stderr io.Writer
}

func drillProgram() program {
	s := newVerbFlags("drill")
	d := &drill{}
	s.Var(addressValue{&d.address}, "address", "`address` that the canary gets")
	s.Var(addressValue{&d.back}, "back", "`address` that it has, and gets again")
	s.StringVar(&d.directory, "directory", "", "`directory` for the timelines")
	s.DurationVar(&d.limit, "limit", 500*time.Millisecond, "`time` in which each server has to give the new address")
	s.IntVar(&d.keep, "keep", 400, "`number` of drills whose timelines stay; older ones are removed")
	s.DurationVar(&d.sw.timeout, "timeout", switchTimeout, "`time` for each way")
	d.sw.add(s)
	return program{s, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		if err := errors.Join(noArguments(args), checkZoneFlags(d.sw.zone), d.check()); err != nil {
			return err
		}
		d.stdout, d.stderr = stdout, stderr
		return d.run(ctx)
	}}
}

func (d *drill) check() error {
	switch {
	case !d.address.IsValid() || !d.back.IsValid():
		return usageError("--address and --back are wanted")
	case d.address == d.back || d.address.Is6() != d.back.Is6():
		return usageError("--address and --back are two addresses of one family")
	case strings.ContainsAny(d.sw.zone.Record, `/\*?[`):
		return usageError("--name %q cannot be part of a file's name: take another canary", d.sw.zone.Record)
	case d.directory == "" && !d.sw.change.DryRun:
		return usageError("--directory is missing: where do the timelines go?")
	case d.limit <= 0 || d.keep < 1 || d.sw.timeout <= 0:
		return usageError("--limit, --keep and --timeout are more than 0")
	}
	return nil
}

// run goes there and back, if the name is a canary.
func (d *drill) run(ctx context.Context) error {
	if err := d.canary(ctx); err != nil {
		return err
	}
	if d.sw.change.DryRun {
		return d.to(d.address).run(ctx, d.stdout, d.stderr)
	}
	if err := os.MkdirAll(d.directory, 0o755); err != nil {
		return fmt.Errorf("making the directory: %w", err)
	}
	prefix := d.prefix() + time.Now().UTC().Format("20060102T150405Z")
	there, err := d.way(ctx, d.address, prefix+"-there")
	if errors.Is(err, zone.ErrRefused) || ctx.Err() != nil {
		return err
	}
	back, backErr := d.way(ctx, d.back, prefix+"-back")
	fmt.Fprintf(d.stdout, "%s: there %s; back %s; timelines: %s-*\n", d.sw.zone.Record, there, back, prefix)
	return errors.Join(err, backErr, d.slow("there", there), d.slow("back", back), d.prune())
}

// canary refuses a name that has neither address: it may be one that clients need.
func (d *drill) canary(ctx context.Context) error {
	z, err := openZone(ctx, d.sw.zone, d.stderr)
	if err != nil {
		return err
	}
	r, err := z.Read(ctx, d.sw.zone.Record, recordType(d.back))
	if err != nil {
		return err
	}
	if has := r.Addresses(); len(has) != 1 || has[0] != d.back && has[0] != d.address {
		return fmt.Errorf("%s has %s, and neither %s nor %s: it is no canary of this drill: %w", r.Name, r, d.back, d.address, zone.ErrRefused)
	}
	return nil
}

// to are the flags of a way.
func (d *drill) to(a netip.Addr) *switchFlags {
	f := d.sw
	f.change.Name, f.change.Addresses = f.zone.Record, []netip.Addr{a}
	f.change.Comment = "failover drill"
	return &f
}

// way switches, and writes the timeline to path.json and path.svg.
func (d *drill) way(ctx context.Context, a netip.Addr, path string) (f figures, err error) {
	var out bytes.Buffer
	sw := d.to(a)
	sw.json = true
	err = sw.run(ctx, &out, d.stderr)
	var doc timeline.Document
	if jsonErr := json.Unmarshal(out.Bytes(), &doc); jsonErr != nil {
		return f, err // there is none where nothing was begun
	}
	return figuresOf(doc), errors.Join(err, writeTo(path+".json", doc.WriteJSON), writeTo(path+".svg", doc.WriteSVG))
}

// prefix is what all files of this name begin with.
func (d *drill) prefix() string {
	return filepath.Join(d.directory, strings.TrimSuffix(d.sw.zone.Record, ".")+"-")
}

// slow says if a way took longer than the limit.
func (d *drill) slow(way string, f figures) error {
	if f.slowest <= d.limit {
		return nil
	}
	return fmt.Errorf("the way %s took %.3f s until %s gave the new address, more than the limit of %v: %w", way, f.slowest.Seconds(), f.server, d.limit, errStillOld)
}

func writeTo(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the timeline: %w", err)
	}
	return nil
}

// prune removes the timelines of this name's oldest drills: their names are in order
// of time.
func (d *drill) prune() error {
	all, err := filepath.Glob(d.prefix() + "*Z-there.json")
	if err != nil {
		return fmt.Errorf("looking for old timelines: %w", err)
	}
	slices.Sort(all)
	for _, path := range all[:max(0, len(all)-d.keep)] {
		for _, end := range []string{"there.json", "there.svg", "back.json", "back.svg"} {
			err = errors.Join(err, ignoreMissing(os.Remove(strings.TrimSuffix(path, "there.json")+end)))
		}
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// figures are what a timeline comes to.
type figures struct {
	servers  int
	slowest  time.Duration // from the start to a server's first new answer
	server   string        // that one
	cameBack int
	insync   time.Duration // 0: it was not seen
}

func figuresOf(doc timeline.Document) (f figures) {
	since := func(s timeline.Stamp) time.Duration { return time.Time(s).Sub(time.Time(doc.Started)) }
	for _, l := range doc.Servers {
		f.servers++
		f.cameBack += l.CameBack
		took := since(l.FirstNew)
		if time.Time(l.FirstNew).IsZero() {
			took = since(doc.Ended) // never, as far as it was seen
		}
		if took > f.slowest || f.server == "" {
			f.slowest, f.server = took, l.Server
		}
	}
	if !time.Time(doc.InSync).IsZero() {
		f.insync = since(doc.InSync)
	}
	return f
}

func (f figures) String() string {
	if f.servers == 0 {
		return fmt.Sprintf("no server was observed (--forwarder, --verify), INSYNC after %.1f s", f.insync.Seconds())
	}
	return fmt.Sprintf("%.3f s at %d servers, came back %d times, INSYNC after %.1f s", f.slowest.Seconds(), f.servers, f.cameBack, f.insync.Seconds())
}
