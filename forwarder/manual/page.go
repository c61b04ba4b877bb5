// Package manual writes help and manual pages of programs, both from their flags.
package manual

import (
	"fmt"
	"go/doc/comment"
	"strings"
	"unicode/utf8"

	"vpcdns/forwarder/version"
)

// Page is a manual page in the making, in the man macros that groff and mandoc
// share.
type Page struct {
	strings.Builder
	begun bool // a heading stands above: the first paragraph needs no distance
}

// NewPage begins a page. The line about it is what apropos finds.
func NewPage(name string, section int, about string) *Page {
	p := &Page{}
	program, _, _ := strings.Cut(name, ".")
	program, _, _ = strings.Cut(program, "-")
	p.line(".TH %s %d %s \"%s %s\" \"DNS forwarder\"", strings.ToUpper(name), section, version.Date, program, version.Number)
	p.Section("Name")
	p.line("%s \\- %s", roff(name), roff(about))
	return p
}

func (p *Page) line(format string, args ...any) {
	fmt.Fprintf(&p.Builder, format+"\n", args...)
	p.begun = false
}

// Section begins one with a heading.
func (p *Page) Section(title string) { p.heading(".SH", strings.ToUpper(title)) }

// Subsection begins a smaller one.
func (p *Page) Subsection(title string) { p.heading(".SS", title) }

func (p *Page) heading(macro, title string) {
	p.line("%s %s", macro, roff(title))
	p.begun = true
}

// apart begins a paragraph.
func (p *Page) apart() {
	if !p.begun {
		p.line(".PP")
	}
}

// Paragraph writes text.
func (p *Page) Paragraph(text string) {
	p.apart()
	p.line("%s", roff(text))
}

// Item is a line of a list: a term, and behind or below it what it means.
func (p *Page) Item(term, meaning string) {
	p.line(".TP\n.B %s\n%s", roff(term), roff(meaning))
}

// Example is text that is printed as it stands.
func (p *Page) Example(text string) {
	p.apart()
	p.line(".RS 4\n.nf\n%s\n.fi\n.RE", roff(strings.TrimRight(text, "\n")))
}

// SeeAlso ends the page with the names of others.
func (p *Page) SeeAlso(pages ...string) {
	p.Section("See also")
	p.line("%s", roff(strings.Join(pages, ", ")))
}

// roff writes text so that nothing in it is a request, and so that what is copied
// from a page can be typed.
func roff(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			b.WriteString(`\&`)
		}
		for _, r := range line {
			b.WriteString(roffRune(r))
		}
	}
	return b.String()
}

func roffRune(r rune) string {
	switch {
	case r == '\\':
		return `\e`
	case r == '-':
		return `\-`
	case r == '\'':
		return `\(aq`
	case r == '`':
		return `\(ga`
	case r == '^':
		return `\(ha`
	case r == '~':
		return `\(ti`
	case r >= utf8.RuneSelf:
		return fmt.Sprintf(`\[u%04X]`, r)
	}
	return string(r)
}

// Blocks writes what stands below a heading of a Go comment.
func (p *Page) Blocks(list []comment.Block) {
	for _, b := range list {
		switch b := b.(type) {
		case *comment.Paragraph:
			p.Paragraph(plain(b.Text))
		case *comment.Code:
			p.table(b.Text)
		case *comment.List:
			for _, i := range b.Items {
				p.Item(i.Number+"-", plain(i.Content[0].(*comment.Paragraph).Text))
			}
		}
	}
}

// table writes what stands in a Go comment as code: a list if each of its lines has
// a term, two blanks and a meaning, or goes on with the one above it.
func (p *Page) table(text string) {
	var items [][2]string
	for line := range strings.Lines(text) {
		term, meaning, found := strings.Cut(strings.TrimRight(line, "\n"), "  ")
		meaning = strings.TrimSpace(meaning)
		switch {
		case !found || meaning == "" || term == "" && len(items) == 0:
			p.Example(text)
			return
		case term == "":
			items[len(items)-1][1] += " " + meaning
		default:
			items = append(items, [2]string{term, meaning})
		}
	}
	for _, i := range items {
		p.Item(i[0], i[1])
	}
}

// plain is the text without its links.
func plain(list []comment.Text) string {
	var b strings.Builder
	for _, t := range list {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString(plain(t.Text))
		}
	}
	return b.String()
}
