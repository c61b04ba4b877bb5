package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// newMemory returns a file in memory that has a name for people only (memfd_create(2)).
func newMemory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// seals are what keeps a file as it is, for all who have it.
const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

func seal(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	return os.NewSyscallError("fcntl", err)
}

func isSealed(f *os.File) bool {
	has, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	return err == nil && has&seals == seals
}
