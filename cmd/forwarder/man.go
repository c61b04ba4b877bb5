package main

import (
	_ "embed"
	"fmt"
	"go/doc/comment"
	"io"
	"strings"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/manual"
)

// docText is what go doc shows: the manual's prose, which stands nowhere else.
//
//go:embed doc.go
var docText string

// manualPage is one that forwarder man prints.
type manualPage struct {
	name    string
	section int
	text    func(manualPage) string
}

// manualText is one in the making.
type manualText struct{ *manual.Page }

func newPage(name string, section int, about string) manualText {
	return manualText{manual.NewPage(name, section, about)}
}

// manualPages are made of the comment of doc.go, of the flags, and of the tables
// of verbs, commands and options.
func manualPages() []manualPage {
	return []manualPage{
		{"forwarder", 8, daemonPage},
		{"forwarder.conf", 5, optionsPage},
		{"forwarder-rndc", 8, rndcPage},
	}
}

func manVerb() verb {
	return verb{"man", "[PAGE]", "Print a manual page, for man -l - or a file of /usr/share/man", manProgram}
}

func manProgram() program {
	flags := newVerbFlags("man")
	list := flags.Bool("list", false, "print the names of the pages instead")
	return program{flags, func(args []string, stdout, stderr io.Writer) int {
		if *list {
			for _, p := range manualPages() {
				fmt.Fprintf(stdout, "%s.%d\n", p.name, p.section)
			}
			return 0
		}
		return printPage(args, stdout, stderr)
	}}
}

func printPage(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"forwarder"}
	}
	for _, p := range manualPages() {
		if full := fmt.Sprintf("%s.%d", p.name, p.section); len(args) == 1 && (args[0] == p.name || args[0] == full) {
			fmt.Fprint(stdout, p.text(p))
			return 0
		}
	}
	fmt.Fprintf(stderr, "forwarder man: no page '%s'; forwarder man --list has all\n", strings.Join(args, " "))
	return 1
}

// list writes what is made of a table and belongs below a heading of doc.go.
func (p manualText) list(heading string) {
	switch heading {
	case "Flags":
		p.Flags(newFlags().set)
	case "Verbs":
		p.verbs()
	case "Control commands":
		p.commands()
	}
}

// daemonPage is forwarder(8).
func daemonPage(m manualPage) string {
	p := newPage(m.name, m.section, "DNS forwarder that takes the place of named")
	p.Section("Synopsis")
	p.Example("forwarder [flags]\nforwarder VERB [flags] [argument ...]")
	for i, c := range manual.Chapters(docText) {
		if i == 0 {
			c.Heading = "Description"
		}
		p.Section(c.Heading)
		p.Blocks(c.Blocks)
		p.list(c.Heading)
	}
	return p.end(m)
}

// optionsPage is forwarder.conf(5).
func optionsPage(m manualPage) string {
	p := newPage(m.name, m.section, "what becomes of the options of named.conf")
	p.Section("Description")
	for _, c := range manual.Chapters(docText) {
		if c.Heading == "Options of named.conf" {
			p.Blocks(c.Blocks)
		}
	}
	for _, t := range []config.Treatment{config.Honoured, config.Missed, config.Ignored, config.Refused} {
		p.Section(t.String() + " options")
		for _, o := range config.Options() {
			if o.Treatment == t {
				p.option(o)
			}
		}
	}
	return p.end(m)
}

func (p manualText) option(o config.Option) {
	r := rowOf(o)
	about := "In: " + o.In + "."
	if r[4] != "" {
		about += " Why: " + r[4] + "."
	}
	p.Item(strings.TrimSpace(o.Name+" "+o.Value), about)
}

// rndcPage is forwarder-rndc(8).
func rndcPage(m manualPage) string {
	v := verbNamed("rndc")
	p := newPage(m.name, m.section, "control a forwarder, or BIND's named")
	p.Section("Synopsis")
	p.Example(v.synopsis())
	p.Section("Description")
	p.Paragraph(v.summary + ".")
	p.Section("Flags")
	p.Flags(v.program().flags)
	p.Section("Commands")
	p.commands()
	return p.end(m)
}

// end adds the other pages.
func (p manualText) end(m manualPage) string {
	var others []string
	for _, o := range manualPages() {
		if o.name != m.name {
			others = append(others, fmt.Sprintf("%s(%d)", o.name, o.section))
		}
	}
	p.SeeAlso(append(others, "named(8)", "named.conf(5)", "rndc(8)")...)
	return p.String()
}

func (p manualText) verbs() {
	for _, v := range verbs() {
		p.Subsection("forwarder " + v.name)
		p.Example(v.synopsis())
		p.Paragraph(v.summary + ".")
		p.Flags(v.program().flags)
		if v.name != "rndc" { // whose notes are the commands below
			p.Blocks(new(comment.Parser).Parse(notes[v.name]).Content)
		}
	}
}

// synopsis is a line for each way to call the verb.
func (v *verb) synopsis() string {
	return strings.ReplaceAll(strings.TrimSpace("forwarder "+v.name+" "+v.args), "\n  ", "\n")
}

func (p manualText) commands() {
	for _, c := range allForms() {
		p.Item(strings.TrimSpace(c.name+" "+c.args), c.summary)
	}
}
