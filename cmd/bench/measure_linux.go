package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// stem begins the names that are in the caches.
const stem = "host"

const (
	fewNames = 10_000
	window   = 256 // queries that wait for an answer
)

// bench is one run.
type bench struct {
	ctx context.Context
	options
	dir      string
	upstream netip.AddrPort
	peers    []peer
	results  *Results
	series   int // of names that were never asked
}

// measure runs everything, in parts that each have their servers.
func measure(ctx context.Context, o options) (*Results, error) {
	b, done, err := newBench(ctx, o)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := b.choosePeers(); err != nil {
		return nil, err
	}
	for _, part := range []func() error{b.starts, b.small, b.big, b.sockets, b.readers} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return b.results, nil
}

// newBench makes a run with a directory and an upstream, until done is called.
func newBench(ctx context.Context, o options) (b *bench, done func(), err error) {
	if _, err := exec.LookPath("dnsperf"); err != nil {
		return nil, nil, fmt.Errorf("the loads need it: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, err
	}
	b = &bench{ctx: ctx, options: o, dir: dir, results: &Results{Machine: machine(), Date: time.Now().Format(time.DateOnly)}}
	upstream, stop, err := startUpstream()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("starting the upstream: %w", err), os.RemoveAll(dir))
	}
	b.upstream = upstream
	return b, func() { stop(); os.RemoveAll(dir) }, nil
}

// machine names the processor and the kernel.
func machine() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	_, model, _ := bytes.Cut(info, []byte("model name\t: "))
	model, _, _ = bytes.Cut(model, []byte("\n"))
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	kernel, _, _ := bytes.Cut(bytes.TrimSpace(release), []byte("-")) // the rest is the distributor's
	return fmt.Sprintf("%s, %d cores, Linux %s, %s", model, len(bytes.Split(info, []byte("\nprocessor"))), kernel, runtime.Version())
}

// choosePeers takes those asked for, or all that are installed, and makes the
// programs that are ours.
func (b *bench) choosePeers() error {
	for _, p := range peers {
		wanted := len(b.options.peers) == 0 && p.installed() || slices.Contains(b.options.peers, p.name)
		var err error
		switch p.name {
		case floor:
			p.program, err = b.compile()
			wanted = p.program != ""
		case before:
			if wanted = b.before != ""; wanted {
				p.program, err = filepath.Abs(b.before)
			}
		case ours:
			p.program, err = b.build()
			wanted = true
		}
		if err != nil {
			return err
		}
		if wanted {
			b.peers = append(b.peers, p)
		}
	}
	return nil
}

// compile returns the path of the echo, or nothing without a C compiler.
func (b *bench) compile() (string, error) {
	if _, err := exec.LookPath("cc"); err != nil {
		return "", nil
	}
	path := filepath.Join(b.dir, floor)
	cc := exec.CommandContext(b.ctx, "cc", "-O2", "-x", "c", "-o", path, "-")
	cc.Stdin = strings.NewReader(echoSource)
	if out, err := cc.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling the echo: %w\n%s", err, out)
	}
	return path, nil
}

func (b *bench) build() (string, error) {
	if b.forwarder != "" {
		return filepath.Abs(b.forwarder)
	}
	path := filepath.Join(b.dir, ours)
	if out, err := exec.CommandContext(b.ctx, "go", "build", "-o", path, "vpcdns/cmd/forwarder").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the forwarder: %w\n%s", err, out)
	}
	return path, nil
}

// start runs the peers that are wanted, all on the server's core.
func (b *bench) start(wanted func(peer) bool) (servers []*server, stop func(), err error) {
	stop = func() {
		for _, s := range servers {
			s.stop()
		}
	}
	for _, p := range b.peers {
		if !wanted(p) {
			continue
		}
		s, err := startServer(p, b.dir, serverCore, b.upstream)
		if err != nil {
			stop()
			return nil, nil, err
		}
		servers = append(servers, s)
	}
	return servers, stop, nil
}

// only, except and keep choose among servers.
func only(names ...string) func(peer) bool {
	return func(p peer) bool { return slices.Contains(names, p.name) }
}

func except(names ...string) func(peer) bool {
	return func(p peer) bool { return !slices.Contains(names, p.name) }
}

func keep(servers []*server, wanted func(peer) bool) (kept []*server) {
	for _, s := range servers {
		if wanted(s.peer) {
			kept = append(kept, s)
		}
	}
	return kept
}

// each measures every server once a round.
func (b *bench) each(what string, servers []*server, measure func(*server) error) error {
	for round := range b.rounds {
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", what, round+1, b.rounds)
		for _, s := range servers {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			if err := measure(s); err != nil {
				return fmt.Errorf("measuring %s, %s: %w", s.name, what, err)
			}
		}
	}
	return nil
}

// cost records the CPU time that s takes for a query of a load, which returns
// the number of its answers.
func (b *bench) cost(test string, n int, s *server, load func() (float64, error)) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	answered, err := load()
	if err != nil {
		return fmt.Errorf("%s: %w", test, err)
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	if answered == 0 {
		return errors.New("no answers")
	}
	b.results.add(test, n, s.name, "µs", float64((after-before).Microseconds())/answered)
	return nil
}

// warm has s cache so many names.
func warm(s *server, names int) error {
	c, err := newClients(s.addr, 4)
	if err != nil {
		return err
	}
	defer c.close()
	for range 5 { // queries get lost
		o := c.run(traffic{window: 64, count: names, length: 5 * time.Minute, query: func(i int) (string, int) { return stem, i }})
		if o.lost <= names/1000 {
			return nil
		}
	}
	return fmt.Errorf("%s loses queries again and again", s.name)
}
