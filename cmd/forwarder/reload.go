package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/logging"
)

// errInPart: the configuration is in force, but for addresses that cannot be had.
var errInPart = errors.New("the configuration is in force, in part")

// reload makes the configuration on disk the one in force. One with errors, or one
// of whose addresses none can be had, changes nothing; the error says why, a
// line for each reason. One of whose addresses some cannot be had is in force: the
// error is errInPart then, and says which. The log files are opened anew in any
// case, since logrotate may have moved them. What is logged is told as well.
func (d *daemon) reload() error {
	d.warn(d.notify.reloading())
	err := d.replace()
	if err != nil {
		d.loads.noteResult("failed: "+oneLine(err), false)
		d.log(logging.Error, "reloading configuration failed: %s", oneLine(err))
		d.warn(d.logs.Reopen())
		d.readyStatus()
		return err
	}
	d.control.open()
	d.statistics.open()
	if err = d.complain(); err != nil {
		d.loads.noteResult("succeeded in part", true) // what is missing is a trouble of its own
		d.log(logging.Warning, "reloading configuration succeeded in part")
	} else {
		d.loads.noteResult("succeeded", true)
		d.log(logging.Info, "reloading configuration succeeded")
	}
	d.readyStatus()
	return err
}

// replace loads the configuration and hands it to the server.
func (d *daemon) replace() error {
	cfg, err := d.load(io.Discard)
	d.loads.note(err)
	if err != nil {
		return fmt.Errorf("%w\n%w", errConfiguration, err)
	}
	if err := d.server.Reload(cfg); err != nil {
		return d.explain(err, cfg)
	}
	former := d.config
	d.enter(cfg)
	if cfg.PidFile != former.PidFile {
		d.movePid(former.PidFile)
	}
	if err := d.logs.Swap(d.logging(cfg)); err != nil {
		return fmt.Errorf("changing the logs: %w", err)
	}
	d.complainOfZones()
	return nil
}

func (d *daemon) movePid(from string) {
	if from != "" {
		d.warn(removePid(from))
	}
	if d.config.PidFile != "" {
		d.writePid()
	}
}

// loads counts the configurations that did not even load: the server has not
// heard of them.
type loads struct {
	mu     sync.Mutex
	failed uint64
	last   error

	latest reloadResult // of all attempts
}

// noteResult notes what the last attempt said.
func (l *loads) noteResult(said string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = reloadResult{time.Now(), said, ok}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// result is what the last attempt said.
func (l *loads) result() reloadResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest.at.IsZero() {
		return reloadResult{ok: true}
	}
	return l.latest
}

func (l *loads) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last = err; err != nil {
		l.failed++
	}
}

// addTo adds them to the reloads that failed.
func (l *loads) addTo(r *forwarder.ReloadStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Failed += l.failed
	r.OK = r.OK && l.last == nil
}

// stats are the server's, with what it has not heard of.
func (d *daemon) stats() forwarder.Stats {
	st := d.server.Stats()
	d.loads.addTo(&st.Reload)
	st.LostLines = d.logs.Lost()
	if len(d.flags.members) > 0 {
		st.Members = d.members.counts()
	}
	st.Troubles = nil
	for _, t := range d.troubles() {
		st.Troubles = append(st.Troubles, t.TroubleStats)
	}
	return st
}
