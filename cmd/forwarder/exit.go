package main

import (
	"errors"
	"syscall"
)

// Exit statuses beside 0. What is above BIND's 1 has its number and name from
// sysexits.h, and systemctl status shows the name. doc.go and the help list them.
const (
	exitFailure     = 1
	exitUsage       = 64
	exitUnavailable = 69
	exitConfig      = 78
)

// errConfiguration ends a start; what is wrong with the configuration was said.
var errConfiguration = errors.New("loading configuration: failure")

// exitStatus is that of a server that ends with err, and of a reload.
func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errConfiguration):
		return exitConfig
	case errors.Is(err, errInPart), errors.Is(err, syscall.EADDRINUSE):
		return exitUnavailable
	}
	return exitFailure
}
