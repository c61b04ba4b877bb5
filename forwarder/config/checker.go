package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// checker holds a tree of statements to the table of options, and brings it
// into normal form.
type checker struct {
	index    optionIndex
	reader   *namedconf.Reader
	good     []ranked // statements of the blocks that are being read
	findings []namedconf.Finding
	faults   []namedconf.Finding // errors of zones' files, which cost that zone alone
	broken   bool                // statements are missing from the normal form: they had errors
	ownZones bool                // there are primary zones but those of every stock file
}

func newChecker() *checker {
	c := &checker{index: newOptionIndex()}
	c.reader = namedconf.NewReader(c)
	return c
}

func (c *checker) errorf(pos namedconf.Pos, format string, args ...any) {
	c.report(namedconf.Error, pos, format, args)
}

// changef reports what clients or operators notice.
func (c *checker) changef(pos namedconf.Pos, format string, args ...any) {
	c.report(namedconf.Change, pos, format, args)
}

// harmlessf reports what nobody notices.
func (c *checker) harmlessf(pos namedconf.Pos, format string, args ...any) {
	c.report(namedconf.Harmless, pos, format, args)
}

func (c *checker) report(severity namedconf.Severity, pos namedconf.Pos, format string, args []any) {
	c.findings = append(c.findings, finding(severity, pos, format, args))
}

// zoneFault reports an error for which one zone is not served.
func (c *checker) zoneFault(pos namedconf.Pos, format string, args ...any) {
	c.faults = append(c.faults, finding(namedconf.Error, pos, format, args))
}

func finding(severity namedconf.Severity, pos namedconf.Pos, format string, args []any) namedconf.Finding {
	for i, a := range args {
		if it, ok := a.(namedconf.Item); ok {
			args[i] = nameIn(it)
		}
	}
	return namedconf.Finding{Pos: pos, Severity: severity, Message: fmt.Sprintf(format, args...)}
}

// nameIn returns a name as messages show it, without the quotes that it may
// have in the file.
func nameIn(it namedconf.Item) string {
	if it.Kind == namedconf.String {
		it.Kind = namedconf.Word
	}
	return it.String()
}

// Failed reports the error of a syntax.
func (c *checker) Failed(err error) {
	c.broken = true
	if e, ok := err.(*namedconf.SyntaxError); ok {
		c.errorf(e.Pos, "%s", e.Message)
	}
}

// Noted reports a part of an option that is not done; see namedconf.Checker.
func (c *checker) Noted(n namedconf.Noted, part []namedconf.Item) {
	switch text := plain(part); {
	case text == n.Except:
	case n.Severity == namedconf.Harmless:
		c.harmlessf(part[0].Pos, "'%s' is ignored: %s", text, n.Why)
	default:
		c.errorf(part[0].Pos, "'%s' is not supported: %s", text, n.Why)
	}
}

// ranked is a statement and its row's number in the table.
type ranked struct {
	namedconf.Statement
	rank int
}

// rankSet is the rows of the table that a block has used.
type rankSet [8]uint64

// add reports whether rank was there already.
func (s *rankSet) add(rank int) (was bool) {
	word, bit := &s[rank/64], uint64(1)<<(rank%64)
	was = *word&bit != 0
	*word |= bit
	return was
}

// Options returns the options of a block; see namedconf.Checker.
func (c *checker) Options(body []namedconf.Statement, in namedconf.Clauses) []namedconf.Statement {
	return c.block(body, place(in))
}

// block returns the statements of a block in normal form and order, without
// the wrong ones. It takes them away from body, so that a large file is not in
// memory twice.
func (c *checker) block(body []namedconf.Statement, in place) []namedconf.Statement {
	from := len(c.good)
	var seen rankSet
	for i, s := range body {
		body[i] = namedconf.Statement{}
		for len(s.Items) > 0 {
			var r ranked
			var ok bool
			if r, s.Items, ok = c.statement(s, in, &seen); ok {
				c.good = append(c.good, r)
			}
		}
	}
	return c.complete(from)
}

