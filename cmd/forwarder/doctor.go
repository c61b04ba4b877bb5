package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os/signal"
	"strings"
	"syscall"

	"vpcdns/cmd/forwarder/doctor"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
)

const doctorNotes = `FILE is the configuration, /etc/named.conf by default, or what the service's
/etc/sysconfig files say. Nothing is changed; each server is asked a few
questions. It takes ten seconds at most. A finding is ok, unseen (this user or
system does not tell: run it as root), a warning, or a PROBLEM, and says what to
do.

Exit status:
  0   no problem; there may be warnings
  1   there are problems, or the check itself failed`

func doctorVerb() verb {
	return verb{
		name: "doctor", args: "[flags] [FILE]",
		summary: "Examine the machine: ports, upstream servers and zones, kernel, clock, memory",
		program: newDoctor,
	}
}

// examination is what `forwarder doctor` was told.
type examination struct {
	user string
	json bool
}

func newDoctor() program {
	e := &examination{}
	s := newVerbFlags("doctor")
	s.StringVarP(&e.user, "user", "u", "", "`user` of the service, named by default")
	s.BoolVar(&e.json, "json", false, "print a list of objects: check, state, seen, remedy")
	return program{s, e.run}
}

func (e *examination) run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 1 {
		fmt.Fprintf(stderr, "forwarder doctor: extra arguments: %v\n", args[1:])
		return 1
	}
	path := readService(sysconfigs...).flags.config
	if len(args) == 1 {
		path = args[0]
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	list, err := e.examine(ctx, path)
	if err == nil {
		err = e.write(stdout, list)
	}
	if err != nil {
		fmt.Fprintf(stderr, "forwarder doctor: %v\n", err)
		return 1
	}
	if doctor.Worst(list) == doctor.Problem {
		return 1
	}
	return 0
}

func (e *examination) write(w io.Writer, list []doctor.Finding) error {
	if !e.json {
		doctor.Write(w, list)
		return nil
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(list)
}

// examine looks at the configuration, and at the machine as that needs it. With a
// configuration that cannot be read there is little to look at.
func (e *examination) examine(ctx context.Context, path string) ([]doctor.Finding, error) {
	in, err := inspect(path, e.user)
	if err != nil {
		return nil, err
	}
	list := ofConfiguration(&in, path)
	if in.config == nil {
		return list, nil
	}
	m, err := machineOf(in.config, in.service.flags)
	if err != nil {
		return nil, err
	}
	return append(list, doctor.Examine(ctx, m)...), nil
}

// ofConfiguration tells errors, and logs that cannot be written, one by one, and of
// the rest how much there is.
func ofConfiguration(in *inspection, path string) (list []doctor.Finding) {
	add := func(check string, state doctor.State, seen, remedy string) {
		list = append(list, doctor.Finding{Check: check, State: state, Seen: seen, Remedy: remedy})
	}
	for _, f := range ofSeverity(in.findings, namedconf.Error) {
		add("configuration", doctor.Problem, f.String(), "")
	}
	others := 0
	for _, f := range ofSeverity(in.findings, namedconf.Change) {
		if losesLines(f) {
			add("log files", doctor.Warning, f.String(), "")
			continue
		}
		others++
	}
	if others > 0 {
		add("configuration", doctor.Warning, fmt.Sprintf("findings about %s that clients or operators notice: %d", path, others), "forwarder migrate-check "+path+" lists them")
	}
	if len(list) == 0 {
		add("configuration", doctor.OK, path+" is read without findings", "")
	}
	return list
}

// losesLines reports whether a finding is about a log that the service's user cannot
// write; it says what to do.
func losesLines(f namedconf.Finding) bool {
	return strings.HasPrefix(f.Message, "channel '") && strings.Contains(f.Message, " is lost; ")
}

func machineOf(cfg *config.Config, f *flags) (*doctor.Machine, error) {
	addrs, err := f.servedBy(cfg)
	if err != nil {
		return nil, err
	}
	metrics, _ := netip.ParseAddrPort(f.metricsAddress) // a name, or none, is not looked at
	return &doctor.Machine{
		Config:      cfg,
		Addresses:   addrs,
		Metrics:     metrics,
		Descriptors: cfg.TCP.Clients + ownDescriptors,
		Holders:     holdersOf,
	}, nil
}
