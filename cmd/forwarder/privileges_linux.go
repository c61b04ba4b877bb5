package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// canBecome reports whether the process has to and may become the account.
func canBecome(a account) (bool, error) {
	switch os.Geteuid() {
	case a.uid:
		return false, nil
	case 0:
		return true, nil
	}
	return false, fmt.Errorf("only root can become user %s", a.name)
}

// become gives up root and executes the program anew as the account, which
// keeps CAP_NET_BIND_SERVICE. It returns only when that fails, and then the
// process must end.
//
// Capabilities belong to threads, and a Go program has many of them that are
// not ours to change; but execve(2) keeps only the thread that calls it.
func (a account) become() error {
	runtime.LockOSThread()
	if err := a.setIDs(); err != nil {
		return fmt.Errorf("becoming user %s: %w", a.name, err)
	}
	if err := keepBindService(); err != nil {
		return fmt.Errorf("keeping CAP_NET_BIND_SERVICE: %w", err)
	}
	err := syscall.Exec("/proc/self/exe", os.Args, os.Environ())
	return fmt.Errorf("executing this program as user %s: %w", a.name, err)
}

// keepName gives the process its name again, which ps and those who look for
// the holder of a port show: executing /proc/self/exe has made it "exe".
func keepName() {
	// Without it nothing but the name is wrong.
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0)
}

func (a account) setIDs() error {
	// Without this, setuid(2) clears the permitted capabilities.
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := syscall.Setgroups(a.groups); err != nil {
		return err
	}
	if err := syscall.Setresgid(a.gid, a.gid, a.gid); err != nil {
		return err
	}
	return syscall.Setresuid(a.uid, a.uid, a.uid)
}

// keepBindService reduces the capabilities of this thread to
// CAP_NET_BIND_SERVICE and makes it ambient, so that it outlives execve(2). A
// container may not have it, nor need it: then none is left.
func keepBindService() error {
	const bit = 1 << unix.CAP_NET_BIND_SERVICE
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData // 64 bits in two halves
	if err := unix.Capget(&header, &caps[0]); err != nil {
		return err
	}
	kept := caps[0].Permitted & bit
	caps = [2]unix.CapUserData{{Effective: kept, Permitted: kept, Inheritable: kept}}
	if err := unix.Capset(&header, &caps[0]); err != nil || kept == 0 {
		return err
	}
	return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_NET_BIND_SERVICE, 0, 0)
}
