package host

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Memory is how many octets of memory there are for us: the machine's, or less
// if a control group has a limit (MemoryMax= of the service, a container).
func Memory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return fallbackMemory
	}
	return min(uint64(info.Totalram)*uint64(info.Unit), groupLimit("/"))
}

// groupLimit is the least memory limit of our control groups and those above
// them, of version 2 or 1 (Amazon Linux 2); root is where /proc and /sys are.
func groupLimit(root string) uint64 {
	least := uint64(1<<64 - 1)
	self, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return least
	}
	mounts := filepath.Join(root, "sys/fs/cgroup")
	for line := range strings.Lines(string(self)) {
		// hierarchy:controllers:group, see cgroups(7)
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[1] == "":
			least = min(least, limitAbove(mounts, fields[2], "memory.max"), limitAbove(mounts, fields[2], "memory.high"))
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			least = min(least, limitAbove(filepath.Join(mounts, "memory"), fields[2], "memory.limit_in_bytes"))
		}
	}
	return least
}

// limitAbove is the least number in the files of that name in the directory of
// a group and in those above. A container sees only the last of them.
func limitAbove(mount, group, file string) uint64 {
	least := uint64(1<<64 - 1)
	for {
		text, err := os.ReadFile(filepath.Join(mount, group, file))
		if err == nil {
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // not "max"
				least = min(least, n)
			}
		}
		if group == "/" || group == "." {
			return least
		}
		group = filepath.Dir(group)
	}
}
