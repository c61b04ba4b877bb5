package dnstap

import (
	"os"
	"time"
)

// Options are what a tap takes, and where it writes that. They are compared: see
// Tap.Set.
type Options struct {
	Types    Types         // none: the tap is off
	Identity string        // of this server; "": not said
	Version  string        // of its program; "": not said
	Socket   string        // path of a unix socket, at which somebody reads; "": Files
	Files    Files         // a comparable value
	Size     int64         // above which another file is begun, in octets; 0 is no limit
	Again    time.Duration // between tries of an output that fails
}

// Files are where a tap's file is.
type Files interface {
	// Open makes an empty file in place of the one that is there, which is moved out
	// of the way with former ones as keep says.
	Open(keep Keep) (*os.File, error)
	Path() string
}

// Keep is how many files are kept beside the one that is written.
type Keep int

// What is no number of files.
const (
	KeepAsConfigured Keep = -iota - 1
	KeepAll
	KeepFormer // as configured; one, if no number is: nobody has asked for this file to be rolled
)

// Stats is what a tap has done.
type Stats struct {
	On      bool
	Up      bool   // what is taken is written
	Written uint64 // messages
	Dropped uint64 // messages that there was no room for, or that were lost with an output
	Waiting int    // messages in the queue
	Opened  uint64 // times that an output was opened or connected to
	Failed  uint64 // times that this, or writing, has failed
}

// State is how a tap's output is.
type State struct {
	Output string    // path of the file or socket; "": the tap is off
	Err    error     // why it fails now; nil: it does not
	Since  time.Time // when that began
}
