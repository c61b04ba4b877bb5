package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// socket is a row of /proc/net/udp or tcp: a socket that waits for clients.
type socket struct {
	network string // "udp" or "tcp"
	local   netip.AddrPort
	inode   string
	uid     string
}

// sharers names the other processes that have sockets at the addresses that we
// have bound: SO_REUSEPORT lets a process of the same user do so, and the
// kernel would deal the queries out between us.
func sharers(addrs []netip.AddrPort) []string {
	return others(func(a netip.AddrPort) bool { return slices.Contains(addrs, a) })
}

// holders names the other processes that wait for clients at one of the ports,
// at whatever address: "UDP 127.0.0.1#53 is taken by named (pid 812)".
func holders(ports []uint16) []string {
	return others(func(a netip.AddrPort) bool { return slices.Contains(ports, a.Port()) })
}

// holdersOf names those that keep us from serving a.
func holdersOf(a netip.AddrPort) []string {
	addr := a.Addr().WithZone("") // the tables have none
	return others(func(o netip.AddrPort) bool {
		return o.Port() == a.Port() && (o.Addr() == addr || o.Addr().IsUnspecified())
	})
}

func others(match func(netip.AddrPort) bool) []string {
	mine := inodes("/proc/self/fd")
	return describe(slices.DeleteFunc(sockets("/proc/net"), func(s socket) bool {
		return !match(s.local) || slices.Contains(mine, s.inode)
	}))
}

func describe(taken []socket) []string {
	if len(taken) == 0 {
		return nil
	}
	owners := owners()
	units := newUnits(slices.DeleteFunc(slices.Clone(taken), func(s socket) bool { return owners[s.inode] != "" }))
	var list []string
	for _, s := range taken {
		owner, ok := owners[s.inode]
		if !ok {
			owner = units.owner(s)
		}
		list = append(list, fmt.Sprintf("%s %s#%d is taken by %s",
			strings.ToUpper(s.network), s.local.Addr(), s.local.Port(), owner))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// sockets reads the tables of a directory laid out as /proc/net.
func sockets(dir string) (all []socket) {
	for _, table := range []string{"udp", "udp6", "tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(dir, table))
		if err != nil {
			continue // no IPv6, or no /proc
		}
		all = append(all, readSockets(f, table[:3])...)
		f.Close()
	}
	return all
}

// readSockets reads a table: a heading, then rows whose 2nd column is the local
// address, the 4th the state, the 8th the user and the 10th the inode.
func readSockets(r io.Reader, network string) (all []socket) {
	const unconnected, listening = "07", "0A"
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) < 10 || columns[3] != unconnected && columns[3] != listening {
			continue
		}
		if local, ok := parseProcAddr(columns[1]); ok {
			all = append(all, socket{network, local, columns[9], columns[7]})
		}
	}
	return all
}

// parseProcAddr reads ADDRESS:PORT in hexadecimal, the address as 32-bit words
// in the byte order of the machine.
func parseProcAddr(s string) (netip.AddrPort, bool) {
	host, service, _ := strings.Cut(s, ":")
	words, err := hex.DecodeString(host)
	if err != nil || len(words) != 4 && len(words) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(words); i += 4 {
		binary.NativeEndian.PutUint32(words[i:], binary.BigEndian.Uint32(words[i:]))
	}
	addr, _ := netip.AddrFromSlice(words)
	port, err := strconv.ParseUint(service, 16, 16)
	return netip.AddrPortFrom(addr, uint16(port)), err == nil
}

// owners maps the inodes of sockets to "named (pid 812)", for the processes
// that we may look into.
func owners() map[string]string {
	owners := make(map[string]string)
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		for _, inode := range inodes(filepath.Join(dir, "fd")) {
			name, _ := os.ReadFile(filepath.Join(dir, "comm"))
			owners[inode] = fmt.Sprintf("%s (pid %s)", printable(strings.TrimSpace(string(name))), filepath.Base(dir))
		}
	}
	return owners
}

// inodes are those of the sockets in a directory of descriptors.
func inodes(dir string) (list []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // gone, or not ours
	}
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(dir, e.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			list = append(list, strings.TrimSuffix(inode, "]"))
		}
	}
	return list
}
