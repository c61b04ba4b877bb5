// Package namedconf reads the syntax of BIND's named.conf: words, quoted
// strings and blocks, each with its place in the source.
//
// It gives no meaning to options, with two exceptions that change what is
// read: `include` is replaced by the statements of the files it names, and
// `directory` moves the place that relative includes start from.
// Everything else, from "unknown option" to a missing ';' between two options
// (the second then looks like more values of the first), is for the layer
// that knows the options. For its table of options there is the grammar of
// their values: a Syntax reads those of one statement and brings them into
// normal form.
//
// The grammar is that of BIND 9.18, read more kindly in one point: a comment
// may touch the end of the word before it.
package namedconf

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a source. Line and Col count from 1, Col in bytes; Line 0
// means the file as a whole.
type Pos struct {
	File      string
	Line, Col int32
}

// String returns "file:line:col", "file:line" for a whole line, or "file" for a
// file as a whole.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return p.File + ":" + strconv.Itoa(int(p.Line))
	}
	return p.File + ":" + strconv.Itoa(int(p.Line)) + ":" + strconv.Itoa(int(p.Col))
}

// ItemKind says what an Item is.
type ItemKind uint8

const (
	Word   ItemKind = iota // an unquoted token: keyword, number, address
	String                 // a quoted string
	Block                  // { … }
	Bang                   // '!', always followed by a Word, String or Block
	Slash                  // '/', always between two Words
)

// Item is one part of a statement.
type Item struct {
	Kind ItemKind

	hidden bool // messages do not show it: it may be a secret

	Text string      // of a Word or String, the latter without quotes and with \" unescaped
	Body []Statement // of a Block
	Pos  Pos         // where it begins
}

// near is how much of a token a message shows, as in BIND.
const near = 30

// String returns the item as a message shows it: the token, cut to 30 bytes
// and with unprintable characters escaped; '{' for a block; question marks for what
// may be a secret, however long it is.
func (i Item) String() string {
	if i.hidden {
		return "????????"
	}
	switch i.Kind {
	case String:
		return `"` + printable(i.Text) + `"`
	case Block:
		return "{"
	case Bang:
		return "!"
	case Slash:
		return "/"
	}
	return printable(i.Text)
}

// printable cuts s to near bytes, at the start of a character, and escapes
// what a terminal would not show.
func printable(s string) string {
	if len(s) > near {
		n := near
		for n > near-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// Statement is what ends in a ';': an option with its values, a block with
// its name, or an element of a list. It has one Item at least.
type Statement struct{ Items []Item }

// Pos is where the statement begins.
func (s Statement) Pos() Pos { return s.Items[0].Pos }

// Name returns the statement's first word in lower case, or "" if it begins
// with something else: keywords are unquoted and ignore case.
func (s Statement) Name() string {
	if len(s.Items) == 0 || s.Items[0].Kind != Word {
		return ""
	}
	return strings.ToLower(s.Items[0].Text)
}

// Severity says who notices a Finding.
type Severity uint8

const (
	Error    Severity = iota // the file, or a zone of it, cannot be used
	Change                   // clients or operators notice that named did something else
	Harmless                 // nobody does
)

// String is a word for one of them.
func (s Severity) String() string { return [...]string{"error", "change", "harmless"}[s] }

// Finding is one thing wrong with a file.
type Finding struct {
	Pos      Pos
	Severity Severity
	Message  string
}

// String returns "file:line:col: message".
func (f Finding) String() string {
	return f.Pos.String() + ": " + f.Message
}

// File is what was read. Statements hold all that could be understood, even
// if there are Findings, so that one run can report everything; nothing if
// reading stopped at one of the Limits.
type File struct {
	Statements []Statement
	Findings   []Finding
	Sources    []string // the files read, in the order of reading
	Unread     []string // the files that could not be read; of a pattern without files, the directory
}

// Limits bound what one Load or Parse may cost. Zero fields take the defaults,
// which leave room for 100,000 zones, each in a file of its own too.
type Limits struct {
	Bytes  int64 // of all files together
	Files  int   // an include by several files counts each time
	Depth  int   // blocks within blocks
	Items  int   // of all statements
	Errors int   // findings, after which reading stops
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Bytes:  cmp.Or(l.Bytes, 16<<20), // 100,000 forward zones take 10 MB
		Files:  cmp.Or(l.Files, 100_000),
		Depth:  cmp.Or(l.Depth, 100),   // the deepest option nests 6 blocks; lists are free
		Items:  cmp.Or(l.Items, 1<<21), // 200 MB of tree; 100,000 forward zones take 100 MB
		Errors: cmp.Or(l.Errors, 100),  // more than anybody reads
	}
}

// Load reads the file at path and the files it includes. Relative includes
// start from the process's working directory, or from the last `directory`
// above them, as in BIND. Only regular files are read.
func Load(path string, limits Limits) *File { return Loader{Limits: limits}.Load(path) }

// Loader reads files as Load does.
type Loader struct {
	Limits Limits

	// Missing returns what an included file says that does not exist, if that is
	// known: then it is no error. nil: of none it is.
	Missing func(path string) (text string, ok bool)
}

// Load reads the file at path and the files it includes.
func (l Loader) Load(path string) *File {
	p := newParser(l.Limits)
	p.includes, p.missing = true, l.Missing
	if err := p.open(path); err != nil {
		p.fail(Pos{File: path}, err.Error())
		return p.file
	}
	p.parse()
	return p.file
}

// Parse reads src alone, whose name is for positions; `include` stays in the
// tree as a statement like any other.
func Parse(name string, src []byte, limits Limits) *File {
	p := newParser(limits)
	if int64(len(src)) > p.limits.Bytes {
		p.fail(Pos{File: name}, errTooLarge(p.limits.Bytes).Error())
		return p.file
	}
	p.push(name, string(src), nil)
	p.parse()
	return p.file
}

func errTooLarge(limit int64) error {
	return fmt.Errorf("configuration is larger than %d bytes", limit)
}
