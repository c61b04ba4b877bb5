package pair

import (
	"context"
	"errors"
	"sync"
	"time"

	"vpcdns/forwarder/control"
)

// Goal is what a server is to have.
type Goal int

// The goals.
const (
	Nothing Goal = iota
	Lease        // the override, which ends by itself soon
	Firm         // the override, and its upstream verified
	Checked      // no override: flushed, and its upstream verified
	Gone         // no override any more: the switch was refused
	Flushed      // no override: flushed once
)

// Event is something that happened at a server. What is one of timeline's kinds.
type Event struct {
	At     time.Time
	What   string
	Server string
	Text   string
}

const (
	retryPause = 500 * time.Millisecond // after a failure, and between looks at the server
	renewAfter = 4 * time.Second        // of a lease of 10 s
)

// Follower brings a server to a goal, and tries again until it has it. Set its
// fields first. Want and Standing may then be called by any goroutine, Run and Step
// by one.
type Follower struct {
	Server
	Order   Order
	Verify  time.Duration // for how long the upstream is verified at most
	Clients bool          // ask who holds the old data, by name
	// StillOld reports whether the server was heard to give other than new data.
	StillOld func() bool
	Tell     func(Event)

	wake chan struct{}

	mu      sync.Mutex // of what follows
	goal    Goal
	failed  error // why the goal is not reached, nil if it is or was not tried
	reached bool

	// Of Run and Step alone.
	plain    bool // knows no override: a BIND
	barred   bool // does not allow it for this name
	leasedAt time.Time
	firm     bool
	doubtful bool // it may have the override though it did not say so
	// withdrawing is that it was told to withdraw, and has not replied.
	withdrawing bool
	verified    bool
	silent      bool // unreachable, which was told
	seen        seen
}

// Begin prepares a Follower. It is to be called once, before all else.
func (f *Follower) Begin() {
	f.wake = make(chan struct{}, 1)
	f.seen.refused = map[string]bool{}
}

// Want sets the goal. It does not wait.
func (f *Follower) Want(g Goal) {
	f.mu.Lock()
	f.goal, f.reached = g, false
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Standing is how far it is: whether the goal is reached, else why not.
func (f *Follower) Standing() (reached bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reached, f.failed
}

// Run acts until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	for {
		f.Step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-time.After(retryPause):
		}
	}
}

// Step does once what the goal asks for.
func (f *Follower) Step(ctx context.Context) {
	f.mu.Lock()
	goal := f.goal
	f.mu.Unlock()
	err := f.act(ctx, goal)
	if err != nil && over(ctx) {
		return // it was we who ended it
	}
	f.note(err)
	f.mu.Lock()
	f.failed = err
	f.reached = f.reached || err == nil && goal == f.goal
	f.mu.Unlock()
}

// over reports whether ctx has ended. A connection's deadline, which is taken from it,
// may pass a moment before ctx says so.
func over(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(end)
}

func (f *Follower) act(ctx context.Context, g Goal) error {
	switch {
	case g == Nothing:
		return nil
	case g == Gone:
		return f.withdraw(ctx)
	case f.plain || g == Flushed:
		return f.flush(ctx)
	case f.barred || g == Checked:
		return f.check(ctx)
	}
	if err := f.override(ctx, g); err != nil {
		return f.lesser(ctx, err)
	}
	if g == Lease {
		return nil
	}
	return f.look(ctx)
}

// override adds, renews or confirms.
func (f *Follower) override(ctx context.Context, g Goal) error {
	switch {
	case f.firm, g == Lease && time.Since(f.leasedAt) < renewAfter:
		return nil
	case g == Firm && !f.leasedAt.IsZero():
		err := f.Confirm(ctx, f.Order)
		if err == nil {
			f.firm = true
			f.tell("override_confirmed", "override confirmed")
			return nil
		}
		if !isRefusal(err) {
			return err
		} // it ended before: anew
	}
	first := f.leasedAt.IsZero()
	f.doubtful = true
	if err := f.Add(ctx, f.Order, g == Lease); err != nil {
		return err
	}
	f.leasedAt, f.firm = time.Now(), g == Firm
	switch {
	case first && g == Lease:
		f.tell("override", "override in force, as a lease of 10 s")
	case g == Firm:
		f.tell("override", "override in force")
	}
	return nil
}

// lesser is what is done where a server will not have the override.
func (f *Follower) lesser(ctx context.Context, err error) error {
	var refused *control.Refusal
	switch {
	case errors.Is(err, control.ErrUnknown):
		f.plain, f.doubtful = true, false
		f.tell("failed", "it knows no override (a BIND, or an older forwarder): the name is flushed there until it gives the new address")
		return f.flush(ctx)
	case errors.As(err, &refused) && f.leasedAt.IsZero():
		f.barred, f.doubtful = true, false
		f.tell("failed", "no override: "+err.Error()+"; flushing and verifying there instead")
		return f.check(ctx)
	}
	return err
}

// flush drops the name, again as long as the server gives other data.
func (f *Follower) flush(ctx context.Context) error {
	again := f.seen.flushed
	if again && !f.StillOld() {
		return nil
	}
	if err := f.Flush(ctx, f.Order.Name); err != nil {
		return err
	}
	f.seen.flushed = true
	if !again {
		f.tell("flushed", "flushed "+f.Order.Name)
	}
	return nil
}

// check is flush with the help of a forwarder, which keeps no old data meanwhile.
func (f *Follower) check(ctx context.Context) error {
	err := f.flush(ctx)
	if err != nil && !isRefusal(err) {
		return err
	}
	f.noteRefusal(err)
	return errors.Join(f.look(ctx), err)
}

// withdraw ends what may be in force by us.
func (f *Follower) withdraw(ctx context.Context) error {
	if !f.doubtful {
		return nil
	}
	again := f.withdrawing
	f.withdrawing = true
	err := f.Withdraw(ctx, f.Order)
	if err != nil && !isRefusal(err) {
		return err
	}
	f.doubtful, f.withdrawing, f.leasedAt, f.firm = false, false, time.Time{}, false
	switch gone := errors.Is(err, control.ErrNotFound); {
	case err == nil, gone && again: // the reply to the first was lost
		f.tell("override_withdrawn", "override withdrawn")
	case !gone:
		f.tell("failed", err.Error())
	}
	return nil
}

// isRefusal reports whether it is the server that said it.
func isRefusal(err error) bool {
	var refused *control.Refusal
	return errors.As(err, &refused)
}

// noteRefusal tells once of each command that the server will not do.
func (f *Follower) noteRefusal(err error) {
	var refused *control.Refusal
	if errors.As(err, &refused) && !f.seen.refused[refused.Command] {
		f.seen.refused[refused.Command] = true
		f.tell("failed", refused.Error())
	}
}

// note tells when a server is out of reach, when it is back, and what it refuses.
func (f *Follower) note(err error) {
	f.noteRefusal(err)
	switch gone := errors.Is(err, control.ErrUnreachable); {
	case gone && !f.silent:
		f.tell("unreachable", err.Error()+"; trying on")
	case !gone && f.silent:
		f.tell("reachable", "the control channel answers again")
	default:
		return
	}
	f.silent = !f.silent
}

func (f *Follower) tell(what, text string) { f.Tell(Event{time.Now(), what, f.String(), text}) }
