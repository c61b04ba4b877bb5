//go:build !unix

package logging

import "errors"

// errBusy: the receiver's queue is full.
var errBusy = errors.New("queue is full")

func dialLog(string) (datagrams, error) { return nil, errors.ErrUnsupported }
