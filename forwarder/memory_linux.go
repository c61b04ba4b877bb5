package forwarder

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory is how many octets of memory there are for us: the machine's, or less
// if the control group has a limit (MemoryMax= of the service).
func memory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return fallbackMemory
	}
	n := uint64(info.Totalram) * uint64(info.Unit)
	if limit, ok := groupLimit(); ok {
		n = min(n, limit)
	}
	return n
}

// groupLimit reads memory.max of our control group (cgroups version 2).
func groupLimit() (uint64, bool) {
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	_, group, ok := strings.Cut(strings.TrimSpace(string(self)), "0::")
	if !ok {
		return 0, false
	}
	limit, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", group, "memory.max"))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(limit)), 10, 64)
	return n, err == nil
}
