// Package zone reads and changes records of a private zone of Route 53.
package zone

import "errors"

// Kinds of errors. What wraps one says in a sentence what happened, to what, and
// what to do.
var (
	ErrRefused   = errors.New("refused")            // nothing was changed
	ErrAPI       = errors.New("the API failed")     // whether it changed anything may be unknown
	ErrNotInsync = errors.New("not INSYNC in time") // the change was accepted
)