// complete returns the good statements of a block, which begin at from, in the
// table's order.
func (c *checker) complete(from int) []namedconf.Statement {
	good := c.good[from:]
	c.good = c.good[:from]
	slices.SortStableFunc(good, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	normal := make([]namedconf.Statement, len(good))
	for i, r := range good {
		normal[i] = r.Statement
	}
	return normal
}

// statement reads one statement. What is left over is another one, whose
// semicolon before is missing.
func (c *checker) statement(s namedconf.Statement, in place, seen *rankSet) (r ranked, rest []namedconf.Item, ok bool) {
	o, ok := c.option(s, in)
	if !ok {
		c.broken = true
		return r, nil, false
	}
	if seen.add(o.rank) && !o.many {
		c.errorf(s.Pos(), "'%s' redefined near '%s'", o.name, o.name)
	}
	items, rest, err := c.reader.Option(s, o.name, o.syntax)
	if err != nil {
		c.Failed(err)
		return r, nil, false
	}
	if len(rest) > 0 {
		rest = c.leftover(rest, in)
	}
	c.treat(s, o, items[1:])
	return ranked{namedconf.Statement{Items: items}, o.rank}, rest, true
}

// option finds the row that a statement is about.
func (c *checker) option(s namedconf.Statement, in place) (rankedOption, bool) {
	name := s.Name()
	if name == "" {
		c.errorf(s.Pos(), "syntax error near '%s'", s.Items[0])
		return rankedOption{}, false
	}
	o, ok := c.index.find(name, in)
	if !ok {
		c.unknown(s, in)
	}
	return o, ok
}

func (c *checker) unknown(s namedconf.Statement, in place) {
	switch elsewhere := c.index.places(s.Name()); {
	case elsewhere == 0:
		c.errorf(s.Pos(), "unknown option '%s'%s", s.Items[0], c.index.meant(s.Name(), in))
	case in&inZones != 0 && elsewhere&(inZones|inOptions) != 0:
		c.errorf(s.Pos(), "option '%s' is not allowed in a %s", s.Name(), in)
	case elsewhere&inTop != 0:
		c.errorf(s.Pos(), "unknown option '%s' here: it belongs in %s; is a '}' missing above?", s.Name(), elsewhere)
	default:
		c.errorf(s.Pos(), "unknown option '%s' here: it belongs in %s", s.Name(), elsewhere)
	}
}

// leftover reports items behind a complete statement and returns them if they
// look like another one.
func (c *checker) leftover(rest []namedconf.Item, in place) []namedconf.Item {
	c.Failed(namedconf.MissingSemicolon(rest[0]))
	next := namedconf.Statement{Items: rest}
	if _, ok := c.index.find(next.Name(), in); ok {
		return rest
	}
	return nil
}

// treat reports what becomes of an option that is not honoured.
func (c *checker) treat(s namedconf.Statement, o rankedOption, values []namedconf.Item) {
	switch {
	case o.exempt != "" && o.exempt == plain(values):
	case o.treatment == Missed && o.apply != nil: // which says so
	case o.treatment == Missed && (c.ownZones || !o.ofZones):
		c.changef(s.Pos(), "option '%s' is ignored: %s", o.name, o.why)
	case o.treatment == Ignored, o.treatment == Missed:
		c.harmlessf(s.Pos(), "option '%s' is ignored: %s", o.name, o.why)
	case o.treatment == Refused:
		c.errorf(s.Pos(), "option '%s' is not supported: %s", o.name, o.why)
	case o.age == deprecated || o.age == obsolete:
		c.harmlessf(s.Pos(), "option '%s' is %s", o.name, ageNames[o.age])
	}
}

// plain is the values on one line in lower case, to compare.
func plain(items []namedconf.Item) string {
	var b strings.Builder
	for i, it := range items {
		if i > 0 {
			b.WriteByte(' ')
		}
		if it.Kind != namedconf.Block {
			b.WriteString(strings.ToLower(it.Text))
			continue
		}
		b.WriteString("{ ")
		for _, s := range it.Body {
			b.WriteString(plain(s.Items) + "; ")
		}
		b.WriteByte('}')
	}
	return b.String()
}
