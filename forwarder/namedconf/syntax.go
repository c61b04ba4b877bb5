package namedconf

import (
	"fmt"
	"slices"
	"strings"
)

// A Syntax says what may follow the name of an option, and rewrites it to the
// normal form that named-checkconf -p prints. Its String is for the manual.
type Syntax interface {
	Starts(Item) bool   // whether it can begin with this item
	Read(*Reader) error // moves its items to the normal form; a *SyntaxError
	String() string
}

// A Checker knows the options, which this package does not. Syntaxes ask it
// about the blocks that they hold.
type Checker interface {
	// Options returns the options of a block in normal form, without the wrong
	// ones, which it reports. Where they stand is for it to interpret.
	Options(body []Statement, in Clauses) []Statement
	// Failed reports an element of a list, which is left out.
	Failed(error)
	// Noted reports what there is to say of a part, which is in normal form.
	Noted(Noted, []Item)
}

// SyntaxError is an error at a place in the file.
type SyntaxError struct {
	Pos     Pos
	Message string
}

func (e *SyntaxError) Error() string { return e.Pos.String() + ": " + e.Message }

// MissingSemicolon is the error that an item should be another statement.
func MissingSemicolon(it Item) *SyntaxError {
	return &SyntaxError{it.Pos, "missing ';' before '" + it.String() + "'"}
}

// Keyword is a word that stands for itself, in any case.
type Keyword string

func (k Keyword) String() string { return string(k) }

func (k Keyword) Starts(it Item) bool {
	return it.Kind == Word && strings.EqualFold(it.Text, string(k))
}

func (k Keyword) Read(r *Reader) error {
	if r.done() || !k.Starts(r.in[0]) {
		return r.expected("'" + string(k) + "'")
	}
	it, _ := r.next(Word)
	r.put(it, string(k))
	return nil
}

// Words is a choice of keywords.
type Words []string

func (w Words) String() string {
	if len(w) == 1 {
		return w[0]
	}
	return "(" + strings.Join(w, " | ") + ")"
}

func (w Words) Starts(it Item) bool {
	for _, k := range w {
		if Keyword(k).Starts(it) {
			return true
		}
	}
	return false
}

func (w Words) Read(r *Reader) error {
	if r.done() || !w.Starts(r.in[0]) {
		return r.expected("'" + strings.Join(w, "' or '") + "'")
	}
	it, _ := r.next(Word)
	r.put(it, it.Text) // as it was written: so prints named-checkconf
	return nil
}

// Sequence is one syntax after the other.
type Sequence []Syntax

func (s Sequence) String() string { return join(s, " ") }

func (s Sequence) Starts(it Item) bool {
	for _, part := range s {
		if part.Starts(it) {
			return true
		}
		if _, ok := part.(Optional); !ok {
			return false
		}
	}
	return false
}

func (s Sequence) Read(r *Reader) error {
	for _, part := range s {
		if err := part.Read(r); err != nil {
			return err
		}
	}
	return nil
}

// Optional is a sequence that may be missing.
type Optional Sequence

func (o Optional) String() string { return "[" + Sequence(o).String() + "]" }

func (o Optional) Starts(it Item) bool { return Sequence(o).Starts(it) }

func (o Optional) Read(r *Reader) error {
	if r.done() || !o.Starts(r.in[0]) {
		return nil
	}
	return Sequence(o).Read(r)
}

// Choice is the first of several that can begin with what stands there.
type Choice []Syntax

func (c Choice) String() string { return "(" + join(c, " | ") + ")" }

func (c Choice) Starts(it Item) bool {
	for _, s := range c {
		if s.Starts(it) {
			return true
		}
	}
	return false
}

func (c Choice) Read(r *Reader) error {
	for _, s := range c {
		if !r.done() && s.Starts(r.in[0]) {
			return s.Read(r)
		}
	}
	return r.expected(join(c, " or "))
}

// AnyOrder is several optional parts in any order, each once at most; they are
// normally written in the order given.
type AnyOrder []Optional

func (a AnyOrder) String() string { return join(a, " ") }

func (a AnyOrder) Starts(it Item) bool { return a.find(it) >= 0 }

func (a AnyOrder) find(it Item) int {
	for i, o := range a {
		if o.Starts(it) {
			return i
		}
	}
	return -1
}

func (a AnyOrder) Read(r *Reader) error {
	found := make([][]Item, len(a))
	before := len(r.out)
	for !r.done() {
		i := a.find(r.in[0])
		if i < 0 || found[i] != nil {
			break
		}
		if err := a[i].Read(r); err != nil {
			return err
		}
		found[i] = slices.Clone(r.out[before:])
		r.out = r.out[:before]
	}
	for _, items := range found {
		r.out = append(r.out, items...)
	}
	return nil
}

// List is a block of elements.
type List struct{ Element Syntax }

// ListOf returns the syntax of a block of such elements.
func ListOf(element Syntax) List { return List{Element: element} }

func (l List) String() string { return "{ " + l.Element.String() + "; … }" }

func (l List) Starts(it Item) bool { return it.Kind == Block }

func (l List) Read(r *Reader) error {
	block, ok := r.next(Block)
	if !ok {
		return r.Errorf("'{' expected")
	}
	from := len(r.elements)
	for _, s := range block.Body {
		items, err := r.element(s, l.Element)
		if err != nil {
			r.checker.Failed(err)
			continue
		}
		r.elements = append(r.elements, Statement{Items: items})
	}
	block.Body = r.statements.keep(r.elements[from:])
	r.elements = r.elements[:from]
	r.out = append(r.out, block)
	return nil
}

// Clauses is a block of options. Which ones it may hold, only the Checker that
// is given the value can tell.
type Clauses uint32

func (c Clauses) String() string { return "{ … }" }

func (c Clauses) Starts(it Item) bool { return it.Kind == Block }

func (c Clauses) Read(r *Reader) error {
	block, ok := r.next(Block)
	if !ok {
		return r.Errorf("'{' expected")
	}
	block.Body = r.checker.Options(block.Body, c)
	r.out = append(r.out, block)
	return nil
}

// Anything is whatever stands there: options whose values are not looked at.
type Anything struct{}

func (Anything) String() string { return "…" }

func (Anything) Starts(Item) bool { return true }

func (Anything) Read(r *Reader) error {
	r.out = append(r.out, r.in...)
	r.in = nil
	return nil
}

func join[S fmt.Stringer](parts []S, separator string) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// Nothing is the syntax of an option that stands alone.
type Nothing struct{}

func (Nothing) String() string { return "" }

func (Nothing) Starts(Item) bool { return false }

func (Nothing) Read(*Reader) error { return nil }
