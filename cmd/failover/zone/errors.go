package zone

import (
	"errors"
	"fmt"
)

// Kinds of errors. What wraps one says in a sentence what happened, to what, and
// what to do.
var (
	ErrRefused   = errors.New("refused")            // nothing was changed
	ErrAPI       = errors.New("the API failed")     // see MayHaveChanged
	ErrNotInsync = errors.New("not INSYNC in time") // the change was accepted
)

// failure is an error of one of the kinds.
type failure struct {
	kind  error
	text  string
	cause error // nil where the text says all
	again bool  // asking again may help
	// answered is that AWS said it: the request has changed nothing.
	answered bool
	writing  bool // the request was one that changes something
}

func (f *failure) Error() string { return f.text }

func (f *failure) Is(target error) bool { return target == f.kind }

func (f *failure) Unwrap() error { return f.cause }

// refused returns an error of the kind ErrRefused.
func refused(format string, args ...any) error {
	return &failure{kind: ErrRefused, text: fmt.Sprintf(format, args...), answered: true}
}

// incomplete is that a reply lacks what it is about: an empty one is good XML for the
// SDK, and must not pass for a zone without records.
func incomplete(what string) error {
	return &failure{kind: ErrAPI, again: true, text: what + ": the reply of the API is empty"}
}

// MayHaveChanged reports whether the change that ended with err may have been
// carried out all the same: it was sent, and no reply came that says otherwise.
func MayHaveChanged(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.writing && !f.answered
}

// ofChange marks the error of a request that was to change something.
func ofChange(err error) error {
	var f *failure
	if errors.As(err, &f) {
		f.writing = true
	}
	return err
}

// orBefore has err be as uncertain as the one before it, of an earlier request for
// the same change.
func orBefore(before, err error) error {
	if !MayHaveChanged(before) || err == nil {
		return err
	}
	f := failure{cause: err, text: err.Error()}
	f.writing = true
	return &f
}
