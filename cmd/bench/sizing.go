package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vpcdns/cmd/bench/sizing"
)

// Where the module has the page, its plot, and the measured figures beside the simulated.
const (
	sizingPage    = "deploy/sizing.md"
	sizingPlot    = "deploy/sizing.svg"
	sizingResults = "testdata/bench/sizing.json"
)

// sizingVerb simulates the load that the flags say, or does one of the errands.
func sizingVerb(args []string) error {
	s := sizing.Scenario{Upstream: sizing.VPC(0)}
	flags := flag.NewFlagSet("bench sizing", flag.ContinueOnError)
	measure := flags.Bool("measure", false, "play three loads to the real server, for three minutes, and write "+sizingResults)
	update := flags.Bool("update", false, "write "+sizingPage+" and "+sizingPlot)
	ttls := flags.String("ttl", "10", "TTLs of the names, `seconds[:weight],…`")
	scenarioFlags(flags, &s)
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError(fmt.Sprintf("%q is not expected: see bench sizing -h", flags.Arg(0)))
	}
	switch {
	case *measure:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return measurePoints(ctx, sizingResults)
	case *update:
		return updateSizing(".")
	}
	var err error
	if s.TTLs, err = parseShares(*ttls); err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	fmt.Print(sizing.Run(s))
	return nil
}

func scenarioFlags(f *flag.FlagSet, s *sizing.Scenario) {
	f.IntVar(&s.Names, "names", 10_000, "`number` of names")
	f.Float64Var(&s.Zipf, "zipf", 0.9, "the n-th name is asked for n^-`x` times as often as the first; 0: all alike")
	f.Float64Var(&s.QPS, "qps", 2000, "`queries` a second, all types together")
	f.IntVar(&s.Types, "types", 1, "`number` of types; 1: A; 2: AAAA is asked for each time too, and there is none")
	f.IntVar(&s.Negative, "negative", 60, "TTL of that answer, `seconds`")
	f.IntVar(&s.Clients, "clients", 0, "`number` of caching servers by which users ask; 0: they ask the forwarder themselves")
	f.IntVar(&s.Watched, "watched", 0, "`number` of names, the first, that are handed out with TTL 0")
	f.IntVar(&s.Probed, "probed", 0, "`number` of watched names with a wildcard")
	f.IntVar(&s.Verifying, "verifying", 0, "`number` of watched names that are being verified")
	f.BoolVar(&s.Prefetch, "prefetch", true, "prefetch, with BIND's default")
	f.BoolVar(&s.Flush, "flush", false, "forget all that is cached after the warm-up, which is what a cold start is; or with -warm 0 begin with empty caches everywhere")
	f.IntVar(&s.PPS, "pps", sizing.BudgetPPS, "`packets` a second of all interfaces together; 0: no limit")
	f.DurationVar(&s.Warm, "warm", 2*time.Minute, "`time` before it is counted")
	f.DurationVar(&s.Length, "length", 4*time.Minute, "`time` of the whole")
	f.Uint64Var(&s.Seed, "seed", 1, "`number`: the same one gives the same result")
	f.DurationVar(&s.RTT, "rtt", s.RTT, "round trip `time` to the resolver")
	f.BoolVar(&s.Instance, "instance", s.Instance, "the resolver has a cache of this instance's own")
	f.IntVar(&s.Hosts, "hosts", s.Hosts, "`number` of hosts behind it, with a cache each; 0 and -instance=false: whole TTLs")
	f.Float64Var(&s.Others, "others", s.Others, "`queries` a second by others, to each host for each name")
	f.BoolVar(&s.Zero, "zero", s.Zero, "the resolver gives TTL 0 in a record's last second")
	f.Float64Var(&s.Loss, "loss", s.Loss, "`share` of the packets that get no answer, 0 to 1")
}

// parseShares reads "10:1,60:2"; a weight that is not said is 1.
func parseShares(text string) (list []sizing.Share, err error) {
	for part := range strings.SplitSeq(text, ",") {
		ttl, weight, has := strings.Cut(part, ":")
		s := sizing.Share{Weight: 1}
		if s.TTL, err = strconv.Atoi(ttl); err == nil && has {
			s.Weight, err = strconv.ParseFloat(weight, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("-ttl %q: want seconds, or seconds:weight, with commas between them", text)
		}
		list = append(list, s)
	}
	return list, nil
}

// updateSizing writes page and plot below root, with the figures measured last.
func updateSizing(root string) error {
	measured, err := sizing.LoadMeasured(filepath.Join(root, sizingResults))
	if err != nil {
		return err
	}
	page, plot, err := sizing.Document(measured)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, sizingPage), page, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, sizingPlot), plot, 0o644)
}
