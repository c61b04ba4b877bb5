package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/namedconf"
)

// addPackages adds files that belong to packages: what the package of BIND has
// goes with it.
func (m *migration) addPackages() {
	for _, path := range m.in.report.Sources {
		if owners := owningPackages(path); len(owners) > 0 {
			m.addOwned(path, owners)
		}
	}
	for _, path := range []string{"/etc/logrotate.d/named", "/etc/logrotate.d/bind9"} {
		if _, err := os.Stat(path); err == nil {
			m.add(namedconf.Change, namedconf.Pos{File: path}, "goes with the package of BIND: after that nobody rotates the logs that it names",
				"copy it to "+filepath.Join(filepath.Dir(path), "forwarder")+", or give the channels versions and size")
		}
	}
}

// addOwned is about a file that stays as long as one of its packages does.
func (m *migration) addOwned(path string, owners []string) {
	pos, owner := namedconf.Pos{File: path}, strings.Join(owners, " and ")
	switch {
	case slices.ContainsFunc(owners, func(name string) bool { return !isBIND(name) }):
		m.add(namedconf.Harmless, pos, "belongs to package "+owner+", and stays", "")
	case m.in.report.NotNeeded(path):
		m.add(namedconf.Harmless, pos, "belongs to package "+owner+", and goes with it: what it says is built in, and that it is missing is no error", "")
	default:
		m.add(namedconf.Change, pos, "belongs to package "+owner+": when that is erased rpm leaves it as "+filepath.Base(path)+
			".rpmsave, apt-get purge deletes it, and the forwarder does not start", "keep the package, with its service masked, or copy the file and name the copy")
	}
}

// isBIND reports whether a package is one of those of BIND.
func isBIND(name string) bool {
	return name == "bind" || name == "bind9" || strings.HasPrefix(name, "bind-") || strings.HasPrefix(name, "bind9-") || strings.HasPrefix(name, "bind9.")
}

// owningPackages asks rpm, or else dpkg, which packages have a file. Nobody may
// have it, or know.
func owningPackages(path string) []string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if out, ok := output("rpm", "-qf", "--queryformat", `%{NAME}\n`, path); ok {
		return packagesIn(out)
	}
	out, ok := output("dpkg", "-S", path) // bind9, other: /etc/bind/named.conf
	owners, _, found := strings.Cut(out, ": ")
	if !ok || !found {
		return nil
	}
	return packagesIn(strings.ReplaceAll(owners, ",", "\n"))
}

// packagesIn are the names in lines, without dpkg's :amd64.
func packagesIn(lines string) (list []string) {
	for line := range strings.Lines(lines) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), ":"); name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// output runs a program that tells of the machine, and returns what it prints; not
// ok if it fails or is not there.
func output(program string, args ...string) (text string, ok bool) {
	const longest = 10 * time.Second // rpm waits for who holds its database
	ctx, stop := context.WithTimeout(context.Background(), longest)
	defer stop()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	return string(out), err == nil
}
