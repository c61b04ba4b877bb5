package main

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// reloadAddr is the name of a server's socket. It is an abstract one (unix(7)): it
// goes with its process, and needs no directory that can be written.
func reloadAddr(pid int) *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@forwarder/reload/%d", pid)}
}

func listenReload(pid int) (*net.UnixListener, error) {
	l, err := net.ListenUnix("unix", reloadAddr(pid))
	if err != nil {
		return nil, fmt.Errorf("waiting for who asks for a reload: %w", err)
	}
	return l, nil
}

func dialReload(pid int) (*net.UnixConn, error) { return net.DialUnix("unix", nil, reloadAddr(pid)) }

func callerOf(c *net.UnixConn) (p caller, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return caller{}, err
	}
	var cred *unix.Ucred
	failed := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if failed != nil {
		return caller{}, failed
	}
	if err != nil {
		return caller{}, err
	}
	return caller{pid: int(cred.Pid), uid: int(cred.Uid)}, nil
}
