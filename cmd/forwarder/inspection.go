package main

import (
	"fmt"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
)

// inspection is what is found about a configuration, and about the service that
// is to read it.
type inspection struct {
	service  service
	config   *config.Config // nil: it has errors
	report   config.Report
	findings []namedconf.Finding
}

// inspect reads the configuration at path as the service of this machine would,
// which runs as a user: "" is the usual one, if there is such a user.
func inspect(path, user string) (inspection, error) {
	access, err := accessOf(user)
	if err != nil {
		return inspection{}, err
	}
	in := inspection{service: readService(sysconfigs...)}
	in.service.compareConfig(path)
	loader := config.Loader{Port: uint16(in.service.flags.port), Access: access, Own: in.service.flags.own, Elsewhere: true}
	in.config, in.report, _ = loader.Load(path)
	if in.config != nil {
		in.inspectFlags()
	}
	in.inspectState(access)
	in.findings = append(in.service.findings, in.report.Findings...)
	return in, nil
}

// inspectFlags says of flags beside the configuration what the server says at its start.
func (in *inspection) inspectFlags() {
	s, f := &in.service, in.service.flags
	for _, notice := range append(f.applyTo(in.config), f.controlKeys.missed(keyNames(f.controls(in.config)))...) {
		s.find(s.flagsPos, namedconf.Change, "%s", notice)
	}
	served, _ := f.servedBy(in.config) // of addresses that cannot be told wouldServe tells
	if err := f.fitPeers(served); err != nil {
		s.find(s.flagsPos, namedconf.Error, "%v: the service does not start", err)
	}
	if f.user == "" {
		return
	}
	if _, err := lookupAccount(f.user); err != nil {
		s.find(s.flagsPos, namedconf.Error, "-u: %v: the service does not start", err)
	}
}

// inspectState holds the file of the state to what the user may do.
func (in *inspection) inspectState(access config.Access) {
	path := in.service.flags.watch.stateFile
	if path == "" || access == nil {
		return
	}
	if err := access.Write(path); err != nil {
		in.service.find(in.service.flagsPos, namedconf.Change, "--state-file: %v: overrides and watches are not kept over a restart", err)
	}
}

// failed reports whether there are errors.
func (in *inspection) failed() bool { return len(ofSeverity(in.findings, namedconf.Error)) > 0 }

// accessOf returns what a user may do, or nil where nobody is to be asked about.
func accessOf(user string) (config.Access, error) {
	name := user
	if name == "" {
		name = serviceUser
	}
	switch a, err := lookupAccount(name); {
	case err == nil:
		return permissions{a}, nil
	case user != "":
		return nil, fmt.Errorf("-u: %w", err)
	}
	return nil, nil
}
