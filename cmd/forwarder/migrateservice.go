package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/rndcconf"
)

// addFlags adds where flags are said that no longer count.
func (m *migration) addFlags() {
	const path = "/etc/default/named"
	settings, _ := readEnvironment(path) // what cannot be read does not count either
	for _, s := range settings {
		f, err := parseFlags(words(s.value))
		if s.name == "OPTIONS" && (err != nil || f.set.NFlag() > 1 || f.set.NFlag() == 1 && f.user == "") {
			m.add(namedconf.Change, namedconf.Pos{File: path, Line: int32(s.line)},
				fmt.Sprintf("OPTIONS=%q does not count: forwarder.service reads /etc/sysconfig", s.value),
				"write what is to stay to /etc/sysconfig/forwarder, without -u: the unit says who runs it")
		}
	}
}

// addKey adds whether rndc finds the key that it needs without one in controls.
func (m *migration) addKey() {
	if m.in.config == nil || !needsKeyFile(m.in.config) {
		return
	}
	access, _ := accessOf(m.user) // it was there before
	for _, path := range rndcconf.KeyFiles {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if access != nil {
			if err := access.Read(path); err != nil {
				m.concerns = append(m.concerns, concernOf(namedconf.Finding{
					Severity: namedconf.Change, Pos: namedconf.Pos{File: path}, Message: "rndc cannot drive the forwarder: " + err.Error() + "; chgrp or chmod it",
				}))
				return
			}
		}
		m.add(namedconf.Harmless, namedconf.Pos{File: path}, "rndc drives the forwarder with this key, as it does named", "")
		return
	}
	m.add(namedconf.Harmless, namedconf.Pos{}, "there is no rndc.key: rndc drives neither named nor the forwarder",
		"forwarder rndc --make-key, if it is to")
}

// needsKeyFile reports whether a control channel has no key of its own.
func needsKeyFile(c *config.Config) bool {
	return c.NoControls || slices.ContainsFunc(c.Controls, func(c config.Control) bool { return len(c.Keys) == 0 })
}

// addSystem adds a system that has ended, for which the unit is not made.
func (m *migration) addSystem() {
	const path = "/etc/os-release"
	settings, _ := readEnvironment(path) // it has the form of one
	is := make(map[string]setting)
	for _, s := range settings {
		is[s.name] = s
	}
	if v := is["VERSION_ID"]; is["ID"].value == "amzn" && v.value == "2" {
		m.add(namedconf.Change, namedconf.Pos{File: path, Line: int32(v.line)},
			"Amazon Linux 2 has ended in June 2026: forwarder.service is made for systemd 252 of Amazon Linux 2023",
			"move to Amazon Linux 2023: the configuration loads there as it is")
	}
}

// addUnits adds what this machine says of the service of named: it does not hold
// for another one.
func (m *migration) addUnits() {
	for _, name := range []string{"named", "named-chroot", "bind9"} {
		unit := "/etc/systemd/system/" + name + ".service"
		paths, _ := filepath.Glob(unit + ".d/*.conf") // the pattern is good
		if info, err := os.Lstat(unit); err == nil && info.Mode().IsRegular() {
			paths = append(paths, unit)
		}
		for _, path := range paths {
			m.add(namedconf.Change, namedconf.Pos{File: path}, "what it says of "+name+".service does not hold for forwarder.service",
				"write what is to stay to /etc/systemd/system/forwarder.service.d/")
		}
	}
}

// writable are the directories below which forwarder.service lets files be written.
var writable = []string{"/var/named", "/var/log", "/run/named"}

// addWritten adds files that the unit keeps from being written.
func (m *migration) addWritten() {
	if m.in.config == nil {
		return
	}
	for _, path := range writtenFiles(m.in.config) {
		path = strings.Replace(filepath.Clean(path), "/var/run/", "/run/", 1)
		if !slices.ContainsFunc(writable, func(dir string) bool { return strings.HasPrefix(path, dir+"/") }) {
			m.add(namedconf.Change, namedconf.Pos{File: m.path}, fmt.Sprintf("'%s' cannot be written: forwarder.service lets files be written below %s alone",
				path, strings.Join(writable, ", ")), "write ReadWritePaths="+filepath.Dir(path)+" to /etc/systemd/system/forwarder.service.d/logs.conf, below [Service]")
		}
	}
}
