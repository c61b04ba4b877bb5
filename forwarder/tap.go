package forwarder

import (
	"fmt"
	"os"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/dnstap"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
)

// DnstapStats is what the tap has done: see the package dnstap.
type DnstapStats = dnstap.Stats

// Dnstap returns what the tap has done.
func (s *Server) Dnstap() DnstapStats { return s.tap.Stats() }

// setTap makes the tap do as the configuration says.
func (s *Server) setTap(c *config.Dnstap) {
	o := tapOptions(c)
	before := s.tap.State().Output
	if o.Types != 0 {
		s.setObserver(observedByTap, true)
	}
	s.tap.Set(o)
	s.setObserver(observedByTap, o.Types != 0)
	if after := s.tap.State().Output; after != before {
		s.logTap("closing", before)
		s.logTap("opening", after)
	}
}

// tappedTypes are the types of messages of a kind in the configuration: queries, and
// their responses.
var tappedTypes = []struct {
	kind            config.DnstapMessages
	query, response dnstap.Type
}{
	{config.DnstapAuth, dnstap.AuthQuery, dnstap.AuthResponse},
	{config.DnstapClient, dnstap.ClientQuery, dnstap.ClientResponse},
	{config.DnstapResolver, dnstap.ResolverQuery, dnstap.ResolverResponse},
	{config.DnstapForwarder, dnstap.ForwarderQuery, dnstap.ForwarderResponse},
	{config.DnstapUpdate, dnstap.UpdateQuery, dnstap.UpdateResponse},
}

func tapOptions(c *config.Dnstap) dnstap.Options {
	o := dnstap.Options{Identity: c.Identity, Version: c.Version, Size: c.Size, Again: c.Reopen}
	for _, t := range tappedTypes {
		if c.Queries&t.kind != 0 {
			o.Types |= dnstap.Of(t.query)
		}
		if c.Responses&t.kind != 0 {
			o.Types |= dnstap.Of(t.response)
		}
	}
	if o.Types == 0 {
		return dnstap.Options{}
	}
	if o.Socket = c.Path; !c.Socket {
		o.Socket, o.Files = "", tapFiles{c.Path, c.Versions, c.SuffixTimestamp}
	}
	return o
}

// tapFiles are where the configuration has a tap's file.
type tapFiles struct {
	path     string
	versions int // as in logging.Channel
	stamped  bool
}

func (t tapFiles) Path() string { return t.path }

// emptyTap is the size of a file without messages, in octets: it is not kept.
const emptyTap = 54

// Open moves what a former process has written out of the way too, which named
// overwrites.
func (t tapFiles) Open(keep dnstap.Keep) (*os.File, error) {
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

func (t tapFiles) moveAway(keep dnstap.Keep) error {
	if keep == dnstap.KeepFormer && t.versions == logging.Unlimited {
		return t.setAside()
	}
	return logging.Roll(t.path, t.kept(keep), t.stamped, emptyTap)
}

// setAside keeps the former file by a name that rolling does not use: restarts do not
// fill the disk, and take nothing away that was rolled on purpose.
func (t tapFiles) setAside() error {
	place, err := host.Locate(t.path)
	if err != nil {
		return nil // opening it finds out what is wrong
	}
	defer place.Close()
	if size, ok := place.Size(place.Name()); !ok || size <= emptyTap {
		return nil
	}
	return place.Rename(place.Name(), place.Name()+".old")
}

func (t tapFiles) kept(keep dnstap.Keep) int {
	switch keep {
	case dnstap.KeepAsConfigured, dnstap.KeepFormer:
		return t.versions
	case dnstap.KeepAll:
		return logging.Unlimited
	}
	return int(keep)
}
