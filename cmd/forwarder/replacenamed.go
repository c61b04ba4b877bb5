package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/namedconf"
)

// Whoever says systemctl restart named out of habit is to reach the forwarder, and
// never start the old server beside it: the name becomes an alias of the
// forwarder's unit. (systemctl mask would keep named down too, but refuses, and an
// alias cannot be made of a masked name.) The alias is not in the unit as it comes:
// made while named runs, systemd takes the process of named for the forwarder's.

const (
	namedService  = "named.service"
	chrootService = "named-chroot.service"

	// aliasFile is what systemctl enable reads in addition to the unit's [Install].
	aliasFile = "/etc/systemd/system/forwarder.service.d/named.conf"
	aliasText = "# Made by forwarder replace-named; --undo removes it.\n[Install]\nAlias=" + namedService + "\n"
)

// unitDirs are where packages put units.
var unitDirs = []string{"/usr/lib/systemd/system", "/lib/systemd/system", "/usr/local/lib/systemd/system"}

func replaceNamedVerb() verb {
	return verb{"replace-named", "[--undo]", "Start the forwarder in the place of named, and lead named's unit to it; --undo goes back", func() program {
		flags := newVerbFlags("replace-named")
		undo := flags.Bool("undo", false, "start named again in the place of the forwarder")
		return program{flags, func(args []string, stdout, stderr io.Writer) int {
			if len(args) > 0 {
				fmt.Fprintf(stderr, "forwarder replace-named: extra arguments: %s\n", strings.Join(args, " "))
				return exitUsage
			}
			change := replaceNamed
			if *undo {
				change = restoreNamed
			}
			if err := change(stdout); err != nil {
				fmt.Fprintf(stderr, "forwarder replace-named: %v\n", err)
				return exitStatus(err)
			}
			return 0
		}}
	}}
}

// replaceNamed stops named and starts the forwarder. When that does not start, named
// runs again, and nothing has changed.
func replaceNamed(w io.Writer) error {
	if err := checkService(); err != nil {
		return err
	}
	former := running(namedService, chrootService)
	err := takeName(former)
	if err == nil {
		_, err = systemd("systemctl", "start", mendedService)
	}
	if err != nil && len(former) > 0 {
		return errors.Join(fmt.Errorf("named is started again: %w", err), restoreNamed(io.Discard))
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "forwarder.service runs in the place of named, also after a boot, and under the name of named.service")
	fmt.Fprintln(w, "the way back: forwarder replace-named --undo")
	return nil
}

// takeName stops what serves so far and makes the alias. systemd learns of it while
// neither unit runs: of two that become one it keeps the state of either.
func takeName(former []string) error {
	if property(namedService, "Id") == mendedService {
		_, err := systemd("systemctl", "enable", mendedService)
		return err
	}
	if err := disableNamed(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(aliasFile), 0o755); err != nil {
		return fmt.Errorf("making the alias: %w", err)
	}
	if err := os.WriteFile(aliasFile, []byte(aliasText), 0o644); err != nil {
		return fmt.Errorf("making the alias: %w", err)
	}
	if _, err := systemd("systemctl", "enable", "--no-reload", mendedService); err != nil {
		return err
	}
	for _, unit := range append(running(mendedService), former...) {
		if _, err := systemd("systemctl", "stop", unit); err != nil {
			return err
		}
	}
	_, err := systemd("systemctl", "daemon-reload")
	return err
}

// checkService finds out, with nothing changed yet, what would keep the service from
// starting.
func checkService() error {
	s := readService(sysconfigs...)
	_, _, err := config.Load(s.flags.config)
	for _, f := range s.findings {
		if f.Severity == namedconf.Error {
			err = errors.Join(errors.New(f.String()), err)
		}
	}
	if err != nil {
		return fmt.Errorf("%w, named goes on\n%w", errConfiguration, err)
	}
	return nil
}

// running are those of the units that run under their own name.
func running(units ...string) []string {
	return slices.DeleteFunc(units, func(unit string) bool {
		return property(unit, "ActiveState") != "active" || property(unit, "Id") != unit
	})
}

// property is that of a unit, "" if systemd does not tell.
func property(unit, name string) string {
	value, _ := systemd("systemctl", "show", "-P", name, unit)
	return value
}

// disableNamed keeps named from being started at boot, and makes room for the alias.
func disableNamed() error {
	for _, unit := range []string{namedService, chrootService} {
		var err error
		switch property(unit, "LoadState") {
		case "masked":
			_, err = systemd("systemctl", "unmask", unit)
		case "loaded":
			_, err = systemd("systemctl", "disable", "--no-reload", unit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restoreNamed undoes replaceNamed. When named does not start, the forwarder goes
// on.
func restoreNamed(w io.Writer) error {
	if !packaged(namedService) {
		return fmt.Errorf("there is no %s to go back to: install bind", namedService)
	}
	if err := os.Remove(aliasFile); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("removing the alias: %w", err)
	}
	_ = os.Remove(filepath.Dir(aliasFile)) // unless it has other files
	if _, err := systemd("systemctl", "disable", mendedService); err != nil {
		return err
	}
	if len(running(mendedService)) == 0 {
		stopMending()
	}
	if _, err := systemd("systemctl", "start", namedService); err != nil {
		return errors.Join(fmt.Errorf("named does not start: %w", err), replaceNamed(io.Discard))
	}
	stopMending() // of one that failed as it ended
	_, _ = systemd("systemctl", "reset-failed", mendedService)
	if _, err := systemd("systemctl", "enable", namedService); err != nil {
		return err
	}
	fmt.Fprintln(w, "named.service runs in the place of the forwarder, also after a boot")
	return nil
}

// stopMending keeps a service that failed from being started again, be it at once or when
// its configuration changes: what waits for that conflicts with named, and stops it.
func stopMending() {
	for _, unit := range []string{mendedService, mendService, mendedPath} {
		_, _ = systemd("systemctl", "stop", unit) // as a rule there is nothing of it
	}
}

// packaged reports whether a package has brought the unit.
func packaged(unit string) bool {
	return slices.ContainsFunc(unitDirs, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, unit))
		return err == nil
	})
}
