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
	if in.config != nil && in.service.flags.listen.IsValid() {
		tryAt(in.config, in.service.flags.listen.AddrPort)
	}
	in.inspectWatch(access)
	in.findings = append(in.service.findings, in.report.Findings...)
	return in, nil
}

// inspectWatch holds the flags about watched names to the configuration, and to what
// the user may do.
func (in *inspection) inspectWatch(access config.Access) {
	w := &in.service.flags.watch
	if in.config != nil {
		for _, doubt := range w.doubts(in.config) {
			in.service.find(in.service.flagsPos, namedconf.Change, "%s", doubt)
		}
	}
	if w.stateFile != "" && access != nil {
		if err := access.Write(w.stateFile); err != nil {
			in.service.find(in.service.flagsPos, namedconf.Change, "--state-file: %v: overrides and watches are not kept over a restart", err)
		}
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
