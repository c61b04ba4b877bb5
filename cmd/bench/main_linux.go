package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// options are the flags.
type options struct {
	rounds    int
	time      time.Duration // of one load
	names     int           // in the big cache
	forwarder string        // program; "" builds it
	before    string        // program of an earlier version, or ""
	out, from string
	readme    string
	peers     []string
}

// compareVerb compares the forwarder with its peers.
func compareVerb(args []string) error {
	o, err := compareFlags(args)
	if err != nil {
		return err
	}
	return run(o)
}

func compareFlags(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "`times` that each load is repeated; the medians count")
	flags.DurationVar(&o.time, "time", time.Second, "`length` of one load")
	flags.IntVar(&o.names, "names", 1_000_000, "`names` in the big cache")
	flags.StringVar(&o.forwarder, "forwarder", "", "`program` to measure, instead of building it from the source here")
	flags.StringVar(&o.before, "before", "", "`program` of an earlier version, to measure beside the forwarder")
	flags.StringVar(&o.out, "o", "", "`directory` to write results.json and hit.svg to")
	flags.StringVar(&o.from, "from", "", "`file` of an earlier run to show, instead of measuring")
	flags.StringVar(&o.readme, "readme", "", "`file` to write the tables to, between its bench:begin and bench:end marks")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "Usage: bench [flags] [PEER…]\n       bench observed [flags]\n       bench sizing [flags]\nPeers: %v\n", peerNames())
		flags.PrintDefaults()
	}
	if err := parse(flags, args); err != nil {
		return o, err
	}
	o.peers = flags.Args()
	for _, name := range o.peers {
		switch {
		case verbs[name] != nil:
			return o, usageError(name + " has to come before all flags and peers: bench " + name + " [flags]")
		case !slices.Contains(peerNames(), name):
			return o, usageError(fmt.Sprintf("%q is neither observed nor sizing, nor a peer: %v", name, peerNames()))
		}
	}
	return o, nil
}

func run(o options) error {
	if o.rounds < 1 || o.time <= 0 || o.names < 1000 {
		return errors.New("too few rounds or names, or too little time")
	}
	results, err := obtain(o)
	if err != nil {
		return err
	}
	fmt.Print(results.Markdown())
	if o.readme != "" {
		if err := embed(o.readme, "bench", results.Markdown()); err != nil {
			return fmt.Errorf("writing the tables: %w", err)
		}
	}
	if o.out != "" {
		return write(o.out, results)
	}
	return nil
}

func obtain(o options) (*Results, error) {
	if o.from != "" {
		return load(o.from)
	}
	if err := pin(); err != nil {
		return nil, fmt.Errorf("moving to one core: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return measure(ctx, o)
}

// serverCore and spareCores are where servers run; the last core is the load's.
const serverCore, spareCores = "0", "0,1"

// pin executes the program anew on the last core: the affinity of a process
// that runs already is that of one of its threads only.
func pin() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err
	}
	if set.Count() == 1 {
		runtime.GOMAXPROCS(4) // the kernel shares the core among load and upstream
		return nil
	}
	if set.Count() == 0 || runtime.NumCPU() < 2 {
		return errors.New("needs two cores, one for the server and one for the load")
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"taskset", "-c", strconv.Itoa(runtime.NumCPU() - 1), self}, os.Args[1:]...)
	return syscall.Exec(taskset, args, os.Environ())
}
