package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"vpcdns/cmd/failover/zone"
)

// checkLoop asks, reads and switches for a watching, until that is over. Neither a
// check that hangs nor an API that does delays the next check.
type checkLoop struct {
	watching
	interval time.Duration // of checks
	reads    time.Duration // of the record
	check    func(context.Context, netip.Addr) error
	record   func(context.Context) (netip.Addr, error) // what the name has
	change   func(ctx context.Context, from, to netip.Addr) error
	say      func(line string)

	asked    int                // rounds of checks
	heard    map[netip.Addr]int // of which round the last is
	checks   chan checkResult
	readings chan reading
	due      time.Time // of the next reading; the future is far while one is on its way
	told     string    // why nothing is done
	blind    bool      // the record could not be read
}

type checkResult struct {
	addr    netip.Addr
	round   int
	failure error
}

type reading struct {
	value netip.Addr
	err   error
}

// errOver ends the loop: nothing is left to do.
var errOver = errors.New("over")

// run ends when ctx does, when the record is not ours any more, after the last switch
// that is allowed, or with an error that more tries do not mend.
func (l *checkLoop) run(ctx context.Context) error {
	var questions sync.WaitGroup
	defer questions.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.heard, l.checks, l.readings = map[netip.Addr]int{}, make(chan checkResult), make(chan reading)
	ticker := time.NewTicker(l.interval)
	defer ticker.Stop()
	l.ask(ctx, &questions)
	for {
		var err error
		select {
		case <-ctx.Done():
			l.say("stopped by a signal")
			return nil
		case <-ticker.C:
			l.ask(ctx, &questions)
		case r := <-l.checks:
			l.hear(ctx, r)
		case r := <-l.readings:
			err = l.take(ctx, r)
		}
		if err == nil && ctx.Err() == nil {
			err = l.act(ctx)
		}
		switch {
		case errors.Is(err, errOver):
			return nil
		case err != nil:
			return err
		}
	}
}

// ask starts the checks, and a reading if it is due.
func (l *checkLoop) ask(ctx context.Context, questions *sync.WaitGroup) {
	l.asked++
	round := l.asked
	for _, addr := range l.targets() {
		questions.Go(func() { send(ctx, l.checks, checkResult{addr, round, l.check(ctx, addr)}) })
	}
	if now := time.Now(); !now.Before(l.due) {
		l.due = now.Add(never)
		questions.Go(func() {
			value, err := l.record(ctx)
			send(ctx, l.readings, reading{value, err})
		})
	}
}

const never = 24 * 365 * time.Hour

func send[T any](ctx context.Context, to chan<- T, v T) {
	select {
	case to <- v:
	case <-ctx.Done():
	}
}

// hear leaves out what a later round has overtaken.
func (l *checkLoop) hear(ctx context.Context, r checkResult) {
	if ctx.Err() != nil || r.round < l.heard[r.addr] {
		return
	}
	l.heard[r.addr] = r.round
	if line := l.checked(r.addr, r.failure); line != "" {
		l.say(line)
	}
}

// take ends the loop when somebody else has switched. An API that fails changes
// nothing: a switch compares before it writes.
func (l *checkLoop) take(ctx context.Context, r reading) error {
	l.due = time.Now().Add(l.reads)
	switch {
	case ctx.Err() != nil:
	case errors.Is(r.err, zone.ErrRefused):
		return r.err
	case r.err != nil && !l.blind:
		l.blind = true
		l.say(fmt.Sprintf("%s cannot be read, the checks go on: %v", l.name, r.err))
	case r.err == nil:
		if l.blind {
			l.say(fmt.Sprintf("%s can be read again: %s", l.name, r.value))
		}
		l.blind = false
		return l.settle(r.value)
	}
	return nil
}

func (l *checkLoop) settle(value netip.Addr) error {
	if !l.recorded(value, time.Now()) {
		l.say(fmt.Sprintf("%s has %s now, not %s: somebody switched it. Nothing is left to watch", l.name, value, l.active))
		return errOver
	}
	return l.limited()
}

func (l *checkLoop) limited() error {
	if l.switches < l.limit {
		return nil
	}
	l.say(fmt.Sprintf("%s was switched as often as --limit allows (%d)", l.name, l.limit))
	return errOver
}

// act switches if it is time to, and says why if it is not.
func (l *checkLoop) act(ctx context.Context) error {
	to, why := l.choose(time.Now())
	if l.blind && !l.read {
		why = l.unread()
	}
	if why != "" && why != l.told {
		l.say(why)
	}
	l.told = why
	if !to.IsValid() {
		return nil
	}
	l.say(fmt.Sprintf("switching %s from %s to %s", l.name, l.active, to))
	return l.changed(ctx, to, l.change(ctx, l.active, to))
}

// changed sorts the ends of a switch: refused, perhaps as the record is not ours any
// more; failed, to be tried again; or accepted, if not without complaints.
func (l *checkLoop) changed(ctx context.Context, to netip.Addr, err error) error {
	switch {
	case ctx.Err() != nil, errors.Is(err, errOver):
		return err
	case errors.Is(err, zone.ErrRefused):
		return l.refused(ctx, err)
	case errors.Is(err, zone.ErrAPI):
		wait := l.failed(to, time.Now())
		l.say(fmt.Sprintf("trying again in %v: %v", wait, err))
		return nil
	case err != nil && !accepted(err):
		return err
	}
	l.switched(to, time.Now())
	over := l.limited()
	switch {
	case err != nil && over != nil:
		return err
	case err != nil:
		l.say(err.Error())
	}
	return over
}

// refused looks whether the record has changed: by somebody, or by a switch of ours
// that seemed to fail.
func (l *checkLoop) refused(ctx context.Context, err error) error {
	active := l.active
	value, readErr := l.record(ctx)
	if readErr != nil {
		return err
	}
	if over := l.settle(value); over != nil || l.active != active {
		return over
	}
	return err
}

// accepted reports whether an error is about what came after Route 53 had taken the
// change.
func accepted(err error) bool {
	for _, kind := range []error{zone.ErrNotInsync, errStillOld, errCameBack, errUnreachable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
