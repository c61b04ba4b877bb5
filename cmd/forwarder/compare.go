package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/miekg/dns"
	"github.com/spf13/pflag"

	"vpcdns/cmd/forwarder/shadow"
	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// Exit statuses of what compares two servers.
const (
	alike        = 0
	differs      = 1
	incomparable = 2
)

const compareNotes = `
With --compare nothing else is done: named and the forwarder that FILE makes,
which serves no address, are asked at the same moment. What differs is asked
once more after some seconds, and counts if it still differs. The order of
records, letter case, additional records and shorter TTLs are no differences.
Exit status then:
  0   no answer differs, or only in known ways that cost clients nothing
  1   answers differ
  2   it could not be done`

// comparison is named and a forwarder that are asked the same questions, as flags
// say.
type comparison struct {
	named     bindAddress
	with      bindAddress
	rate      int
	most      int
	questions []string
}

// bindAddress is the value of a flag: an address in BIND's way, of port 53 unless it
// says another. The zero value is none.
type bindAddress struct{ netip.AddrPort }

func (a *bindAddress) Type() string { return "address" }

func (a *bindAddress) String() string {
	if !a.IsValid() {
		return ""
	}
	return host.Address(a.AddrPort)
}

func (a *bindAddress) Set(s string) (err error) {
	a.AddrPort, err = shadow.ParseAddr(s, 53)
	return err
}

// defineCompare defines --compare and what goes with it.
func (c *comparison) defineCompare(s *pflag.FlagSet) {
	s.Var(&c.named, "compare", "`address` of a named, as 127.0.0.1 or 127.0.0.1#5353: ask it and the forwarder the same questions, and print differences")
	c.define(s)
	s.IntVar(&c.most, "most", 10_000, "with --compare: most `questions`, what was asked most first")
	s.StringArrayVar(&c.questions, "questions", nil, "with --compare: `file` (or directory) with a query log, a dump of rndc dumpdb -cache, or lines NAME [TYPE]; what the configuration knows if none is given")
}

func (c *comparison) define(s *pflag.FlagSet) {
	s.Var(&c.with, "with", "`address` of a forwarder that runs, in place of one that is made of the configuration for this")
	s.IntVar(&c.rate, "rate", 30, "most `questions` a second: the VPC resolver's 1024 packets are shared with what is in use")
}

// wanted reports whether there is a named to ask.
func (c *comparison) wanted() bool { return c.named.IsValid() }

// migration compares for migrate-check, whose argument is the configuration.
func (c *comparison) migration(args []string, stdout, stderr io.Writer) int {
	switch len(args) {
	case 0:
		return c.compare("/etc/named.conf", stdout, stderr)
	case 1:
		return c.compare(args[0], stdout, stderr)
	}
	fmt.Fprintf(stderr, "forwarder: comparing: extra arguments: %s\n", strings.Join(args[1:], " "))
	return incomparable
}

// compare asks all questions, writes in what the answers differ, and both latencies.
// path is the configuration's. It returns the exit status.
func (c *comparison) compare(path string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	totals := &shadow.Totals{Out: stdout}
	err := c.run(ctx, path, totals, stdout)
	return c.end(totals, err, stdout, stderr)
}

// end writes the last lines.
func (c *comparison) end(totals *shadow.Totals, err error, stdout, stderr io.Writer) int {
	found := false
	if err == nil {
		found, err = totals.Differ()
	}
	if err != nil {
		fmt.Fprintf(stderr, "forwarder: comparing: %v\n", err)
		return incomparable
	}
	fmt.Fprintf(stdout, "%v; %s\n", totals, totals.Latencies())
	if found {
		return differs
	}
	return alike
}

func (c *comparison) run(ctx context.Context, path string, totals *shadow.Totals, stdout io.Writer) error {
	cfg, err := c.load(path)
	if err != nil {
		return err
	}
	asked, from, err := c.gather(cfg)
	if err != nil {
		return err
	}
	pair, stop, err := c.open(ctx, cfg)
	if err != nil {
		return err
	}
	defer stop()
	list := asked.Top(c.most)
	fmt.Fprintf(stdout, "asking named at %v and %s %d questions of %s, %d a second\n", &c.named, c.who(path), len(list), from, c.rate)
	if n := asked.Len() - len(list) + asked.Lost; n > 0 {
		fmt.Fprintf(stdout, "%d more are left out: --most, no room, or transfers\n", n)
	}
	shadow.NewRun(pair, totals, shadow.NewRate(c.rate)).All(ctx, list)
	return nil
}

