package namedconf

import "fmt"

// Reader brings statements into normal form. There is one for a file: what it
// makes of the file's statements stands in few large pieces of memory.
type Reader struct {
	part
	checker Checker

	out        []Item      // what was read of the part, behind that of the parts around it
	elements   []Statement // of lists that are being read, likewise
	items      slab[Item]
	statements slab[Statement]
}

// part is a statement, or an element of a list, while it is read.
type part struct {
	in   []Item // still to be read
	from int    // where its normal form begins in out
	end  Pos    // where a missing item is reported
}

// NewReader returns a Reader that asks c about the blocks of options.
func NewReader(c Checker) *Reader { return &Reader{checker: c} }

// Option reads the values of a statement, whose first item is the option's
// name. It returns them in normal form behind the name, and what is left over.
func (r *Reader) Option(s Statement, name string, values Syntax) (normal, rest []Item, err error) {
	outer := r.begin(s, s.Items[1:])
	r.put(s.Items[0], name)
	err = values.Read(r)
	rest = r.in
	return r.finish(outer), rest, err
}

// element reads a whole element of a list.
func (r *Reader) element(s Statement, element Syntax) ([]Item, error) {
	outer := r.begin(s, s.Items)
	err := element.Read(r)
	if err == nil && !r.done() {
		err = MissingSemicolon(r.in[0])
	}
	return r.finish(outer), err
}

// begin turns to the items of s, and returns the part that waits meanwhile.
func (r *Reader) begin(s Statement, items []Item) part {
	outer := r.part
	r.part = part{in: items, from: len(r.out), end: endOf(s)}
	return outer
}

// finish returns the part's normal form, and goes on with the one that waited.
func (r *Reader) finish(outer part) []Item {
	normal := r.items.keep(r.out[r.from:])
	r.out = r.out[:r.from]
	r.part = outer
	return normal
}

// endOf is about where a statement ends.
func endOf(s Statement) Pos {
	last := s.Items[len(s.Items)-1]
	end := last.Pos
	if last.Kind == Word || last.Kind == String {
		end.Col += int32(len(last.Text))
	}
	return end
}

// Peek returns the next item; false at the end.
func (r *Reader) Peek() (Item, bool) {
	if r.done() {
		return Item{}, false
	}
	return r.in[0], true
}

// Normal returns the normal form of what was read, from the option's name on.
// It holds until more is read.
func (r *Reader) Normal() []Item { return r.out[r.from:] }

func (r *Reader) done() bool { return len(r.in) == 0 }

// at returns the place of the next item.
func (r *Reader) at() Pos {
	if r.done() {
		return r.end
	}
	return r.in[0].Pos
}

// next takes the next item if it is of kind k.
func (r *Reader) next(k ItemKind) (Item, bool) {
	if r.done() || r.in[0].Kind != k {
		return Item{}, false
	}
	it := r.in[0]
	r.in = r.in[1:]
	return it, true
}

// put appends it to the normal form, with text in place of its own.
func (r *Reader) put(it Item, text string) {
	it.Text = text
	r.out = append(r.out, it)
}

// expected is the error that the next item is not what should stand there.
func (r *Reader) expected(what string) error {
	return r.Errorf("expected %s", what)
}

// Errorf returns a *SyntaxError that names the next item as its place.
func (r *Reader) Errorf(format string, args ...any) error {
	near := ";"
	if !r.done() {
		near = r.in[0].String()
	}
	return &SyntaxError{r.at(), fmt.Sprintf(format, args...) + " near '" + near + "'"}
}
