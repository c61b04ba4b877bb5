package store

import (
	"errors"
	"fmt"
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
}

// NewState returns a State that has read nothing yet.
func NewState(cfg StateConfig) *State { return &State{cfg: cfg} }

// ErrInPart is what StateConfig.Load fails with where it took all but a part.
var ErrInPart = errors.New("it could be read in part only")

// Load reads it. One that cannot be read is set aside: the server starts without; one
// that can be in part is kept beside when it is replaced.
func (s *State) Load() {
	path := s.cfg.Path
	if path == "" {
		return
	}
	state, err := ReadFile(path, s.cfg.Section, s.cfg.Most)
	if err == nil && state != nil {
		err = s.cfg.Load(state)
	}
	if err == nil {
		s.saved = s.cfg.Version()
		return
	}
	aside := path + ".broken"
	if errors.Is(err, ErrInPart) {
		s.cfg.Log.Warn(fmt.Sprintf("starting without some %s of before: %s: %v; %s", s.cfg.What, path, err, keptAs(path, aside)))
		return
	}
	if errRename := os.Rename(path, aside); errRename != nil {
		s.cfg.Log.Error(fmt.Sprintf("starting without %s of before: %s: %v (nor can it be set aside: %v)", s.cfg.What, path, err, errRename))
		return
	}
	s.cfg.Log.Error(fmt.Sprintf("starting without %s of before: %s: %v; it is %s now", s.cfg.What, path, err, aside))
}

// keptAs lets a file be there under another name when it is replaced, and says so.
func keptAs(path, aside string) string {
	_ = os.Remove(aside) // if it stays, Link says why
	if err := os.Link(path, aside); err != nil {
		return fmt.Sprintf("it cannot be kept: %v", err)
	}
	return "it is kept as " + aside
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
