package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// runningNamed lists the processes called named that can be seen, but for those of
// containers, which have a network of their own.
func runningNamed() (list []namedProcess) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		name, _ := os.ReadFile(filepath.Join(dir, "comm")) // gone: none
		if strings.TrimSpace(string(name)) != "named" || !sameNetwork(dir) {
			continue
		}
		p := namedProcess{}
		p.pid, _ = strconv.Atoi(filepath.Base(dir))
		if line, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
			p.args = strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")[1:]
		}
		mine := inodes(filepath.Join(dir, "fd"))
		p.hidden = len(mine) == 0
		p.addrs = reachable(sockets(filepath.Join(dir, "net")), mine)
		list = append(list, p)
	}
	return list
}

// sameNetwork reports whether a process has our network, as far as it can be seen.
func sameNetwork(dir string) bool {
	theirs, err := os.Readlink(filepath.Join(dir, "ns/net"))
	ours, err2 := os.Readlink("/proc/self/ns/net")
	return err != nil || err2 != nil || theirs == ours
}

// reachable are the addresses at which a process waits for clients over UDP and
// TCP alike, as a DNS server does: control channels do over TCP only.
func reachable(all []socket, inodes []string) (list []netip.AddrPort) {
	over := make(map[netip.AddrPort]map[string]bool)
	for _, s := range all {
		if !slices.Contains(inodes, s.inode) {
			continue
		}
		if over[s.local] == nil {
			over[s.local] = make(map[string]bool)
		}
		over[s.local][s.network] = true
	}
	for a, networks := range over {
		if networks["udp"] && networks["tcp"] {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return list
}
