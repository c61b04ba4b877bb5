package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/local"
	"vpcdns/forwarder/namedconf"
)

// haveOwnZones reports whether there are primary zones but those of stock files.
func haveOwnZones(statements []namedconf.Statement) bool {
	return slices.ContainsFunc(statements, func(s namedconf.Statement) bool {
		switch body := bodyOf(s); s.Name() {
		case "view":
			return haveOwnZones(body)
		case "zone":
			kind, _ := findOption(body, "type")
			return zonePlaces[strings.ToLower(kind.Text)] == inPrimary && !isStockZone(s)
		}
		return false
	})
}

func isStockZone(zone namedconf.Statement) bool {
	if len(zone.Items) < 2 {
		return false
	}
	name, _ := canonicalName(zone.Items[1].Text)
	return stockZones[name] != ""
}

func (b *builder) addPrimaryZone(z *zoneDraft) {
	if z.file.Text == "" {
		if !b.broken {
			b.errorf(z.pos, "zone '%s': missing 'file' entry", z.shown)
		}
		return
	}
	_, err := os.Stat(b.path(z.file.Text))
	if errors.Is(err, fs.ErrNotExist) && stockZones[z.name] != "" {
		b.harmlessf(z.file.Pos, "zone '%s': its file '%s' is missing: its records are built in", z.shown, z.file)
		b.addStockZone(z)
		return
	}
	b.primary[z.name] = true
	b.zoneFiles = append(b.zoneFiles, z.file)
	if z.given || z.policy != "" {
		b.addForwarders(z)
	}
	b.checkJournal(z)
	records, err := b.loadZone(z)
	b.cfg.Local = append(b.cfg.Local, LocalZone{Name: z.name, Records: records, Err: err, AllowQuery: z.allowQuery})
}

// addStockZone serves a zone whose file has gone with the package of BIND.
func (b *builder) addStockZone(z *zoneDraft) {
	b.primary[z.name] = true
	b.cfg.Local = append(b.cfg.Local, LocalZone{Name: z.name, Records: stockRecords(z.name), AllowQuery: z.allowQuery})
}

// checkJournal tells of changes that named has taken and not yet written to the
// file.
func (b *builder) checkJournal(z *zoneDraft) {
	if journal := z.file.Text + ".jnl"; isFile(b.path(journal)) {
		b.changef(z.file.Pos, "zone '%s': the changes in its journal '%s' are not read; say rndc sync -clean to named, while it runs", z.shown, journal)
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// loadZone reads the file of a zone. What is wrong with it is no error of the
// configuration: one zone does not keep the others from being served.
func (b *builder) loadZone(z *zoneDraft) ([]dns.RR, error) {
	records, problems := local.Load(local.File{
		Apex: z.name, Path: z.file.Text, Dir: b.cfg.Directory, Checks: z.checks,
	})
	if records == nil {
		b.zoneFault(z.file.Pos, "zone '%s' is not loaded: its names are answered SERVFAIL, or, after a reload, as before. Mend the file, and reload", z.shown)
	}
	for _, p := range problems {
		pos := namedconf.Pos{File: p.Path, Line: int32(p.Line)}
		if p.Warning {
			b.harmlessf(pos, "zone '%s': %s", z.shown, p.Message)
			continue
		}
		b.zoneFault(pos, "zone '%s': %s", z.shown, p.Message)
	}
	return records, zoneError(problems)
}

// zoneError is the first problem that is no warning.
func zoneError(problems []local.Problem) error {
	for _, p := range problems {
		if !p.Warning {
			return fmt.Errorf("%v: %s", namedconf.Pos{File: p.Path, Line: int32(p.Line)}, p.Message)
		}
	}
	return nil
}

// checksOf are those of the zone that is read, or of all.
func (b *builder) checksOf() *local.Checks {
	if b.zone != nil {
		return &b.zone.checks
	}
	return &b.checks
}

var actions = map[string]local.Action{"fail": local.Fail, "warn": local.Warn, "ignore": local.Ignore}

// action sets what becomes of a zone in which a check finds something.
func action(field func(*local.Checks) *local.Action) setter {
	return func(b *builder, s namedconf.Statement) { *field(b.checksOf()) = actions[strings.ToLower(value(s, 1))] }
}

// checked sets whether a check is done.
func checked(field func(*local.Checks) *bool) setter {
	return func(b *builder, s namedconf.Statement) {
		v := strings.ToLower(value(s, 1))
		*field(b.checksOf()) = v == "yes" || v == "warn"
	}
}

// checkNames sets check-names for primary zones; there are no others here.
func (b *builder) checkNames(s namedconf.Statement) {
	if of := strings.ToLower(value(s, 1)); of == "primary" || of == "master" {
		b.checks.Names = actions[strings.ToLower(value(s, 2))]
	}
}

// path returns a file's path as seen from the configured directory.
func (b *builder) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(b.cfg.Directory, file)
}
