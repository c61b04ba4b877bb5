package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// way is the forwarder with some of what lets people see what it does. {dir} stands for
// a directory of its own, {free} for a port.
type way struct {
	name    string
	program string // another one than is measured
	options string // of named.conf, and what follows
	flags   string
	blind   bool // no metrics address, so no page either
	viewers int  // who have the page open
	socket  bool // a program reads the socket {dir}/tap
}

const (
	toFile    = `querylog yes; }; logging { channel q { file "{dir}/queries" versions 1 size 200m; severity info; print-time yes; print-category yes; print-severity yes; }; category queries { q; }; category responses { q; }; };`
	responses = `responselog yes; `
	oneOf100  = "--query-log-sample 100"
	tapAll    = `dnstap { all; }; dnstap-identity "bench"; `
	tapFile   = tapAll + `dnstap-output file "{dir}/tap" size 200m versions 1; `
	tapUnix   = tapAll + `dnstap-output unix "{dir}/tap"; `
	ended     = `};` // of options

	// lastOption is namedConf's: what options end with comes behind it.
	lastOption = "clients-per-query 0;"
)

// ways are the rows of the table.
var ways = []way{
	{name: unobserved, options: ended, blind: true},
	{name: "metrics and page, nobody looks (default)", options: ended},
	{name: "10 viewers of the page", options: ended, viewers: 10},
	{name: "statistics-channels", options: ended + `statistics-channels { inet 127.0.0.1 port {free} allow { any; }; };`},
	{name: "query log to a file", options: toFile},
	{name: "query log, 1 of 100", options: toFile, flags: oneOf100},
	{name: "query log and responselog to a file", options: responses + toFile},
	{name: "query log and responselog, 1 of 100", options: responses + toFile, flags: oneOf100},
	{name: "dnstap all to a file", options: tapFile + ended},
	{name: "dnstap all to a socket", options: tapUnix + ended, socket: true},
	{name: "all: viewers, both logs 1 of 100, dnstap to a socket", options: tapUnix + responses + toFile, flags: oneOf100, viewers: 10, socket: true},
	{name: "all: viewers, both logs, dnstap to a socket", options: tapUnix + responses + toFile, viewers: 10, socket: true},
}

// observedVerb measures what it costs to be seen.
func observedVerb(args []string) error {
	o := options{names: fewNames}
	var readme string
	flags := flag.NewFlagSet("bench observed", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "`times` that each load is repeated; the medians count")
	flags.DurationVar(&o.time, "time", time.Second, "`length` of one load")
	flags.StringVar(&o.forwarder, "forwarder", "", "`program` to measure, instead of building it from the source here")
	flags.StringVar(&o.before, "before", "", "`program` of an earlier version, to measure with nothing to be seen")
	flags.StringVar(&readme, "readme", "", "`file` to write the table to, between its observed:begin and observed:end marks")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.time <= 0 {
		return usageError("bench observed takes flags only, and needs a round and some time: see bench observed -h")
	}
	if err := pin(); err != nil {
		return fmt.Errorf("moving to one core: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	shown := ways
	if o.before != "" {
		before := way{name: "an earlier version, nothing", program: o.before, options: ended, blind: true}
		shown = slices.Insert(slices.Clone(ways), 1, before)
	}
	results, err := measureObserved(ctx, o, shown)
	if err != nil {
		return err
	}
	fmt.Print(results.Observed())
	if readme == "" {
		return nil
	}
	return embed(readme, "observed", results.Observed())
}

// measureObserved runs a forwarder for each way, all at once, with loads in turns.
func measureObserved(ctx context.Context, o options, ways []way) (*Results, error) {
	b, done, err := newBench(ctx, o)
	if err != nil {
		return nil, err
	}
	defer done()
	program, err := b.build()
	if err != nil {
		return nil, err
	}
	var servers []*server
	var ends ends
	defer ends.all()
	for i, w := range ways {
		s, err := b.show(w, cmp.Or(w.program, program), filepath.Join(b.dir, "way"+strconv.Itoa(i)), &ends)
		if err != nil {
			return nil, fmt.Errorf("starting with %s: %w", w.name, err)
		}
		servers = append(servers, s)
	}
	return b.results, b.observedLoads(servers)
}

func (b *bench) observedLoads(servers []*server) error {
	file, err := b.few(servers)
	if err != nil {
		return err
	}
	loads := []func(*server) error{
		func(s *server) error { return b.steady("hits, 20 k/s", s, 20_000) },
		func(s *server) error { return b.hit("hits, as many as it can", s, file, 16) },
		b.misses,
	}
	for i, load := range loads {
		if err := b.each(fmt.Sprintf("load %d of %d", i+1, len(loads)), servers, load); err != nil {
			return err
		}
	}
	return nil
}

// steady asks for known names at a rate that no server feels as a load.
func (b *bench) steady(test string, s *server, rate float64) error {
	c, err := newClients(s.addr, 16)
	if err != nil {
		return err
	}
	defer c.close()
	return b.cost(test, 0, s, func() (float64, error) {
		return float64(c.run(traffic{rate: rate, length: b.time, query: pick(fewNames)}).answered), nil
	})
}

// ends are what ends what was begun, the last first.
type ends []func()

func (e *ends) add(end func()) { *e = append(*e, end) }

func (e *ends) all() {
	for i := range *e {
		(*e)[len(*e)-1-i]()
	}
}

// show starts a forwarder, and those who look at it, until ended.
func (b *bench) show(w way, program, dir string, ends *ends) (*server, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if w.socket {
		end, err := readTap(b.ctx, filepath.Join(dir, "tap"))
		if err != nil {
			return nil, err
		}
		ends.add(end)
	}
	metrics, err := w.metrics()
	if err != nil {
		return nil, err
	}
	free, err := freeAddr()
	if err != nil {
		return nil, err
	}
	options := strings.NewReplacer("{dir}", dir, "{free}", fmt.Sprint(free.Port())).Replace(w.options)
	conf := strings.Replace(namedConf, lastOption+"\n};", lastOption+"\n\t"+options, 1)
	args := fmt.Sprintf("-g --metrics-address=%s -c {conf} %s", metrics, w.flags)
	s, err := startServer(peer{name: w.name, program: program, args: args, conf: conf}, b.dir, serverCore, b.upstream)
	if err != nil {
		return nil, err
	}
	ends.add(s.stop)
	return s, view(b.ctx, "http://"+metrics+"/api/v1/events", w.viewers, ends)
}

// metrics returns an address for them, or none.
func (w *way) metrics() (string, error) {
	if w.blind {
		return "", nil
	}
	addr, err := freeAddr()
	return addr.String(), err
}

// readTap lets a program read what comes by a socket, and throw it away.
func readTap(ctx context.Context, socket string) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, "fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", socket, "-w", "/dev/null")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting who reads the socket (fstrm-bin): %w", err)
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // how it ended does not matter
	}, nil
}

// view has n viewers read the page's events until ended.
func view(ctx context.Context, url string, n int, ends *ends) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	ends.add(func() { cancel(); wg.Wait() })
	for range n {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("viewing the page: %w", err)
		}
		wg.Go(func() {
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body) // until ended
		})
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("viewing the page: %s", resp.Status)
		}
	}
	return nil
}
