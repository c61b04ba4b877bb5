package forwarder

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/store"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// What the methods below change holds for the next query, and is in the state file, when
// they return. Names are in presentation format.

// WatchName begins to watch a name, or with "*.zone" all names below one.
func (s *Server) WatchName(name string) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.Watch(name, m) })
}

// UnwatchName ends what WatchName has begun.
func (s *Server) UnwatchName(name string) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.Unwatch(name, m) })
}

// AddOverride puts data in the place of upstream's.
func (s *Server) AddOverride(o watch.Override) error {
	return s.changeWatch(o.Name, func(m watch.Moment) error { return s.watches.AddOverride(o, m) })
}

// ConfirmOverride makes the lease that has the token an override that does not end with
// it.
func (s *Server) ConfirmOverride(name, token string) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.ConfirmOverride(name, token, m) })
}

// WithdrawOverride ends the override that has the token.
func (s *Server) WithdrawOverride(name, token string) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.WithdrawOverride(name, token, m) })
}

// DeleteOverride ends a name's override of a type, or all of them when it is 0.
func (s *Server) DeleteOverride(name string, rtype uint16) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.DeleteOverride(name, rtype, m) })
}

// Verify asks upstream once a second whether it gives the data, for so long; 0 is
// the default.
func (s *Server) Verify(name string, rtype uint16, data []string, most time.Duration) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.Verify(name, rtype, data, most, m) })
}

// ClearGuard lets earlier data of a name be believed again.
func (s *Server) ClearGuard(name string) error {
	return s.changeWatch(name, func(m watch.Moment) error { return s.watches.ClearGuard(name, m) })
}

// Watching returns what is watched: names, and "*.zone" for all below one.
func (s *Server) Watching() []string { return s.watches.Watching() }

// WatchStatus returns what is known of a name that is watched, overridden or verified,
// with each client that may hold its former data when clients is true.
func (s *Server) WatchStatus(name string, clients bool) (watch.Status, error) {
	return s.watches.Status(name, clients, s.Moment())
}

// Overrides returns the overrides in force.
func (s *Server) Overrides() []watch.OverrideStatus { return s.watches.Overrides(s.Moment()) }

// History returns the latest changes of a name, or with "" of all.
func (s *Server) History(name string) ([]watch.Change, error) { return s.watches.History(name) }

// ExportWatches returns a page of what another forwarder may take over, of at most so many
// octets (watch.MinExport at least), as JSON.
func (s *Server) ExportWatches(from watch.ExportFrom, most int) ([]byte, error) {
	return s.watches.Export(from, most, s.Moment())
}

// MergeWatches takes over a page of what another forwarder exports; from names that one in
// the log. It holds for the next query, and is in the state file, as it returns.
func (s *Server) MergeWatches(page []byte, from string) (watch.Merged, error) {
	got, err := s.watches.Merge(page, from, s.Moment())
	if err != nil {
		return got, err
	}
	s.applyPins()
	if got.Wanted {
		s.flushWanted()
	}
	s.tellWatches()
	return got, s.kept.SaveChange()
}

// WatchStats are counts of watched names.
type WatchStats struct {
	watch.Stats
	VerifyQuestions uint64 // asked about watched names
	ProbeQuestions  uint64 // and about labels below them
}

// WatchStats returns the counts of watched names since the start.
func (s *Server) WatchStats() WatchStats {
	return WatchStats{s.watches.Stats(), s.watcher.verifications.Load(), s.watcher.probes.Load()}
}

// AppendGiven appends what clients are given now of each type of each name of which
// something is known.
func (s *Server) AppendGiven(list []watch.Given) []watch.Given {
	return s.watches.AppendGiven(list, s.Moment())
}

// changeWatch does what concerns a name. What passed through one that is wanted from now on
// is flushed: its data is to be under its own key alone.
func (s *Server) changeWatch(name string, do func(watch.Moment) error) error {
	was := s.wants(name)
	if err := do(s.Moment()); err != nil {
		return err
	}
	s.applyPins()
	if !was && s.wants(name) {
		if err := s.flushWatched(name); err != nil {
			return err
		}
	}
	s.tellWatches()
	return s.kept.SaveChange()
}

// wants reports whether a name, or all names below the zone of a pattern, were their own
// source already.
func (s *Server) wants(name string) bool {
	if zone, ok := strings.CutPrefix(name, "*."); ok {
		name = "any." + zone
	}
	return s.watches.Wants([]byte(wire.PackName(dns.CanonicalName(name))))
}

func (s *Server) flushWatched(name string) (err error) {
	if zone, ok := strings.CutPrefix(name, "*."); ok {
		_, err = s.FlushTree(zone)
	} else {
		_, err = s.FlushName(name)
	}
	return err
}

// setOverrideRules says which names may be overridden as st has it: those of explicit
// forward zones that are not served here, and those that the operator has named.
func (s *Server) setOverrideRules(st *state) {
	zones := s.opts.OverrideZones
	s.watches.SetRules(func(name string) bool {
		for _, zone := range zones {
			if dns.IsSubDomain(dns.CanonicalName(zone), name) {
				return true
			}
		}
		w := []byte(wire.PackName(name))
		z := st.routes.find(w, dns.TypeA)
		return z != nil && z.name != "." && len(z.servers) > 0 && st.zoneAt(w, dns.TypeA) == nil
	})
}

// startWatches takes over what a former process has left, and watches the names of
// Options.
func (s *Server) startWatches() error {
	s.kept.Load()
	for _, name := range s.opts.Watch {
		if err := s.watches.WatchFixed(name, s.Moment()); err != nil {
			return fmt.Errorf("making a server: %w", err)
		}
	}
	s.tellWatches()
	return nil
}

const (
	// watchSection is where the state file has overrides, watches, guards and history. The
	// number changes with what it holds.
	watchSection = "watch-1"

	// maxWatchState is more than a thousand names need, in octets.
	maxWatchState = 64 << 20
)

func (s *Server) newKept() *store.State {
	return store.NewState(store.StateConfig{
		Path: s.opts.StateFile, Section: watchSection, Most: maxWatchState,
		What:    "overrides, watches and history",
		Load:    s.loadWatches,
		Append:  func(dst []byte) ([]byte, error) { return s.watches.AppendState(dst, s.Moment()) },
		Version: s.watches.Version,
		Stamp:   s.stamp,
		Log:     s.logs.general,
	})
}

// loadWatches takes what of a state can be read.
func (s *Server) loadWatches(state []byte) error {
	err := s.watches.Load(state, s.Moment())
	if errors.As(err, new(watch.LeftOut)) {
		return fmt.Errorf("%w: %w", store.ErrInPart, err)
	}
	return err
}

func (s *Server) stamp() store.Stamp {
	id, boot := s.net.boot()
	return store.Stamp{Boot: id, Time: boot}
}

// ErrTakenOver is what a change fails with that the process that takes over has not
// heard of: it is for that one.
var ErrTakenOver = store.ErrTakenOver

// StateFault says why the state was not saved lately, "" if it was.
func (s *Server) StateFault() string { return s.kept.Fault() }

// LeaveState writes the state for a process that is about to take over: from then on
// the file is that one's, unless goOn is called.
func (s *Server) LeaveState() (goOn func()) { return s.kept.Leave() }
