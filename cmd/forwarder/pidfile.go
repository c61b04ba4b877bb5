package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// writePid writes our process id to the file and returns a warning, or "",
// about the one that was found there.
func writePid(path string) (warning string, err error) {
	if pid := readPid(path); pid != 0 && pid != os.Getpid() && isAlive(pid) {
		warning = fmt.Sprintf("pid-file %s named process %d, which runs", path, pid)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return warning, fmt.Errorf("writing pid-file: %w", err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return warning, fmt.Errorf("writing pid-file: %w", err)
	}
	return warning, nil
}

// removePid removes the file if it still is ours.
func removePid(path string) error {
	if readPid(path) != os.Getpid() {
		return nil
	}
	return os.Remove(path)
}

// readPid returns the process id in the file, 0 if there is none.
func readPid(path string) int {
	text, err := os.ReadFile(path)
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
