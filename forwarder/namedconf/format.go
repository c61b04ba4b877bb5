package namedconf

import (
	"bufio"
	"io"
	"strings"
)

// Format writes statements as named-checkconf -p lays them out: one to a
// line, blocks indented by tabs. It is a fixed point: Parse of what Format
// wrote is the same tree, positions aside, if that came from Parse or Load.
func Format(w io.Writer, statements []Statement) error {
	f := formatter{bufio.NewWriter(w)}
	f.body(statements, 0)
	return f.w.Flush()
}

// formatter leaves errors to the writer's Flush.
type formatter struct{ w *bufio.Writer }

func (f formatter) body(statements []Statement, depth int) {
	for _, s := range statements {
		f.indent(depth)
		for n, i := range s.Items {
			if n > 0 && spaced(s.Items[n-1], i) {
				f.w.WriteByte(' ')
			}
			f.item(i, depth)
		}
		f.w.WriteString(";\n")
	}
}

// spaced reports whether a blank stands between two items: not in "!x" and
// "10.0.0.0/8", though "/ *" would begin a comment without.
func spaced(a, b Item) bool {
	if a.Kind == Slash {
		return strings.HasPrefix(b.Text, "*")
	}
	return a.Kind != Bang && b.Kind != Slash
}

func (f formatter) item(i Item, depth int) {
	switch i.Kind {
	case Word:
		f.w.WriteString(i.Text)
	case String:
		f.w.WriteString(`"` + strings.ReplaceAll(i.Text, `"`, `\"`) + `"`)
	case Bang:
		f.w.WriteByte('!')
	case Slash:
		f.w.WriteByte('/')
	case Block:
		f.w.WriteString("{\n")
		f.body(i.Body, depth+1)
		f.indent(depth)
		f.w.WriteByte('}')
	}
}

func (f formatter) indent(depth int) {
	for range depth {
		f.w.WriteByte('\t')
	}
}
