package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// StateConfig is what a State works with. All of it must be there.
type StateConfig struct {
	Path    string // of the file; "": nothing is kept
	Section string // its number changes with what it holds
	Most    int64  // octets that are read
	What    string // it holds, in the words of the log

	Load    func(state []byte) error
	Append  func(dst []byte) ([]byte, error)
	Version func() uint64 // changes with what is to be kept
	Stamp   func() Stamp
	Log     *slog.Logger
}

// State is what is to outlive the process, in a file that is read once, and replaced as a
// whole. Its methods may be called concurrently, but for Load, which comes first.
type State struct {
	cfg StateConfig

	mu    sync.Mutex // held while it is written
	saved uint64     // its version
	fault string     // why it could not be, as the log says
	left  bool       // the file is another process's

	aside func() error // keeps a file that could not be read; nil: there is none, or it is done
}

// NewState returns a State that has read nothing yet.
func NewState(cfg StateConfig) *State { return &State{cfg: cfg} }

// ErrInPart is what StateConfig.Load fails with where it took all but a part.
var ErrInPart = errors.New("it could be read in part only")

// Load reads it. One that cannot be read is set aside: the server starts without; of one
// that can be in part a copy is.
func (s *State) Load() {
	if s.cfg.Path == "" {
		return
	}
	state, err := ReadFile(s.cfg.Path, s.cfg.Section, s.cfg.Most)
	if err == nil && state != nil {
		err = s.cfg.Load(state)
	}
	if err == nil {
		s.saved = s.cfg.Version()
		return
	}
	s.startWithout(state, err)
}

// startWithout sets aside a state for what is wrong with it, and says so.
func (s *State) startWithout(state []byte, err error) {
	aside := s.cfg.Path + ".broken"
	level, what, done := slog.LevelError, s.cfg.What, "it is "+aside+" now"
	s.aside = func() error { return os.Rename(s.cfg.Path, aside) }
	if errors.Is(err, ErrInPart) {
		level, what, done = slog.LevelWarn, "some "+s.cfg.What, "it is kept as "+aside
		s.aside = func() error { return ReplaceFile(aside, s.cfg.Stamp(), s.cfg.Section, state) }
	}
	if errAside := s.setAside(); errAside != nil {
		done = "it is not replaced: " + errAside.Error()
	}
	s.cfg.Log.Log(context.Background(), level, fmt.Sprintf("starting without %s of before: %s: %v; %s", what, s.cfg.Path, err, done))
}

// setAside does what is to be done before the file is replaced: it may be the only copy.
func (s *State) setAside() error {
	if s.aside == nil {
		return nil
	}
	if err := s.aside(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keeping what could not be read: %w", err)
	}
	s.aside = nil
	return nil
}

// Save writes the state if it has changed. That it cannot be written is logged, once: the
// server goes on.
func (s *State) Save() {
	if s.cfg.Path == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	version := s.cfg.Version()
	if version == s.saved || s.left {
		return
	}
	if err := s.write(); err != nil {
		if s.fault != err.Error() {
			s.fault = err.Error()
			s.cfg.Log.Warn(fmt.Sprintf("%s would not outlive this process: %v", s.cfg.What, err))
		}
		return
	}
	if s.fault != "" {
		s.fault = ""
		s.cfg.Log.Info(s.cfg.What + " are written to " + s.cfg.Path + " again")
	}
	s.saved = version
}

// write replaces the file in one step: a crash leaves the old one or the new one.
func (s *State) write() error {
	if err := s.setAside(); err != nil {
		return err
	}
	state, err := s.cfg.Append(nil)
	if err != nil {
		return err
	}
	return ReplaceFile(s.cfg.Path, s.cfg.Stamp(), s.cfg.Section, state)
}

// ErrTakenOver is what a change fails with that the process that takes over has not
// heard of: it is for that one.
var ErrTakenOver = errors.New("another process takes over: say it again in a moment")

// SaveChange saves what a command has changed.
func (s *State) SaveChange() error {
	s.Save()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left && s.cfg.Version() != s.saved {
		return ErrTakenOver
	}
	return nil
}

// Fault says why the state was not saved lately, "" if it was.
func (s *State) Fault() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// Leave writes the state for a process that is about to take over: from then on the file
// is that one's, unless goOn is called.
func (s *State) Leave() (goOn func()) {
	s.Save()
	s.leave(true)
	return func() { s.leave(false) }
}

func (s *State) leave(left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = left
}
