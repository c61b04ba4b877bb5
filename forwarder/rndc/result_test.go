package rndc

import (
	"errors"
	"fmt"
	"testing"
)

func TestError(t *testing.T) {
	for _, tt := range []struct {
		err  *Error
		want string
	}{
		{NotFound.With(""), "not found"},
		{UnexpectedEnd.With(""), "unexpected end of input"},
		{Failure.With("no such zone"), "failure: no such zone"},
		{Result(9999).With(""), "result 9999"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%#v.Error() = %q, want %q", tt.err, got, tt.want)
		}
	}
	err := fmt.Errorf("flushing: %w", NotFound.With("x"))
	if !errors.Is(err, NotFound.With("")) || errors.Is(err, Failure.With("x")) {
		t.Errorf("%v is told by its text, want by its result", err)
	}
}
