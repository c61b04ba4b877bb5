package main

import (
	"fmt"
	"path/filepath"

	"vpcdns/forwarder/namedconf"
)

// Where forwarder.service gets flags from; the last file wins.
var sysconfigs = []string{"/etc/sysconfig/named", "/etc/sysconfig/forwarder"}

// serviceUser is the user of forwarder.service.
const serviceUser = "named"

// service is how systemd starts the server on this machine.
type service struct {
	flags     *flags        // as far as they are right
	configPos namedconf.Pos // where it is said which file the server reads
	flagsPos  namedconf.Pos // where the flags are
	findings  []namedconf.Finding
}

// readService reads the files from which forwarder.service gets OPTIONS and
// NAMEDCONF, and holds them to what the server knows.
func readService(paths ...string) (s service) {
	config, options := setting{value: "/etc/named.conf"}, setting{}
	for _, path := range paths {
		settings, err := readEnvironment(path)
		if err != nil {
			s.find(namedconf.Pos{File: path}, namedconf.Error, "%v", err)
		}
		for _, set := range settings {
			pos := namedconf.Pos{File: path, Line: int32(set.line)}
			switch set.name {
			case "NAMEDCONF":
				config, s.configPos = set, pos
			case "OPTIONS":
				options, s.flagsPos = set, pos
			}
		}
	}
	s.takeOptions(config.value, options.value, s.flagsPos)
	return s
}

// takeOptions reads the command line that the unit makes of both.
func (s *service) takeOptions(config, options string, pos namedconf.Pos) {
	s.flags = newFlags()
	s.flags.config = config
	f, err := parseFlags(append([]string{"-f", "-c", config}, words(options)...))
	if err != nil {
		s.find(pos, namedconf.Error, "OPTIONS=%q: %v: the service does not start; leave it out", options, err)
		return
	}
	if f.config != config {
		s.configPos = pos
	}
	s.flags = f
	for _, why := range f.ignored {
		s.find(pos, namedconf.Harmless, "%s", why)
	}
}

// compareConfig tells that the service reads another file than the one at path.
func (s *service) compareConfig(path string) {
	if s.configPos.File != "" && !same(path, s.flags.config) {
		s.find(s.configPos, namedconf.Change, "the service reads '%s', not '%s', which is checked here", s.flags.config, path)
	}
}

// same reports whether two paths are of one file, by their names.
func same(a, b string) bool {
	x, err := filepath.Abs(a)
	y, err2 := filepath.Abs(b)
	return err == nil && err2 == nil && x == y
}

func (s *service) find(pos namedconf.Pos, severity namedconf.Severity, format string, args ...any) {
	s.findings = append(s.findings, namedconf.Finding{Pos: pos, Severity: severity, Message: fmt.Sprintf(format, args...)})
}