func (c *comparison) load(path string) (*config.Config, error) {
	if c.rate < 1 || c.rate > 1000 {
		return nil, fmt.Errorf("a rate of %d is not from 1 to 1000 a second", c.rate)
	}
	cfg, _, err := config.Loader{Port: uint16(readService(sysconfigs...).flags.port)}.Load(path)
	if err != nil {
		return nil, fmt.Errorf("loading the configuration: %w", err)
	}
	return cfg, nil
}

func (c *comparison) who(path string) string {
	if c.with.IsValid() {
		return fmt.Sprintf("the forwarder at %v", &c.with)
	}
	return "the forwarder that " + path + " makes"
}

// gather returns the questions, and says where they are from.
func (c *comparison) gather(cfg *config.Config) (*shadow.Questions, string, error) {
	asked := new(shadow.Questions)
	if len(c.questions) > 0 {
		var errs []error
		for _, path := range c.questions {
			errs = append(errs, asked.ReadPath(path))
		}
		return asked, strings.Join(c.questions, " "), errors.Join(errs...)
	}
	addOfZones(asked, cfg)
	from := "the configuration's zones"
	for _, path := range queryLogs(cfg) {
		if before := asked.Len(); asked.ReadRolled(path) == nil || asked.Len() > before {
			from += " and " + path
		}
	}
	return asked, from, nil
}

// open returns both servers, once named answers, and what ends ours.
func (c *comparison) open(ctx context.Context, cfg *config.Config) (*shadow.Pair, func(), error) {
	named := &shadow.Remote{Addr: c.named.AddrPort}
	if err := shadow.Knock(ctx, named); err != nil {
		return nil, nil, fmt.Errorf("no named answers at %v: %w", &c.named, err)
	}
	p := &shadow.Pair{Named: named, Upstream: upstreamOf(cfg)}
	if c.with.IsValid() {
		ours := &shadow.Remote{Addr: c.with.AddrPort}
		if err := shadow.Knock(ctx, ours); err != nil {
			return nil, nil, fmt.Errorf("no forwarder answers at %v: %w", &c.with, err)
		}
		p.Ours = ours
		return p, func() {}, nil
	}
	server, stop, err := c.serve(cfg)
	if err != nil {
		return nil, nil, err
	}
	p.Ours = shadow.InProcess(server.Exchange)
	return p, stop, nil
}

// shadowCache is the most that the cache of a forwarder in this process holds, in
// octets: some hundred thousand names.
const shadowCache = 64 << 20

// serve makes a forwarder that serves no address, and spends few packets.
func (c *comparison) serve(cfg *config.Config) (*forwarder.Server, func(), error) {
	cfg.Listen = []config.Listen{{Port: 53}} // which matches no address
	if cfg.Cache.MaxSize == 0 || cfg.Cache.MaxSize > shadowCache {
		cfg.Cache.MaxSize = shadowCache
	}
	limitMemory(cfg.Cache.MaxSize)
	const each = 4 // packets that a question takes at most, usually
	server, err := forwarder.New(cfg, forwarder.Options{UpstreamPPS: each * c.rate})
	if err != nil {
		return nil, nil, fmt.Errorf("making a forwarder: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ctx) }) // it has no sockets that could fail
	return server, func() { stop(); serving.Wait() }, nil
}

// upstreamOf returns the first server that a name is forwarded to.
func upstreamOf(cfg *config.Config) func(name string) shadow.Server {
	return func(name string) shadow.Server {
		var best *config.ForwardZone
		for i, z := range cfg.Zones {
			if dns.IsSubDomain(z.Name, name) && (best == nil || len(z.Name) > len(best.Name)) {
				best = &cfg.Zones[i]
			}
		}
		if best == nil || len(best.Forwarders) == 0 {
			return nil
		}
		return &shadow.Remote{Addr: best.Forwarders[0]}
	}
}
