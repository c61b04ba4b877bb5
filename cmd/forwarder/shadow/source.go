package shadow

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxQuestions bounds the memory for different questions, some 200 octets each.
const maxQuestions = 200_000

// Questions gathers what was asked, each question once.
type Questions struct {
	counts map[Question]int
	order  []Question
	Lost   int // questions for which there was no room, or that cannot be compared
}

// Add counts a question.
func (s *Questions) Add(q Question) {
	n, known := s.counts[q]
	if !q.comparable() || !known && len(s.counts) == maxQuestions {
		s.Lost++
		return
	}
	if s.counts == nil {
		s.counts = make(map[Question]int)
	}
	if s.counts[q] = n + 1; !known {
		s.order = append(s.order, q)
	}
}

// AddName adds the questions for a name and types.
func (s *Questions) AddName(name string, types ...uint16) {
	for _, t := range types {
		if q, ok := newQuestion(name, t); ok {
			s.Add(q)
		}
	}
}

// Len is how many there are.
func (s *Questions) Len() int { return len(s.order) }

// Top returns at most that many, what was asked most first.
func (s *Questions) Top(most int) []Question {
	list := slices.Clone(s.order)
	slices.SortStableFunc(list, func(a, b Question) int { return cmp.Compare(s.counts[b], s.counts[a]) })
	return list[:min(most, len(list))]
}

var errNoQuestions = errors.New("it is no query log (rndc querylog on), no dump of a cache (rndc dumpdb -cache), and no list of lines NAME [TYPE]")

// ReadPath adds the questions of a file, or of the files of a directory: the query
// log and its old versions, say, also compressed ones. Files of a directory that
// hold something else are left out.
func (s *Questions) ReadPath(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading questions: %w", err)
	}
	if !info.IsDir() {
		return s.readFile(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("reading questions: %w", err)
	}
	before, errs := s.Len(), []error(nil)
	for _, e := range entries {
		if e.Type().IsRegular() {
			errs = append(errs, s.readFile(filepath.Join(path, e.Name())))
		}
	}
	if s.Len() == before {
		return fmt.Errorf("reading questions: no file of %s has any: %w", path, errors.Join(append(errs, errNoQuestions)...))
	}
	return nil
}

// ReadRolled is ReadPath for a log and its old versions: log.0, log.20261129. What
// else has such a name, a pipe or a link of who owns the directory, is left out.
func (s *Questions) ReadRolled(path string) error {
	old, _ := filepath.Glob(escapeGlob(path) + ".*")
	errs := []error{s.readFile(path)}
	for _, p := range old {
		if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() {
			errs = append(errs, s.readFile(p))
		}
	}
	return errors.Join(errs...)
}

var globEscapes = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

func escapeGlob(path string) string { return globEscapes.Replace(path) }

func (s *Questions) readFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading questions: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("reading questions: %s: %w", path, err)
		}
		r = z
	}
	if err := s.Read(r); err != nil {
		return fmt.Errorf("reading questions: %s: %w", path, err)
	}
	return nil
}

// Read adds the questions of a file of any kind: the first line that tells decides
// which it is. A line of a list that cannot be read is an error.
func (s *Questions) Read(r io.Reader) error {
	var read reader
	lines := bufio.NewReaderSize(r, maxLine)
	for number := 1; ; number++ {
		line, err := readLine(lines)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := read.line(s, line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if read.kind == unknown {
		return errNoQuestions
	}
	return nil
}

// maxLine is longer than any line about a query: names have at most 1004 characters.
const maxLine = 1 << 16

// readLine returns a line without its end; of a longer one than there is room for
// the rest is skipped.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	text := strings.TrimRight(string(line), "\r\n")
	for err == bufio.ErrBufferFull {
		_, err = r.ReadSlice('\n')
	}
	if err == io.EOF && text != "" {
		err = nil
	}
	return text, err
}

type kind int

const (
	unknown kind = iota
	queryLog
	cacheDump
	names
)

// reader reads the lines of one file.
type reader struct {
	kind kind
	dump dump
}

func (r *reader) line(s *Questions, line string) error {
	if r.kind == unknown {
		r.kind = kindOf(line)
	}
	switch r.kind {
	case queryLog:
		if q, _, ok := parseLogged(line); ok {
			s.Add(q)
		}
	case cacheDump:
		if q, ok := r.dump.line(line); ok {
			s.Add(q)
		}
	case names:
		return addListed(s, line)
	}
	return nil
}

// kindOf tells by a line what its file is; unknown where the line does not tell, as
// lines of other categories in a log.
func kindOf(line string) kind {
	switch fields := strings.Fields(line); {
	case strings.Contains(line, ": query: "):
		return queryLog
	case strings.HasPrefix(line, "; Start view"), strings.HasPrefix(line, "; Cache dump"), strings.HasPrefix(line, "$DATE"):
		return cacheDump
	case len(fields) == 0 || len(fields) > 2 || strings.ContainsAny(line, `;#{}"`):
		return unknown
	case len(fields) == 1 || isType(fields[1]):
		return names
	}
	return unknown
}

func isType(s string) bool {
	_, ok := parseType(s)
	return ok
}

// addListed reads NAME [TYPE], as dnsperf's files have it. A name without a type is
// asked for as a client that connects to it does.
func addListed(s *Questions, line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.ContainsAny(fields[0][:1], ";#") {
		return nil
	}
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	if len(fields) > 1 {
		t, ok := parseType(fields[1])
		if !ok {
			return fmt.Errorf("%q is no type of records", fields[1])
		}
		types = []uint16{t}
	}
	if _, ok := newQuestion(fields[0], dns.TypeA); !ok {
		return fmt.Errorf("%q is no domain name", fields[0])
	}
	s.AddName(fields[0], types...)
	return nil
}
