package namedconf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// source is a file of which something is left to read.
type source struct {
	lexer
	info   fs.FileInfo // nil: not a file
	parent int         // the one of parser.sources that includes it; -1: none
}

// push makes src the source to read from.
func (p *parser) push(name, src string, info fs.FileInfo) {
	if i := strings.IndexByte(src, 0); i >= 0 {
		l := newLexer(name, src)
		l.advance(i)
		p.report(l.pos(), "NUL byte: this is not a text file")
		src = ""
	}
	p.file.Sources = append(p.file.Sources, name)
	p.sources = append(p.sources, source{newLexer(name, src), info, p.includer})
}

// open reads the file at path and makes it the source to read from.
func (p *parser) open(path string) error {
	// Not blocking, or a FIFO would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return reason(err)
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if p.reading(info) {
		return errors.New("include loop: this file is being read already")
	}
	src, err := p.read(f, info.Size())
	if err != nil {
		return err
	}
	p.push(path, src, info)
	return nil
}

// reading reports whether the file of info includes, by whatever way, what is
// read now.
func (p *parser) reading(info fs.FileInfo) bool {
	for i := p.includer; i >= 0; i = p.sources[i].parent {
		if s := &p.sources[i]; s.info != nil && os.SameFile(s.info, info) {
			return true
		}
	}
	return false
}

// read returns all of f, whose size may lie, within the limit on all files.
func (p *parser) read(f *os.File, size int64) (string, error) {
	left := p.limits.Bytes - p.bytes
	if size > left {
		return "", errTooLarge(p.limits.Bytes)
	}
	var b strings.Builder
	b.Grow(int(size))
	n, err := io.Copy(&b, io.LimitReader(f, left+1))
	if err != nil {
		return "", reason(err)
	}
	if n > left {
		return "", errTooLarge(p.limits.Bytes)
	}
	p.bytes += n
	return b.String(), nil
}

// reason is err in BIND's words, without the path, which the position shows.
func reason(err error) error {
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("file not found")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("permission denied")
	case errors.As(err, &at):
		return at.Err
	}
	return err
}

// include makes the files that pattern matches the next to be read, the last
// of them first, as in BIND.
func (p *parser) include(pattern Item) {
	paths := p.glob(pattern.Text)
	p.includer = len(p.sources) - 1
	if len(paths) == 0 && !p.includeMissing(pattern) {
		p.file.Unread = append(p.file.Unread, p.notThere(pattern.Text))
		p.report(pattern.Pos, "include %v: file not found", pattern)
	}
	for _, path := range paths {
		if len(p.file.Sources) >= p.limits.Files {
			p.fail(pattern.Pos, "too many files are included")
			return
		}
		if err := p.open(path); err != nil {
			p.file.Unread = append(p.file.Unread, path)
			p.report(pattern.Pos, "include %q: %v", path, err)
		}
	}
}

// notThere is the file that was not found, or the directory of a pattern.
func (p *parser) notThere(pattern string) string {
	path := pattern
	if p.dir != "" && !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	if strings.ContainsAny(pattern, "*?[") {
		return filepath.Dir(path)
	}
	return filepath.Clean(path)
}

// includeMissing makes what is known of a file that does not exist the next to be
// read.
func (p *parser) includeMissing(name Item) bool {
	if p.missing == nil {
		return false
	}
	text, ok := p.missing(name.Text)
	if ok {
		p.file.Findings = append(p.file.Findings, Finding{
			Pos: name.Pos, Severity: Harmless,
			Message: fmt.Sprintf("include %v: file not found; it is not needed", name),
		})
		p.push(name.Text, text, nil)
	}
	return ok
}

// glob returns the paths that match pattern as glob(3) has it: a '*' or '?'
// does not match a leading dot, so that an editor's files stay out.
func (p *parser) glob(pattern string) []string {
	if pattern == "" {
		return nil
	}
	pattern = filepath.Clean(strings.ReplaceAll(pattern, "[!", "[^"))
	if p.dir != "" && !filepath.IsAbs(pattern) {
		pattern = filepath.Join(literal.Replace(p.dir), pattern)
	}
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	paths := matches[:0]
	for _, path := range matches {
		if !hidden(path, pattern) {
			paths = append(paths, path)
		}
	}
	return paths
}

// literal escapes what a pattern would take for wildcards.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// hidden reports whether a name of path begins with a dot where pattern has a
// wildcard.
func hidden(path, pattern string) bool {
	wild := strings.Split(pattern, "/")
	for i, name := range strings.Split(path, "/") {
		if i < len(wild) && strings.HasPrefix(name, ".") && strings.IndexAny(wild[i], "*?[") == 0 {
			return true
		}
	}
	return false
}

// chdir moves the place where relative includes start.
func (p *parser) chdir(dir string) {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(p.dir, dir)
	}
	p.dir = dir
}
