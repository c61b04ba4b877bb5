package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/config"
)

// A server whose configuration is broken stays down, and is not started over and
// over. systemd watches the files meanwhile, with a path unit that lasts as long
// as this: which files are included is known only when they are read. A change
// starts the service; it does nothing to one that runs.

const (
	mendedService = "forwarder.service"
	mendedPath    = "forwarder.path"
	mendService   = "forwarder-mend.service"

	// mostWatched is how many files are watched one by one; of more, their
	// directories are.
	mostWatched = 200
)

func mendVerb() verb {
	return verb{"mend", "", "Have systemd start the service that failed once its configuration changes", func() program {
		return program{newVerbFlags("mend"), func(_ []string, _, stderr io.Writer) int {
			if err := mend(); err != nil {
				fmt.Fprintf(stderr, "forwarder mend: %v\n", err)
				return exitFailure
			}
			return 0
		}}
	}}
}

// mend arms the path unit, unless another has the service's place meanwhile.
func mend() error {
	began, err := serviceBegan()
	if err != nil {
		return err
	}
	files := filesToMend()
	_, _ = systemd("systemctl", "stop", mendedPath) // there may be none
	watch := []string{"--quiet", "--unit=" + mendedService, "--path-property=PartOf=" + mendedService}
	for _, unit := range []string{namedService, chrootService} {
		if property(unit, "Id") == unit { // it is no alias: whoever starts it wants no forwarder
			watch = append(watch, "--path-property=Conflicts="+unit)
		}
	}
	for _, path := range files {
		watch = append(watch, "--path-property=PathChanged="+path)
	}
	if len(running(namedService, chrootService)) > 0 { // arming stops it
		return nil
	}
	if _, err := systemd("systemd-run", watch...); err != nil {
		return err
	}
	if !changedSince(files, began) {
		return nil
	}
	_, err = systemd("systemctl", "start", "--no-block", mendedService)
	return err
}

// systemd runs one of its programs and returns what it says.
func systemd(program string, args ...string) (string, error) {
	out, err := exec.Command(program, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w: %s", program, args[0], err, text)
	}
	return text, nil
}

// serviceBegan returns when the process that failed was started: it has read files
// as they were after that.
func serviceBegan() (time.Time, error) {
	text, err := systemd("systemctl", "show", "-P", "ExecMainStartTimestamp", "--timestamp=us+utc", mendedService)
	if err != nil {
		return time.Time{}, err
	}
	if text == "" {
		return time.Now(), nil // it was not even started
	}
	began, err := time.Parse("Mon 2006-01-02 15:04:05.000000 MST", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when %s began: %w", mendedService, err)
	}
	return began, nil
}

// filesToMend are those that the service reads when it starts.
func filesToMend() []string {
	path := readService(sysconfigs...).flags.config
	_, report, _ := config.Load(path) // its errors were told by who failed
	files := append([]string{path}, sysconfigs...)
	files = append(files, report.Sources...)
	return watchable(append(files, report.Unread...))
}

// watchable are absolute paths, what they link to as well, each once.
func watchable(files []string) []string {
	var list []string
	for _, f := range files {
		path, err := filepath.Abs(f)
		if err != nil {
			continue
		}
		list = append(list, path)
		if target, err := filepath.EvalSymlinks(path); err == nil {
			list = append(list, target)
		}
	}
	list = sortedOnce(list)
	if len(list) <= mostWatched {
		return list
	}
	for i, path := range list {
		list[i] = filepath.Dir(path)
	}
	list = sortedOnce(list)
	return list[:min(len(list), mostWatched)]
}

func sortedOnce(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// changedSince reports whether one of the files is another than it was: by the time
// that the kernel keeps, which a file that is moved here has too. One of the future
// tells that the clock was put back, and nothing else.
func changedSince(files []string, t time.Time) bool {
	now := time.Now()
	return slices.ContainsFunc(files, func(path string) bool {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		changed := changeTime(info)
		return changed.After(t) && !changed.After(now)
	})
}
