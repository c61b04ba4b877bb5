package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"vpcdns/forwarder/host"
)

// writePid writes our process id to the file and returns a warning, or "",
// about the one that was found there. Nobody leads it elsewhere, though it may be
// root's in a directory of another user.
func writePid(path string) (warning string, err error) {
	place, _, err := host.LocateMade(path)
	if err != nil {
		return "", fmt.Errorf("writing pid-file: %w", err)
	}
	defer place.Close()
	if pid := pidAt(place); pid != 0 && pid != os.Getpid() && pid != predecessor() && isAlive(pid) {
		warning = fmt.Sprintf("pid-file %s named process %d, which runs: end it if it is a server, or give each its own pid-file", path, pid)
	}
	if err := place.Replace(fmt.Appendf(nil, "%d\n", os.Getpid())); err != nil {
		return warning, fmt.Errorf("writing pid-file: %w", err)
	}
	return warning, nil
}

// predecessor is the process that started this one to take its place, or in the
// background; 0 is none.
func predecessor() int {
	if !isDetached() {
		return 0
	}
	return os.Getppid()
}

// removePid removes the file if it still is ours.
func removePid(path string) error {
	place, err := host.Locate(path)
	if err != nil {
		return nil // it is gone
	}
	defer place.Close()
	if pidAt(place) != os.Getpid() {
		return nil
	}
	if err := place.Remove(place.Name()); err != nil {
		return fmt.Errorf("removing pid-file %s: %w", path, err)
	}
	return nil
}

// pidAt returns the process id in the file, 0 if there is none.
func pidAt(place *host.Place) int {
	const longest = 32 // octets, with space around the number
	text, err := place.Read(longest)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

// isAlive reports whether a process exists; one of another user does.
func isAlive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, fs.ErrPermission)
}
