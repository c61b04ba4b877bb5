package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/failover/zone"
	"vpcdns/forwarder/control"
)

// insync begins to wait for the change.
func (w *switching) insync(ctx context.Context, z *zone.Zone) {
	w.syncing = make(chan error, 1)
	w.told.Go(func() { w.syncing <- z.Wait(ctx, w.result.ChangeID, nil) })
}

// prove returns when all servers that answer gave only the new address for the old
// TTL and the change is INSYNC, or when time is over. ctx ends with a signal, timed
// with the time.
func (w *switching) prove(ctx, timed context.Context) error {
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	for {
		select {
		case w.synced = <-w.syncing:
			if w.synced == nil {
				w.note(timeline.InSync, "Route 53", "INSYNC")
			} else if timed.Err() == nil {
				w.note(timeline.Failed, "Route 53", "%v", w.synced)
			}
		case <-timed.Done():
			w.awaitSync()
			if ctx.Err() != nil {
				return w.stopped()
			}
			return w.judge()
		case now := <-ticks.C:
			w.tellCorporate(ctx)
			if w.synced != errWaiting && w.line.Settled(now) {
				return w.judge()
			}
		}
	}
}

// awaitSync takes what the wait, which ends with the time, says.
func (w *switching) awaitSync() {
	if w.synced == errWaiting && w.syncing != nil {
		w.synced = <-w.syncing
	}
}

// tellCorporate lets the corporate servers forget the name once the forwarders give
// the new address.
func (w *switching) tellCorporate(ctx context.Context) {
	for _, f := range w.followers {
		if !w.line.GivesNew(f.lane) && !w.line.Silent(f.lane) {
			return
		}
	}
	if w.toldBegun {
		return
	}
	w.toldBegun = true
	for _, c := range w.corporate {
		w.told.Go(func() {
			switch err := c.Flush(ctx, w.order); {
			case err == nil:
				w.note(timeline.Flushed, "", "%s was told to forget %s", c.Text, w.order.Name)
			case ctx.Err() == nil:
				w.note(timeline.Failed, "", "%v", err)
			}
		})
	}
}

// judge returns what is wrong at the end.
func (w *switching) judge() error {
	var errs []error
	s := w.line.Standing()
	if w.synced != nil {
		errs = append(errs, w.synced)
	}
	if len(w.order.Data) == 0 {
		s.Old, s.CameBack = nil, nil // what caches do with a record that is gone is no failure
	}
	if len(s.Old) > 0 {
		errs = append(errs, fmt.Errorf("%w: %s", errStillOld, strings.Join(s.Old, ", ")))
	}
	if len(s.CameBack) > 0 {
		errs = append(errs, fmt.Errorf("%w after the new one at %s", errCameBack, strings.Join(s.CameBack, ", ")))
	}
	if len(s.Silent) > 0 {
		errs = append(errs, fmt.Errorf("%w: %s gives no answer", errUnreachable, strings.Join(s.Silent, ", ")))
	}
	for _, f := range w.followers {
		if _, err := f.Standing(); errors.Is(err, control.ErrUnreachable) {
			errs = append(errs, fmt.Errorf("%w: %w", errUnreachable, err))
		}
	}
	return errors.Join(errs...)
}

// proved is what is certain at a good end.
func (w *switching) proved() string {
	if w.flags.brief {
		return "done: the record is as asked for, and the forwarders were told"
	}
	var facts []string
	if len(w.observed) > 0 {
		facts = append(facts, w.steady(time.Now()))
	}
	if w.result.ChangeID != "" {
		facts = append(facts, "the change is INSYNC")
	}
	return strings.TrimSuffix("done: "+strings.Join(facts, ", and "), ": ")
}

// steady is for how long the new address alone was given: less than the old TTL where
// the time was over before.
func (w *switching) steady(now time.Time) string {
	const all = "each server gave only the new address for %.0f s"
	ttl, steady := w.line.TTL(), w.line.Steady(now)
	if steady < ttl {
		return fmt.Sprintf(all+", not yet for the old TTL of %.0f s (--timeout)", math.Floor(steady.Seconds()), ttl.Seconds())
	}
	return fmt.Sprintf(all, ttl.Seconds())
}

// finish gives each forwarder its goal once more where it lacks that: the lease is
// withdrawn, or confirmed. What stays in force is told.
func (w *switching) finish() {
	_, last := w.flags.times()
	ctx, cancel := context.WithTimeout(context.Background(), last)
	defer cancel()
	var all sync.WaitGroup
	for _, f := range w.followers {
		all.Go(func() {
			if reached, _ := f.Follower.Standing(); !reached {
				f.Step(ctx)
			}
			f.Last(ctx)
		})
	}
	all.Wait()
}

// reach is how long a forwarder that does not answer is tried once the record is
// right: a service waits for it.
const reach = 5 * time.Second

// deliver returns when all forwarders have what they were told, and give it, or when
// that took too long.
func (w *switching) deliver(ctx, timed context.Context) error {
	limited, cancel := context.WithTimeout(timed, reach)
	defer cancel()
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	for !w.delivered() {
		select {
		case <-ticks.C:
		case <-limited.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return w.stopped()
			}
			return w.judge()
		}
	}
	return w.judge()
}

func (w *switching) delivered() bool {
	return !slices.ContainsFunc(w.followers, func(f *follower) bool {
		reached, _ := f.Standing()
		return !reached || len(w.order.Data) > 0 && !w.line.GivesNew(f.lane)
	})
}

// stopped says what state things are in after a signal.
func (w *switching) stopped() error {
	text := "the record is as it was asked for"
	if w.result.ChangeID != "" {
		text = fmt.Sprintf("change %s is accepted and goes on by itself ('failover wait %[1]s')", w.result.ChangeID)
	}
	if len(w.followers) > 0 && !w.flags.noOverride {
		text += "; the forwarders keep the override until their upstream agrees ('failover status --name " + w.order.Name + "' shows it)"
	}
	return fmt.Errorf("%s: %w", text, context.Canceled)
}
