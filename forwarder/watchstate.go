package forwarder

import (
	"errors"
	"fmt"
	"os"

	"vpcdns/forwarder/store"
)

// The state file holds what is to outlive the process: overrides, watches, guards,
// history. It is read once, and replaced as a whole. The number in the section's name
// changes with what it holds.
const watchSection = "watch-1"

// maxWatchState is more than a thousand names need, in octets.
const maxWatchState = 64 << 20

// loadWatches reads it. One that cannot be read is set aside: the server starts without.
func (s *Server) loadWatches() {
	path := s.opts.StateFile
	if path == "" {
		return
	}
	state, err := store.ReadFile(path, watchSection, maxWatchState)
	if err == nil && state != nil {
		err = s.watches.Load(state, s.Moment())
	}
	if err == nil {
		s.watcher.saved = s.watches.Version()
		return
	}
	aside := path + ".broken"
	if errRename := os.Rename(path, aside); errRename != nil {
		s.logs.general.Error(fmt.Sprintf("starting without overrides, watches and history of before: %s: %v (nor can it be set aside: %v)", path, err, errRename))
		return
	}
	s.logs.general.Error(fmt.Sprintf("starting without overrides, watches and history of before: %s: %v; it is %s now", path, err, aside))
}

// saveWatches writes the state if it has changed. That it cannot be written is logged,
// once: the server goes on.
func (s *Server) saveWatches() {
	if s.opts.StateFile == "" {
		return
	}
	w := &s.watcher
	w.keeping.Lock()
	defer w.keeping.Unlock()
	version := s.watches.Version()
	if version == w.saved || w.discarded {
		return
	}
	if err := s.writeWatches(s.opts.StateFile); err != nil {
		if w.fault != err.Error() {
			w.fault = err.Error()
			s.logs.general.Warn(fmt.Sprintf("overrides, watches and history would not outlive this process: %v", err))
		}
		return
	}
	if w.fault != "" {
		w.fault = ""
		s.logs.general.Info("overrides, watches and history are written to " + s.opts.StateFile + " again")
	}
	w.saved = version
}

// ErrTakenOver is what a change fails with that the process that takes over has not
// heard of: it is for that one.
var ErrTakenOver = errors.New("another process takes over: say it again in a moment")

// saveChange saves what a command has changed.
func (s *Server) saveChange() error {
	s.saveWatches()
	w := &s.watcher
	w.keeping.Lock()
	defer w.keeping.Unlock()
	if w.discarded && s.watches.Version() != w.saved {
		return ErrTakenOver
	}
	return nil
}

// StateFault says why the state was not saved lately, "" if it was.
func (s *Server) StateFault() string {
	s.watcher.keeping.Lock()
	defer s.watcher.keeping.Unlock()
	return s.watcher.fault
}

// writeWatches replaces the file in one step: a crash leaves the old one or the new one.
func (s *Server) writeWatches(path string) error {
	state, err := s.watches.AppendState(nil, s.Moment())
	if err != nil {
		return err
	}
	id, boot := s.net.boot()
	return store.ReplaceFile(path, store.Stamp{Boot: id, Time: boot}, watchSection, state)
}

// LeaveState writes the state for a process that is about to take over: from then on
// the file is that one's, unless goOn is called.
func (s *Server) LeaveState() (goOn func()) {
	s.saveWatches()
	s.watcher.leave(true)
	return func() { s.watcher.leave(false) }
}

func (w *watcher) leave(discarded bool) {
	w.keeping.Lock()
	defer w.keeping.Unlock()
	w.discarded = discarded
}
