//go:build !linux

package main

import (
	"errors"
	"net"
)

// Elsewhere sockets have no names but those of files, and SIGHUP has to do.

func listenReload(int) (*net.UnixListener, error) { return nil, errors.ErrUnsupported }
func dialReload(int) (*net.UnixConn, error)       { return nil, errors.ErrUnsupported }
func callerOf(*net.UnixConn) (caller, error)      { return caller{}, errors.ErrUnsupported }
