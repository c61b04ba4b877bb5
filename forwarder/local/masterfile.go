package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
)

// Bounds of a primary zone, which is held in memory, twice during a reload.
const (
	maxZoneBytes   = 256 << 20 // of one file; an included one has its own
	maxZoneRecords = 1_000_000
)

// File is what a primary zone is loaded from.
type File struct {
	Apex   string // of the zone; canonical
	Path   string
	Dir    string // of relative paths, which $INCLUDE has too; "" is the working directory
	Checks Checks
}

// Problem is one thing that is wrong with a zone's file.
type Problem struct {
	Path    string
	Line    int  // 0: it is about the whole zone
	Warning bool // the zone is served all the same
	Message string
}

// Load reads a zone from its file, as named does, and checks it. With a problem
// that is no warning there are no records.
func Load(f File) ([]dns.RR, []Problem) {
	l := &loader{File: f, zone: newZone(f.Apex), origin: f.Apex, seen: newSeen()}
	if err := l.include(f.Path); err == nil {
		l.checkZone()
	}
	if l.failed {
		return nil, l.problems
	}
	return l.records, l.problems
}

// loader is a zone while it is read.
type loader struct {
	File
	zone     *Zone // of what was read so far
	records  []dns.RR
	places   []place // of the records
	seen     seen
	problems []Problem
	failed   bool // one of the problems is no warning

	source *source // the file that is read
	origin string
	owner  string // of the last record; "" is none
	told   string // the owner out of the zone that was last warned of
	batch  batch

	ttl        uint32 // of the last record that said one
	defaultTTL uint32 // $TTL, or what stands for it
	hasTTL     bool
	hasDefault bool
	generated  bool // the record is one of $GENERATE, whose names are not checked
	inherited  bool // it was told that TTLs are inherited
	expired    bool // it was told that signatures have expired
}

// source is a file that is read.
type source struct {
	*lexer
	path  string
	start int     // the line where the record that is read starts
	from  *source // the file that includes it, or nil
}

// reads reports whether a file is being read already: one that includes itself has no end.
func (s *source) reads(path string) bool {
	return s != nil && (s.path == path || s.from.reads(path))
}

// place is where a record stands.
type place struct {
	path string
	line int
}

// errProblem says that reading ends, with a problem that was noted.
var errProblem = errors.New("problem")

func (l *loader) errorf(line int, format string, args ...any) error {
	l.note(Problem{l.source.path, line, false, fmt.Sprintf(format, args...)})
	return errProblem
}

func (l *loader) warnf(line int, format string, args ...any) {
	l.note(Problem{l.source.path, line, true, fmt.Sprintf(format, args...)})
}

// maxProblems of a zone are noted: more than anybody reads.
const maxProblems = 20

func (l *loader) note(p Problem) {
	l.failed = l.failed || !p.Warning
	switch n := len(l.problems); {
	case n < maxProblems || !p.Warning:
		l.problems = append(l.problems, p)
	case n == maxProblems:
		l.problems = append(l.problems, Problem{Path: l.Path, Warning: true, Message: "there are more warnings"})
	}
}

// include reads a file, from the directory. Origin and owner are then again what they
// were; TTLs stay (as in named).
func (l *loader) include(path string) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.Dir, path)
	}
	if l.source.reads(path) {
		return l.errorf(l.source.start, "%s: the file includes itself", path)
	}
	text, err := readRegular(path)
	if err != nil && l.source == nil {
		l.note(Problem{Path: path, Message: err.Error()})
		return errProblem
	}
	if err != nil {
		return l.errorf(l.source.start, "%s: %v", path, err)
	}
	former, origin, owner := l.source, l.origin, l.owner
	l.source = &source{lexer: newLexer(text), path: path, from: former}
	err = l.read()
	if unfinished(text) && err == nil {
		l.warnf(l.source.line, "file does not end with newline")
	}
	l.source, l.origin, l.owner = former, origin, owner
	return err
}

// readRegular reads a file that ends; a pipe or device may not.
func readRegular(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", reason(err)
	case !info.Mode().IsRegular():
		return "", errors.New("not a regular file")
	case info.Size() > maxZoneBytes:
		return "", fmt.Errorf("larger than %d bytes", maxZoneBytes)
	}
	text, err := os.ReadFile(path)
	return string(text), reason(err)
}

// reason is an error of a file without the file's name.
func reason(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// read reads all records of the source.
func (l *loader) read() error {
	for {
		t, err := l.source.next()
		if err != nil {
			return l.errorf(l.source.line, "%v", err)
		}
		l.source.start = l.source.line
		switch {
		case t.kind == endOfFile:
			return nil
		case t.kind == endOfLine:
			continue
		case t.kind == word && strings.HasPrefix(t.text, "$"):
			err = l.directive(t.text)
		default:
			err = l.entry(t)
		}
		if err != nil {
			return err
		}
	}
}

// fields returns the tokens up to the end of the record.
func (l *loader) fields() ([]token, error) {
	var list []token
	for {
		t, err := l.source.next()
		switch {
		case err != nil:
			return nil, l.errorf(l.source.line, "%v", err)
		case t.kind == endOfLine || t.kind == endOfFile:
			return list, nil
		case t.kind != blank:
			list = append(list, t)
		}
	}
}

// entry reads a record, which starts with its owner or white space in place of it.
func (l *loader) entry(first token) error {
	rest, err := l.fields()
	if err != nil || first.kind == blank && len(rest) == 0 {
		return err
	}
	if first.kind != blank {
		if l.owner, err = absolute(first.text, l.origin); err != nil {
			return l.errorf(l.source.start, "%s: %v", first.text, err)
		}
	}
	if l.owner == "" {
		return l.errorf(l.source.start, "no current owner name")
	}
	h, rdata, err := l.header(rest)
	if err != nil {
		return err
	}
	return l.record(l.owner, h, rdata)
}
