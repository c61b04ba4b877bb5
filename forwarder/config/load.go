package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// Report is what was found in a configuration.
type Report struct {
	Findings []namedconf.Finding // by place
	Sources  []string            // the files of the configuration, in the order of reading
	Unread   []string            // those that could not be read
	normal   []namedconf.Statement
}

// Failed reports whether there are errors: of the configuration, or of a zone's file.
func (r Report) Failed() bool { return errorsOf(r.Findings) != nil }

// NotNeeded reports whether a file of the configuration may be missing.
func (r Report) NotNeeded(path string) bool {
	_, ok := stockInclude(path)
	return ok
}

// WriteNormal writes the configuration in the form that named-checkconf -p
// prints: includes resolved, values normalised, options in a fixed order.
func (r Report) WriteNormal(w io.Writer) error { return namedconf.Format(w, r.normal) }

// HideSecrets has WriteNormal print question marks for keys and cookie secrets, as
// named-checkconf -x does.
func (r Report) HideSecrets() { hideSecrets(r.normal) }

func hideSecrets(body []namedconf.Statement) {
	for _, s := range body {
		if name := s.Name(); (name == "secret" || name == "cookie-secret") && len(s.Items) > 1 {
			s.Items[1].Text = strings.Repeat("?", len(s.Items[1].Text))
		}
		for _, it := range s.Items {
			hideSecrets(it.Body)
		}
	}
}

// Loader loads configurations. The zero value is ready to use.
type Loader struct {
	// Port is the default port to listen on and to forward to, in place of the
	// option port (named's -p); 0 leaves it.
	Port uint16

	// Access is what the user that the server will run as may do; nil: nothing is
	// said of it.
	Access Access

	// Own tells which addresses this host would serve: none of them may be a
	// forwarder. Elsewhere says that the file may be for another host, where that is
	// no error. Nil: only those are looked at that listen-on names one by one.
	Own       func(*Config) []netip.AddrPort
	Elsewhere bool
}

// Access tells what a user may do with files: an error says why he may not.
type Access interface {
	Read(path string) error
	Write(path string) error // also to make it
}

// Load reads a named.conf with a Loader that changes nothing.
func Load(path string) (*Config, Report, error) { return Loader{}.Load(path) }

// Load reads a named.conf with all that it includes, and the files of its
// primary zones. Everything that is wrong with them is found at once: the
// Report has it, with what is no error. The error is of the errors alone, a line
// each; without one there is a Config. An error in a zone's file is only in the Report,
// and in the LocalZone: it costs no more than that zone.
func (l Loader) Load(path string) (*Config, Report, error) {
	return l.compile(namedconf.Loader{Missing: stockInclude}.Load(path))
}

// compile gives meaning to a syntax tree.
func (l Loader) compile(file *namedconf.File) (*Config, Report, error) {
	c := newChecker()
	c.findings, c.broken = file.Findings, errorsOf(file.Findings) != nil
	c.ownZones = haveOwnZones(file.Statements)
	c.writeOut(file.Statements)
	normal := c.block(file.Statements, inTop)
	b := newBuilder(c, l.Port)
	if len(file.Sources) > 0 {
		b.optionsPos.File = file.Sources[0]
	}
	cfg := b.build(normal)
	b.checkPaths()
	var own []netip.AddrPort
	if l.Own != nil {
		own = l.Own(cfg)
	}
	b.checkLoops(own, l.Elsewhere)
	if l.Access != nil {
		b.checkAccess(l.Access, file.Sources)
	}
	err := errorsOf(first(sorted(slices.Clone(c.findings))))
	report := Report{Findings: first(sorted(append(c.findings, c.faults...))), Sources: file.Sources, Unread: file.Unread, normal: normal}
	if err != nil {
		return nil, report, err
	}
	return cfg, report, nil
}

// errorsOf returns the errors among findings as one; nil if there are none.
func errorsOf(findings []namedconf.Finding) error {
	var errs []error
	for _, f := range findings {
		if f.Severity == namedconf.Error {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// sorted orders findings by place and drops those said twice. Files stay in
// the order of reading.
func sorted(findings []namedconf.Finding) []namedconf.Finding {
	order := make(map[string]int)
	for _, f := range findings {
		if _, ok := order[f.Pos.File]; !ok {
			order[f.Pos.File] = len(order)
		}
	}
	slices.SortStableFunc(findings, func(x, y namedconf.Finding) int {
		return cmp.Or(
			cmp.Compare(order[x.Pos.File], order[y.Pos.File]),
			cmp.Compare(x.Pos.Line, y.Pos.Line),
			cmp.Compare(x.Pos.Col, y.Pos.Col),
		)
	})
	return slices.Compact(findings)
}

// maxFindings of each severity are reported: more than anybody reads.
const maxFindings = 100

// first cuts what is more than maxFindings, and tells how many it cut.
func first(findings []namedconf.Finding) []namedconf.Finding {
	var count [3]int // by severity
	kept := slices.DeleteFunc(findings, func(f namedconf.Finding) bool {
		count[f.Severity]++
		return count[f.Severity] > maxFindings
	})
	for severity, what := range []string{namedconf.Error: "errors", namedconf.Change: "changes", namedconf.Harmless: "harmless ones"} {
		if more := count[severity] - maxFindings; more > 0 {
			kept = append(kept, namedconf.Finding{
				Pos:      namedconf.Pos{File: kept[0].Pos.File},
				Severity: namedconf.Severity(severity),
				Message:  fmt.Sprintf("%d more %s", more, what),
			})
		}
	}
	return kept
}

// checkPaths warns of directories that are not there. named does not start
// without its directory, and without that of a log file; here both only cost
// what would be written to them.
func (b *builder) checkPaths() {
	if b.directoryPos.Line > 0 {
		b.checkDirectory()
	}
	for _, c := range b.cfg.Logging.Channels {
		if c.Path == "" {
			continue
		}
		if d := filepath.Dir(b.path(c.Path)); !isDir(d) {
			b.changef(b.channelPos[c.Name], "channel '%s': directory '%s' does not exist: what cannot be written is lost; make it", c.Name, d)
		}
	}
}

// checkAccess tells of files that the user of the server may not read or write.
func (b *builder) checkAccess(a Access, sources []string) {
	for _, path := range sources {
		if err := a.Read(path); err != nil {
			b.errorf(namedconf.Pos{File: path}, "%v; chgrp or chmod it", err)
		}
	}
	for _, z := range b.zoneFiles {
		if err := a.Read(b.path(z.Text)); err != nil {
			b.zoneFault(z.Pos, "%v; chgrp or chmod it", err)
		}
	}
	for _, c := range b.cfg.Logging.Channels {
		if path := b.path(c.Path); c.Path != "" && isDir(filepath.Dir(path)) {
			if err := a.Write(path); err != nil {
				b.changef(b.channelPos[c.Name], "channel '%s': %v: what is logged there is lost; chown or chmod it", c.Name, err)
			}
		}
	}
}

// checkDirectory also warns of one that is another one at each reload: a server
// that went to `data` looks for `data/data`.
func (b *builder) checkDirectory() {
	d := b.cfg.Directory
	if !filepath.IsAbs(d) && filepath.Clean(d) != "." {
		b.changef(b.directoryPos, "directory '%s' is relative: at a reload it is sought in itself; write the whole path", d)
	}
	if !isDir(d) {
		b.harmlessf(b.directoryPos, "directory '%s' does not exist", d)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
