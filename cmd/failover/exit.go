package main

import (
	"context"
	"errors"
	"strings"

	"vpcdns/cmd/failover/zone"
)

// What else a verb ends with, beside zone's own.
var (
	errUsage       = errors.New("wrong usage")
	errStillOld    = errors.New("a server still gives the old address")
	errCameBack    = errors.New("the old address came back")
	errUnreachable = errors.New("a server could not be reached")
)

// exitFailure is the status of what has none of its own.
const exitFailure = 1

// outcome is an exit status, and of which errors. doc.go has them too.
type outcome struct {
	status  int
	of      error
	meaning string
}

var outcomes = []outcome{
	{0, nil, "done"},
	{exitFailure, errUsage, "wrong usage, or a failure that has no status of its own"},
	{2, zone.ErrRefused, "refused: the record was not changed"},
	{3, zone.ErrAPI, "the API of Route 53 failed"},
	{4, zone.ErrNotInsync, "the change was accepted, and was not INSYNC in time"},
	{5, errStillOld, "a server still gives the old address"},
	{6, errCameBack, "the old address came back"},
	{7, errUnreachable, "a server could not be reached; all else is right"},
}

// exitStatus is that of a verb that ends with err. Of several that are joined the
// first of the table counts.
func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	for _, o := range outcomes[1:] {
		if errors.Is(err, o.of) {
			return o.status
		}
	}
	return exitFailure
}

// sentence is what is said of an error.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return strings.ReplaceAll("stopped by a signal: "+err.Error(), ": "+context.Canceled.Error(), "")
	}
	return err.Error()
}
