package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Bits of a mode, for one of owner, group and others.
const (
	mayRead  = 4
	mayWrite = 2
	mayEnter = 1 // of a directory
)

// permissions are those of an account, as owners and mode bits have them: what
// access control lists add or take away is not looked at.
type permissions struct{ account }

// Read tells why the account may not read a file. Of one that does not exist there
// is nothing to tell.
func (p permissions) Read(path string) error {
	if err := p.reach(path); err != nil {
		return err
	}
	return p.may(path, mayRead, "read")
}

// Write tells why the account may not write a file, or make it.
func (p permissions) Write(path string) error {
	if err := p.reach(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return p.may(filepath.Dir(path), mayWrite|mayEnter, "make a file in")
	}
	return p.may(path, mayWrite, "write")
}

// reach tells which directory of a path the account may not enter.
func (p permissions) reach(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	var above []string
	for d := filepath.Dir(path); d != filepath.Dir(d); d = filepath.Dir(d) {
		above = append(above, d)
	}
	for _, d := range slices.Backward(above) {
		if err := p.may(d, mayEnter, "enter"); err != nil {
			return err
		}
	}
	return nil
}

// may tells why the account may not do something with what is at path.
func (p permissions) may(path string, bits uint32, what string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || p.uid == 0 || p.bitsOf(info.Mode(), owner)&bits == bits {
		return nil
	}
	return fmt.Errorf("user %s may not %s %s, which has mode %04o of %s", p.name, what, path, info.Mode().Perm(), ownerName(owner))
}

// ownerName is USER:GROUP, by names where they have some.
func ownerName(s *syscall.Stat_t) string {
	owner, group := strconv.Itoa(int(s.Uid)), strconv.Itoa(int(s.Gid))
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return owner + ":" + group
}

// bitsOf are the three bits that hold for the account.
func (p permissions) bitsOf(mode fs.FileMode, owner *syscall.Stat_t) uint32 {
	bits := uint32(mode.Perm())
	switch {
	case int(owner.Uid) == p.uid:
		return bits >> 6 & 7
	case int(owner.Gid) == p.gid || slices.Contains(p.groups, int(owner.Gid)):
		return bits >> 3 & 7
	}
	return bits & 7
}
