package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"vpcdns/forwarder/host"
)

// Where /proc shows no process of another user (ProtectProc=invisible), the kernel
// still tells which user a socket is of and which control group it was made in:
// that is the unit, and has the process ids.

// units names the owners of sockets by unit and user.
type units struct {
	groups map[string]uint64 // by the socket's inode
	paths  map[uint64]string // of the groups that own one of the sockets
}

// mostGroups are looked at: a machine has hundreds.
const mostGroups = 100_000

func newUnits(of []socket) units {
	u := units{paths: make(map[uint64]string)}
	if len(of) == 0 {
		return u
	}
	u.groups, _ = host.SocketGroups() // else the user is all that is known
	wanted := make(map[uint64]bool)
	for _, s := range of {
		if id, ok := u.groups[s.inode]; ok {
			wanted[id] = true
		}
	}
	u.find(wanted, "/sys/fs/cgroup")
	return u
}

// find looks for the directories of groups.
func (u units) find(wanted map[uint64]bool, root string) {
	seen := 0
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if seen++; seen > mostGroups || len(u.paths) == len(wanted) {
			return filepath.SkipAll
		}
		if err != nil || !e.IsDir() {
			return nil // gone meanwhile
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && wanted[st.Ino] && hasProcesses(path) {
			u.paths[st.Ino] = path
		}
		return nil
	})
}

// hasProcesses tells a control group from a directory of another file system that
// has the same inode.
func hasProcesses(path string) bool {
	_, err := os.Stat(filepath.Join(path, "cgroup.procs"))
	return err == nil
}

// owner is like "dnsmasq.service (pid 812, user dnsmasq)".
func (u units) owner(s socket) string {
	name := s.uid
	if who, err := user.LookupId(s.uid); err == nil {
		name = who.Username
	}
	path, ok := u.paths[u.groups[s.inode]]
	if !ok {
		return "a process of user " + name
	}
	return fmt.Sprintf("%s (%suser %s)", unitAt(path), pidsAt(path), name)
}

// unitAt is the innermost unit of a group's path, or the group itself.
func unitAt(path string) string {
	elements := strings.Split(path, "/")
	for _, e := range slices.Backward(elements) {
		if strings.HasSuffix(e, ".service") || strings.HasSuffix(e, ".scope") || strings.HasSuffix(e, ".socket") {
			return e
		}
	}
	return "control group " + filepath.Base(path)
}

// pidsAt is like "pid 812, "; "" where there are so many that it does not help.
func pidsAt(path string) string {
	const most = 5
	text, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
	switch pids := strings.Fields(string(text)); {
	case len(pids) == 1:
		return "pid " + pids[0] + ", "
	case len(pids) > 1 && len(pids) <= most:
		return "one of pids " + strings.Join(pids, " ") + ", "
	}
	return ""
}
