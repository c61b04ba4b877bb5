package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/namedconf"
)

// served are the addresses that the forwarder would serve here.
func (m *migration) served() []netip.AddrPort {
	if m.in.config == nil {
		return nil
	}
	addrs, _ := m.in.service.flags.servedBy(m.in.config)
	return addrs // none where they cannot be read: it was said
}

// addRunning adds what differs between the named that runs and what it would be
// replaced by. Of another root there are no processes.
func (m *migration) addRunning() {
	if m.root != "" || m.in.config == nil {
		return
	}
	ours := m.served()
	for _, p := range runningNamed() {
		pos := namedconf.Pos{File: fmt.Sprintf("named (pid %d)", p.pid)}
		m.addArguments(p, pos)
		if p.hidden {
			m.add(namedconf.Harmless, pos, "only root can see what it listens on", "run this as root")
			continue
		}
		if only := without(p.addrs, ours); len(only) > 0 {
			m.add(namedconf.Change, pos, "it listens on "+addresses(only)+", which the forwarder would not serve", "say it in listen-on")
		}
		if only := without(ours, p.addrs); len(only) > 0 {
			m.add(namedconf.Change, pos, "it does not listen on "+addresses(only)+", which the forwarder would serve", "say in listen-on what is to be served")
		}
	}
}

// addArguments adds what the command line of a running named says that the
// service would not.
func (m *migration) addArguments(p namedProcess, pos namedconf.Pos) {
	f, err := parseFlags(p.args)
	switch {
	case err != nil:
		m.add(namedconf.Change, pos, fmt.Sprintf("it runs with '%s': %v", strings.Join(p.args, " "), err),
			"leave it out of the flags; a named with -t is looked at with --root, as its files are below that directory")
	case f.set.Changed("config") && !same(f.config, m.path):
		m.add(namedconf.Change, pos, fmt.Sprintf("it reads '%s', not '%s', which is looked at here", f.config, m.path),
			"run migrate-check "+f.config)
	}
}

// without returns the addresses that are not among others. The tables of the
// kernel have no IPv6 zones.
func without(list, others []netip.AddrPort) []netip.AddrPort {
	bare := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()) }
	return slices.DeleteFunc(slices.Clone(list), func(a netip.AddrPort) bool {
		return slices.ContainsFunc(others, func(o netip.AddrPort) bool { return bare(o) == bare(a) })
	})
}

// namedProcess is a named that runs.
type namedProcess struct {
	pid    int
	args   []string         // its command line, without its name
	addrs  []netip.AddrPort // where clients reach it over UDP and TCP
	hidden bool             // its sockets cannot be seen
}

// addResolver adds how this machine itself looks up names.
func (m *migration) addResolver() {
	const path = "/etc/resolv.conf"
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	line := int32(0)
	for text := range strings.Lines(string(text)) {
		line++
		words := strings.Fields(text)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			m.addNameserver(a, namedconf.Pos{File: path, Line: line})
		}
	}
}

func (m *migration) addNameserver(a netip.Addr, pos namedconf.Pos) {
	at := netip.AddrPortFrom(a, 53)
	here, err := forwarder.Addresses(config.Default(), forwarder.Options{}) // all of this host
	if m.in.config == nil || err != nil || !slices.Contains(here, at) {
		return
	}
	if slices.Contains(m.served(), at) {
		m.add(namedconf.Harmless, pos, "this machine asks "+host.Address(at)+": the forwarder answers there; between the stop of named and its start nobody does", "")
		return
	}
	m.add(namedconf.Change, pos, "this machine asks "+host.Address(at)+", which the forwarder would not serve: its own lookups fail",
		"say the address in listen-on, or another nameserver")
}

// addSecurity adds what guards named alone.
func (m *migration) addSecurity() {
	for _, pattern := range []string{"/etc/apparmor.d/usr.sbin.named", "/etc/apparmor.d/local/usr.sbin.named", "/etc/apparmor.d/*/usr.sbin.named"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && info.Size() > 0 {
				m.add(namedconf.Harmless, namedconf.Pos{File: path}, "AppArmor confines /usr/sbin/named alone; the forwarder is confined by its unit", "")
			}
		}
	}
	m.addSELinux()
}

// addSELinux tells of types and modules of named: the forwarder has no domain.
func (m *migration) addSELinux() {
	text, err := os.ReadFile("/etc/selinux/config")
	if err != nil || !strings.Contains("\n"+string(text), "\nSELINUX=enforcing") && !strings.Contains("\n"+string(text), "\nSELINUX=permissive") {
		return
	}
	m.add(namedconf.Harmless, namedconf.Pos{File: "/etc/selinux/config"}, "the policy has rules for named (named_t), and none for the forwarder, "+
		"which runs unconfined_service_t and is confined by its unit; booleans such as named_write_master_zones do nothing", "")
	for _, pattern := range []string{"/etc/selinux/*/contexts/files/file_contexts.local", "/etc/selinux/*/contexts/files/file_contexts.subs"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			m.addContexts(path)
		}
	}
}

func (m *migration) addContexts(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	line := int32(0)
	for text := range strings.Lines(string(text)) {
		if line++; strings.Contains(text, "named") {
			m.add(namedconf.Harmless, namedconf.Pos{File: path, Line: line},
				"'"+strings.Join(strings.Fields(text), " ")+"' is for named; the forwarder may read and write it too", "")
		}
	}
}

// writeCommands prints what to type.
func (m *migration) writeCommands(w io.Writer) {
	first := [2]string{"forwarder migrate-check " + m.path, "once more, until nothing is to be mended"}
	if m.status() != mendFirst {
		first = [2]string{"forwarder -g --listen 127.0.0.1#5353 -c " + m.path, "in another window: dig @127.0.0.1 -p 5353 NAME"}
	}
	there, back := switching()
	fmt.Fprint(w, "\nWhat to type, as root\n\n")
	for _, c := range [][2]string{
		first,
		{there, "stops named, and starts the forwarder"},
		{"forwarder status; dig @127.0.0.1 version.bind chaos txt", "to see that it answers"},
		{back, "the way back"},
	} {
		fmt.Fprintf(w, "  %s\n      # %s\n", c[0], c[1])
	}
}

// switching returns the commands that put the forwarder in named's place, and back.
// replace-named knows the units of Amazon Linux; that of Debian has another name.
func switching() (there, back string) {
	const debian = "bind9"
	if _, err := os.Lstat("/etc/systemd/system/multi-user.target.wants/" + debian + ".service"); err == nil {
		return "systemctl disable " + debian + " && systemctl enable --now forwarder",
			"systemctl disable forwarder && systemctl enable --now " + debian
	}
	return "forwarder replace-named", "forwarder replace-named --undo"
}
