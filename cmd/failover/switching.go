package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vpcdns/cmd/failover/pair"
	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/failover/zone"
	"vpcdns/forwarder/control"
)

// switching is a switch under way.
type switching struct {
	flags     *switchFlags
	order     pair.Order
	line      *timeline.Timeline
	followers []*follower
	known     chan struct{} // closed when the old TTL is
	observed  []observed
	corporate []pair.Corporate

	result  zone.Result
	synced  error // of the wait for INSYNC; errWaiting until that is over
	syncing chan error

	told      sync.WaitGroup // corporate servers, and the wait for INSYNC
	toldBegun bool
}

type observed struct {
	lane *timeline.Lane
	ask  timeline.Ask
}

// follower is a forwarder, with its lane.
type follower struct {
	pair.Follower
	lane *timeline.Lane
}

var errWaiting = errors.New("waiting")

const (
	// look is how often it is looked whether all is over.
	look = 50 * time.Millisecond

	// lastWords is how long forwarders are told, after the end, what it is.
	lastWords = 4 * time.Second
)

func (w *switching) follow(t target, ask timeline.Ask) {
	f := &follower{lane: w.line.AddLane(t.label, timeline.Forwarder)}
	verify := w.flags.timeout
	if w.flags.brief {
		verify = switchTimeout // the forwarder goes on with it
	}
	f.Follower = pair.Follower{
		Server: t.Server, Order: w.order, Verify: verify, Clients: w.flags.clients,
		StillOld: func() bool { return !w.line.GivesNew(f.lane) },
		Tell: func(e pair.Event) {
			w.line.Note(timeline.Event{At: e.At, Kind: timeline.Kind(e.What), Server: t.label, Text: e.Text})
		},
	}
	f.Begin()
	w.followers = append(w.followers, f)
	w.observed = append(w.observed, observed{f.lane, ask})
}

func (w *switching) note(k timeline.Kind, server, format string, args ...any) {
	w.line.Note(timeline.Event{At: time.Now(), Kind: k, Server: server, Text: fmt.Sprintf(format, args...)})
}

func (w *switching) want(g pair.Goal) {
	for _, f := range w.followers {
		f.Want(g)
	}
}

// run switches, and returns how it ended.
func (w *switching) run(ctx context.Context) error {
	most, _ := w.flags.times()
	timed, cancel := context.WithTimeout(ctx, most)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, o := range w.observed {
		all.Go(func() { w.line.Observe(timed, o.lane, o.ask) })
	}
	if !w.flags.noOverride && len(w.order.Data) > 0 && len(w.flags.change.From) == 0 {
		w.want(pair.Lease)
	}
	w.known = make(chan struct{})
	followed, stop := context.WithCancel(timed)
	defer stop()
	var followers sync.WaitGroup
	for _, f := range w.followers {
		followers.Go(func() {
			if age, watched := w.greet(followed, f); watched {
				followers.Go(func() { w.warnYoung(followed, f, age) })
			}
			f.Run(followed)
		})
	}
	err := w.change(timed)
	switch {
	case err != nil:
	case w.flags.brief:
		err = w.deliver(ctx, timed)
	default:
		err = w.prove(ctx, timed)
	}
	stop()
	followers.Wait()
	w.finish()
	w.told.Wait()
	return err
}

// greet asks whether the forwarder is there, and warns where the name was not
// watched: it may have been handed out with its TTL. Else it returns for how long.
func (w *switching) greet(ctx context.Context, f *follower) (age time.Duration, watched bool) {
	if err := f.Null(ctx); err != nil {
		return 0, false // Run tells
	}
	st, err := f.Show(ctx, w.order.Name, false)
	if other := f.Order.Hidden(&st); w.flags.noOverride && other != "" {
		w.note(timeline.Warned, f.lane.Server, "an override to %s is in force there, and hides the new address until it ends; 'override delete %s' ends it", other, w.order.Name)
	}
	switch {
	case err != nil && !errors.Is(err, control.ErrNotFound):
	case !st.Watched:
		w.note(timeline.Warned, f.lane.Server, "%s is not watched there: clients may keep the old address for its TTL; 'watch add %s', or --watch, shortens that for the next time", w.order.Name, w.order.Name)
	}
	return st.Now.Sub(st.Since), st.Watched
}

// warnYoung warns where the name was watched for less than the TTL that it was handed
// out with before.
func (w *switching) warnYoung(ctx context.Context, f *follower, age time.Duration) {
	select {
	case <-w.known:
	case <-ctx.Done():
		return
	}
	if ttl := w.line.TTL(); age < ttl {
		w.note(timeline.Warned, f.lane.Server, "%s is watched there for %.0f s only, less than its TTL of %.0f s: clients may keep the old address for that", w.order.Name, age.Seconds(), ttl.Seconds())
	}
}

// change asks Route 53, and lets the forwarders know what it says.
func (w *switching) change(ctx context.Context) error {
	z, err := w.ask(ctx)
	w.synced = errWaiting
	switch {
	case err != nil:
		w.want(pair.Gone)
		w.note(timeline.Refused, "Route 53", "%s", notAccepted(err))
		return w.failure(err)
	case w.result.Already:
		w.note(timeline.Accepted, "Route 53", "the record has this already: nothing is changed")
		w.synced = nil
	default:
		w.note(timeline.Accepted, "Route 53", "accepted, change %s", w.result.ChangeID)
	}
	w.want(w.goal())
	switch {
	case w.flags.brief:
		w.synced = nil // nobody waits for it
	case w.synced != nil:
		w.insync(ctx, z)
	}
	return nil
}

// goal is what the forwarders are to have once the change is accepted.
func (w *switching) goal() pair.Goal {
	switch {
	case len(w.order.Data) == 0:
		return pair.Flushed
	case w.flags.noOverride:
		return pair.Checked
	}
	return pair.Firm
}

// ask finds the zone, reads the record and changes it.
func (w *switching) ask(ctx context.Context) (*zone.Zone, error) {
	z, err := w.flags.open(ctx, func(line string) { w.note(timeline.Failed, "Route 53", "%s", line) })
	if err != nil {
		return nil, err
	}
	old, err := z.Read(ctx, w.order.Name, w.order.Type)
	if err != nil {
		return z, err
	}
	ttl := old.TTL
	if !old.Exists() {
		ttl = w.flags.change.TTL
	}
	w.line.Know(old.Values, time.Duration(ttl)*time.Second, time.Now())
	close(w.known)
	w.result, err = z.Switch(ctx, w.flags.change)
	for _, text := range w.result.Warnings {
		w.note(timeline.Warned, "", "%s", text)
	}
	return z, err
}

func notAccepted(err error) string {
	if zone.MayHaveChanged(err) {
		return "no reply says whether it was accepted"
	}
	return "not accepted"
}

// failure says what state the record is in, and what else can be done.
func (w *switching) failure(err error) error {
	switch {
	case zone.MayHaveChanged(err):
		err = fmt.Errorf("%w; whether the change was made is not known: 'failover status %s' shows the record", err, w.order.Name)
	case errors.Is(err, zone.ErrAPI), errors.Is(err, context.Canceled):
		err = fmt.Errorf("%w; nothing was changed", err)
	}
	if errors.Is(err, zone.ErrAPI) && len(w.order.Data) > 0 {
		err = fmt.Errorf("%w\nwithout the API, this gives the address at the forwarders:\n  %s", err, w.flags.wayOut(w.order))
	}
	return err
}
