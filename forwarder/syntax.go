package forwarder

import (
	"fmt"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// A syntax says what may follow the name of an option, and rewrites it to the
// normal form that named-checkconf -p prints. Its String is for the manual.
type syntax interface {
	starts(namedconf.Item) bool // whether it can begin with this item
	read(*itemReader) error     // moves its items from r.in to r.out
	String() string
}

// itemReader walks the items of one statement.
type itemReader struct {
	in   []namedconf.Item // still to be read
	out  []namedconf.Item // the normal form of what was read
	end  namedconf.Pos    // where a missing item is reported
	file *checker
}

// complaint is an error at a place in the file.
type complaint struct {
	pos  namedconf.Pos
	text string
}

func (c *complaint) Error() string { return c.pos.String() + ": " + c.text }

func (r *itemReader) done() bool { return len(r.in) == 0 }

// at returns the place of the next item.
func (r *itemReader) at() namedconf.Pos {
	if r.done() {
		return r.end
	}
	return r.in[0].Pos
}

// next takes the next item if it is of kind k.
func (r *itemReader) next(k namedconf.ItemKind) (namedconf.Item, bool) {
	if r.done() || r.in[0].Kind != k {
		return namedconf.Item{}, false
	}
	it := r.in[0]
	r.in = r.in[1:]
	return it, true
}

// put appends it to the normal form, with text in place of its own.
func (r *itemReader) put(it namedconf.Item, text string) {
	it.Text = text
	r.out = append(r.out, it)
}

// expected is the complaint that the next item is not what should stand there.
func (r *itemReader) expected(what string) error {
	return r.complain("expected %s", what)
}

// complain names the next item as the place of a mistake.
func (r *itemReader) complain(format string, args ...any) error {
	near := ";"
	if !r.done() {
		near = r.in[0].String()
	}
	return &complaint{r.at(), fmt.Sprintf(format, args...) + " near '" + near + "'"}
}

// keyword is a word that stands for itself, in any case.
type keyword string

func (k keyword) String() string { return string(k) }

func (k keyword) starts(it namedconf.Item) bool {
	return it.Kind == namedconf.Word && strings.EqualFold(it.Text, string(k))
}

func (k keyword) read(r *itemReader) error {
	if r.done() || !k.starts(r.in[0]) {
		return r.expected("'" + string(k) + "'")
	}
	it, _ := r.next(namedconf.Word)
	r.put(it, string(k))
	return nil
}

// words is a choice of keywords.
type words []string

func (w words) String() string {
	if len(w) == 1 {
		return w[0]
	}
	return "(" + strings.Join(w, " | ") + ")"
}

func (w words) starts(it namedconf.Item) bool {
	for _, k := range w {
		if keyword(k).starts(it) {
			return true
		}
	}
	return false
}

func (w words) read(r *itemReader) error {
	if r.done() || !w.starts(r.in[0]) {
		return r.expected("'" + strings.Join(w, "' or '") + "'")
	}
	it, _ := r.next(namedconf.Word)
	r.put(it, it.Text) // as it was written: so prints named-checkconf
	return nil
}

// sequence is one syntax after the other.
type sequence []syntax

func (s sequence) String() string { return join(s, " ") }

func (s sequence) starts(it namedconf.Item) bool {
	for _, part := range s {
		if part.starts(it) {
			return true
		}
		if _, ok := part.(optional); !ok {
			return false
		}
	}
	return false
}

func (s sequence) read(r *itemReader) error {
	for _, part := range s {
		if err := part.read(r); err != nil {
			return err
		}
	}
	return nil
}

// optional is a sequence that may be missing.
type optional sequence

func (o optional) String() string { return "[" + sequence(o).String() + "]" }

func (o optional) starts(it namedconf.Item) bool { return sequence(o).starts(it) }

func (o optional) read(r *itemReader) error {
	if r.done() || !o.starts(r.in[0]) {
		return nil
	}
	return sequence(o).read(r)
}

// choice is the first of several that can begin with what stands there.
type choice []syntax

func (c choice) String() string { return "(" + join(c, " | ") + ")" }

func (c choice) starts(it namedconf.Item) bool {
	for _, s := range c {
		if s.starts(it) {
			return true
		}
	}
	return false
}

func (c choice) read(r *itemReader) error {
	for _, s := range c {
		if !r.done() && s.starts(r.in[0]) {
			return s.read(r)
		}
	}
	return r.expected(join(c, " or "))
}

// anyOrder is several optional parts in any order, each once at most; they are
// normally written in the order given.
type anyOrder []optional

func (a anyOrder) String() string { return join(a, " ") }

func (a anyOrder) starts(it namedconf.Item) bool { return a.find(it) >= 0 }

func (a anyOrder) find(it namedconf.Item) int {
	for i, o := range a {
		if o.starts(it) {
			return i
		}
	}
	return -1
}

func (a anyOrder) read(r *itemReader) error {
	found := make([][]namedconf.Item, len(a))
	before := r.out
	for !r.done() {
		i := a.find(r.in[0])
		if i < 0 || found[i] != nil {
			break
		}
		r.out = nil
		if err := a[i].read(r); err != nil {
			return err
		}
		found[i] = r.out
	}
	r.out = before
	for _, items := range found {
		r.out = append(r.out, items...)
	}
	return nil
}

// listOf is a block of elements.
type listOf struct{ element syntax }

func (l listOf) String() string { return "{ " + l.element.String() + "; … }" }

func (l listOf) starts(it namedconf.Item) bool { return it.Kind == namedconf.Block }

func (l listOf) read(r *itemReader) error {
	block, ok := r.next(namedconf.Block)
	if !ok {
		return r.complain("'{' expected")
	}
	body := make([]namedconf.Statement, 0, len(block.Body))
	for _, s := range block.Body {
		items, err := r.file.items(s, s.Items, l.element)
		if err != nil {
			r.file.failed(err)
			continue
		}
		body = append(body, namedconf.Statement{Items: items, Pos: s.Pos})
	}
	block.Body = body
	r.out = append(r.out, block)
	return nil
}

// clauses is a block of options, those that may stand in a place.
type clauses place

func (c clauses) String() string { return "{ … }" }

func (c clauses) starts(it namedconf.Item) bool { return it.Kind == namedconf.Block }

func (c clauses) read(r *itemReader) error {
	block, ok := r.next(namedconf.Block)
	if !ok {
		return r.complain("'{' expected")
	}
	block.Body = r.file.block(block.Body, place(c))
	r.out = append(r.out, block)
	return nil
}

// anything is whatever stands there: options whose values are not looked at.
type anything struct{}

func (anything) String() string { return "…" }

func (anything) starts(namedconf.Item) bool { return true }

func (anything) read(r *itemReader) error {
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

// nothing is the syntax of an option that stands alone.
type nothing struct{}

func (nothing) String() string { return "" }

func (nothing) starts(namedconf.Item) bool { return false }

func (nothing) read(*itemReader) error { return nil }
