package main

import (
	"context"
	"sync"
	"time"

	"vpcdns/forwarder/logging"
)

// A watchdog restarts a process that does not say that it is alive. It says so
// after the server has answered a question of its own. An upstream that is
// dead, or more queries than can be answered, are no reasons to be silent.

// watchdog is how the server fares.
type watchdog struct {
	results chan error // of its checks, nil when nobody wants them
	answers bool       // it has answered once
	silent  bool       // it did not the last time
}

// watch checks the server four times in each interval of the watchdog until
// stop is called.
func (d *daemon) watch() (stop func()) {
	if d.notify.watchdog == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.watchdog.results = make(chan error)
	var running sync.WaitGroup
	running.Go(func() { check(ctx, d.notify.watchdog/4, d.server.Check, d.watchdog.results) })
	return func() {
		cancel()
		running.Wait()
	}
}

// check sends the results of run, which has the time until the next one.
func check(ctx context.Context, every time.Duration, run func(context.Context) error, results chan<- error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		slot, cancel := context.WithTimeout(ctx, every)
		err := run(slot)
		cancel()
		select {
		case results <- err:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// keepAlive tells the service manager that the server is alive, unless it has
// ceased to answer. One that never has is taken for alive: something else, a
// packet filter say, stands between it and itself.
func (d *daemon) keepAlive(err error) {
	w := &d.watchdog
	switch {
	case err == nil && w.silent:
		d.log(logging.Notice, "the server answers itself again")
	case err != nil && !w.silent:
		d.log(logging.Warning, "the server does not answer itself: %v", err)
	}
	w.silent = err != nil
	w.answers = w.answers || err == nil
	if err == nil || !w.answers {
		d.warn(d.notify.alive())
	}
}
