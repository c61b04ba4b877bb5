package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/failover/pair"
	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/failover/zone"
	"vpcdns/forwarder/control"
	"vpcdns/forwarder/watch"
)

const statusNotes = `The status is 5 where the forwarders disagree with each other, or with the
record: while one of them keeps an old answer, and while an override is in force
that Route 53 does not have.`

func statusVerb() verb {
	return verb{"status", "NAME [flags]", "Show a name in Route 53 and at the forwarders, and whether they agree", statusNotes, statusProgram}
}

type statusFlags struct {
	zone       zone.Settings
	forwarders forwarderFlags
	ipv6       bool
	clients    bool
	json       bool
	noAWS      bool
}

func statusProgram() program {
	s := newVerbFlags("status")
	f := &statusFlags{}
	zoneFlags(s, &f.zone)
	f.forwarders.add(s)
	s.BoolVar(&f.ipv6, "ipv6", false, "show the AAAA record")
	s.BoolVar(&f.noAWS, "no-aws", false, "do not ask Route 53")
	s.BoolVar(&f.clients, "clients", false, "name the clients that may hold an old address")
	s.BoolVar(&f.json, "json", false, "print JSON")
	return program{s, f.run}
}

// nameStatus is what is known of a name, as JSON.
type nameStatus struct {
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Record     *recordStatus     `json:"record"` // null: not asked
	Forwarders []forwarderStatus `json:"forwarders"`
	Agree      bool              `json:"agree"`
}

type recordStatus struct {
	Data  []string `json:"data"`
	TTL   uint32   `json:"ttl"` // s
	Error string   `json:"error,omitempty"`

	err error
}

type forwarderStatus struct {
	Forwarder string        `json:"forwarder"`
	Answer    []string      `json:"answer"`
	TTL       uint32        `json:"ttl"` // that it handed out, s
	DNSError  string        `json:"dns_error,omitempty"`
	Error     string        `json:"error,omitempty"` // of the control channel
	Plain     bool          `json:"plain,omitempty"` // a BIND: it knows no more
	Watch     *watch.Status `json:"watch,omitempty"`

	err  error
	skew time.Duration
}

func (f *statusFlags) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 1 && f.zone.Record == "" {
		f.zone.Record, args = args[0], nil
	}
	if err := errors.Join(noArguments(args), checkZoneFlags(f.zone)); err != nil {
		return err
	}
	if f.noAWS && len(f.forwarders.hosts) == 0 {
		return usageError("--no-aws and no --forwarder: nobody is left to ask")
	}
	targets, lost, err := f.forwarders.found(ctx)
	if err != nil {
		return err
	}
	st := f.gather(ctx, targets, stderr)
	if f.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		err = e.Encode(st)
	} else {
		st.write(stdout)
	}
	return errors.Join(err, st.fault(), lost)
}

// gather asks all at once.
func (f *statusFlags) gather(ctx context.Context, targets []target, stderr io.Writer) nameStatus {
	st := nameStatus{Name: f.zone.Record, Type: "A", Forwarders: []forwarderStatus{}}
	if f.ipv6 {
		st.Type = "AAAA"
	}
	record := make(chan *recordStatus, 1)
	go func() { record <- f.readRecord(ctx, st.Type, stderr) }()
	st.Forwarders = each(targets, func(t target) forwarderStatus { return f.askForwarder(ctx, t, st.Type) })
	st.Record = <-record
	st.Agree = st.agree()
	return st
}

func (f *statusFlags) readRecord(ctx context.Context, rtype string, stderr io.Writer) *recordStatus {
	if f.noAWS {
		return nil
	}
	z, err := openZone(ctx, f.zone, stderr)
	var r zone.Record
	if err == nil {
		r, err = z.Read(ctx, f.zone.Record, rtype)
	}
	if err != nil {
		return &recordStatus{Data: []string{}, Error: err.Error(), err: err}
	}
	return &recordStatus{Data: append([]string{}, r.Values...), TTL: r.TTL}
}

func (f *statusFlags) askForwarder(ctx context.Context, t target, rtype string) forwarderStatus {
	st := forwarderStatus{Forwarder: t.label, Answer: []string{}}
	a := timeline.DNS(t.dns, f.zone.Record, dns.StringToType[rtype])(ctx)
	st.Answer, st.TTL, st.DNSError = append(st.Answer, a.Data...), a.TTL, a.Err
	w, err := t.Show(ctx, f.zone.Record, f.clients)
	switch {
	case err == nil:
		st.Watch, st.skew = &w, time.Since(w.Now)
	case errors.Is(err, control.ErrUnknown):
		st.Plain = true
	case !errors.Is(err, control.ErrNotFound): // that is a name that is not watched
		st.Error, st.err = err.Error(), ofPair(err)
	}
	return st
}

// agree reports whether all that answered gave the same, and the record's.
func (s nameStatus) agree() bool {
	var first *[]string
	if s.Record != nil && s.Record.err == nil {
		first = &s.Record.Data
	}
	for i := range s.Forwarders {
		f := &s.Forwarders[i]
		switch {
		case f.DNSError != "":
		case first == nil:
			first = &f.Answer
		case !pair.SameData(*first, f.Answer):
			return false
		}
	}
	return true
}

// fault is what the exit status says.
func (s nameStatus) fault() error {
	var errs []error
	if s.Record != nil {
		errs = append(errs, s.Record.err)
	}
	if !s.Agree {
		errs = append(errs, disagreement{})
	}
	for _, f := range s.Forwarders {
		errs = append(errs, f.err)
		if f.DNSError != "" {
			errs = append(errs, &unanswered{f.Forwarder, f.DNSError})
		}
	}
	return errors.Join(errs...)
}

// disagreement is of the servers with each other, or with Route 53.
type disagreement struct{}

func (disagreement) Error() string        { return "the servers disagree" }
func (disagreement) Is(target error) bool { return target == errStillOld }

// unanswered is a server that gives no answer.
type unanswered struct{ server, why string }

func (u *unanswered) Error() string        { return u.server + " gives no answer: " + u.why }
func (u *unanswered) Is(target error) bool { return target == errUnreachable }
