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
	"vpcdns/forwarder/namedconf"
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

// loads are what became of reloads. The server has not heard of a configuration that
// does not even load, nor of what comes behind its own.
type loads struct {
	mu                sync.Mutex
	succeeded, failed uint64
	latest            reloadResult

	warnings, errors []string // of the file: when it was loaded last, and when it could not be
}

// noteResult notes what the last attempt said.
func (l *loads) noteResult(said string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = reloadResult{time.Now(), said, ok}
	if ok {
		l.succeeded++
	} else {
		l.failed++
	}
}

// noteFindings keeps what the file was found to have. An attempt that fails leaves the
// warnings of what is in force.
func (l *loads) noteFindings(findings []namedconf.Finding) {
	var warnings, errors []string
	for _, found := range findings {
		switch found.Severity {
		case namedconf.Error:
			errors = append(errors, found.String())
		case namedconf.Change:
			warnings = append(warnings, found.String())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.errors = errors; len(errors) == 0 {
		l.warnings = warnings
	}
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

// fill gives r the results of all attempts.
func (l *loads) fill(r *forwarder.ReloadStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Succeeded, r.Failed = l.succeeded, l.failed
	r.OK = l.latest.ok || l.latest.at.IsZero()
}

// stats are the server's, with what it does not know.
func (d *daemon) stats() forwarder.Stats {
	st := d.server.Stats()
	d.loads.fill(&st.Reload)
	st.LostLines = d.logs.Lost()
	if len(d.flags.members) > 0 {
		st.Members = d.members.counts()
	}
	st.Peers = d.peerStats()
	st.Troubles = nil
	for _, t := range d.troubles() {
		st.Troubles = append(st.Troubles, t.TroubleStats)
	}
	return st
}
