package tap

import (
	"fmt"
	"os"

	"vpcdns/forwarder/dnstap"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
)

// files are where the configuration has a tap's file.
type files struct {
	path     string
	versions int // as in logging.Channel
	stamped  bool
}

func (t files) Path() string { return t.path }

// emptySize is the size of a file without messages, in octets: it is not kept.
const emptySize = 54

// Open moves what a former process has written out of the way too, which named
// overwrites.
func (t files) Open(keep dnstap.Keep) (*os.File, error) {
	if err := t.moveAway(keep); err != nil {
		return nil, fmt.Errorf("moving former messages away: %w", err)
	}
	place, _, err := host.LocateMade(t.path)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	f, err := place.Append()
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (t files) moveAway(keep dnstap.Keep) error {
	if keep == dnstap.KeepFormer && t.versions == logging.Unlimited {
		return t.setAside()
	}
	return logging.Roll(t.path, t.kept(keep), t.stamped, emptySize)
}

// setAside keeps the former file by a name that rolling does not use: restarts do not
// fill the disk, and take nothing away that was rolled on purpose.
func (t files) setAside() error {
	place, err := host.Locate(t.path)
	if err != nil {
		return nil // opening it finds out what is wrong
	}
	defer place.Close()
	if size, ok := place.Size(place.Name()); !ok || size <= emptySize {
		return nil
	}
	return place.Rename(place.Name(), place.Name()+".old")
}

func (t files) kept(keep dnstap.Keep) int {
	switch keep {
	case dnstap.KeepAsConfigured, dnstap.KeepFormer:
		return t.versions
	case dnstap.KeepAll:
		return logging.Unlimited
	}
	return int(keep)
}
