package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"vpcdns/cmd/forwarder/shadow"
	"vpcdns/forwarder/config"
)

// shadowing is what `forwarder shadow` was told.
type shadowing struct {
	comparison
	config string
	length time.Duration
}

const shadowNotes = `QUERYLOG is the file that the configuration sends category queries to, by
default; it may be rolled meanwhile. The forwarder is made of the configuration
for this, and serves no address. Each question is asked once within its TTL.
What differs is asked once more after some seconds, and counts if it still
differs. The order of records, letter case, additional records and shorter TTLs
are no differences.

Exit status:
  0   no answer differed, or only in known ways that cost clients nothing
  1   answers differed
  2   it could not be done`

func shadowVerb() verb {
	return verb{
		name: "shadow", args: "[flags] [QUERYLOG]",
		summary: "Follow named's query log, ask named and the forwarder the same, and tell how answers differ",
		program: newShadow,
	}
}

func newShadow() program {
	s := &shadowing{}
	flags := newVerbFlags("shadow")
	flags.StringVarP(&s.config, "config", "c", "/etc/named.conf", "`file` with the configuration")
	_ = s.named.Set("127.0.0.1")
	flags.Var(&s.named, "named", "`address` of the named that has this query log")
	s.define(flags)
	flags.DurationVar(&s.length, "for", 0, "end after this `time`, as 2h; else at Ctrl-C or SIGTERM")
	return program{flags: flags, run: s.run}
}

func (s *shadowing) run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if s.length > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, s.length)
		defer cancel()
	}
	totals := &shadow.Totals{Out: stdout}
	unasked, err := s.follow(ctx, args, totals, stdout)
	if unasked > 0 {
		fmt.Fprintf(stdout, "%d questions were not asked: more than %d a second\n", unasked, s.rate)
	}
	return s.end(totals, err, stdout, stderr)
}

// follow compares until ctx ends.
func (s *shadowing) follow(ctx context.Context, args []string, totals *shadow.Totals, stdout io.Writer) (unasked int, err error) {
	cfg, err := s.load(s.config)
	if err != nil {
		return 0, err
	}
	path, err := s.queryLog(cfg, args)
	if err != nil {
		return 0, err
	}
	pair, stop, err := s.open(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer stop()
	fmt.Fprintf(stdout, "asking named at %v and %s what %s says, at most %d questions a second\n", &s.named, s.who(s.config), path, s.rate)
	live := shadow.NewLive(shadow.NewRun(pair, totals, shadow.NewRate(s.rate)))
	err = live.Follow(ctx, path)
	return live.Unasked, err
}

// queryLog is the file that the command line names, or the configuration.
func (s *shadowing) queryLog(cfg *config.Config, args []string) (string, error) {
	if len(args) > 1 {
		return "", errors.New("one query log is followed")
	}
	if len(args) == 1 {
		return args[0], nil
	}
	if paths := queryLogs(cfg); len(paths) > 0 {
		return paths[0], nil
	}
	return "", fmt.Errorf("%s sends queries to no file: name one, or add to its logging { }: channel queries { file \"/var/log/named/queries.log\" versions 3 size 50m; }; category queries { queries; }; and let rndc reconfig read it", s.config)
}
