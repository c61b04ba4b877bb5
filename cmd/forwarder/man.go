package main

import (
	_ "embed"
	"fmt"
	"go/doc/comment"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/config"
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

// chapter is what stands below a heading of doc.go; the first has none.
type chapter struct {
	heading string
	blocks  []comment.Block
}

// chapters reads the comment of doc.go.
func chapters() []chapter {
	text, _, _ := strings.Cut(docText, "\npackage ")
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(line, "//")
		lines = append(lines, strings.TrimPrefix(line, " "))
	}
	all := []chapter{{}}
	for _, b := range new(comment.Parser).Parse(strings.Join(lines, "")).Content {
		if h, ok := b.(*comment.Heading); ok {
			all = append(all, chapter{heading: plain(h.Text)})
			continue
		}
		last := &all[len(all)-1]
		last.blocks = append(last.blocks, b)
	}
	return all
}

// list writes what is made of a table and belongs below a heading of doc.go.
func (p *page) list(heading string) {
	switch heading {
	case "Flags":
		p.flags(newFlags().set)
	case "Verbs":
		p.verbs()
	case "Control commands":
		p.commands()
	}
}

// daemonPage is forwarder(8).
func daemonPage(m manualPage) string {
	p := newPage(m.name, m.section, "DNS forwarder that takes the place of named")
	p.section("Synopsis")
	p.example("forwarder [flags]\nforwarder VERB [flags] [argument ...]")
	for i, c := range chapters() {
		if i == 0 {
			c.heading = "Description"
		}
		p.section(c.heading)
		p.blocks(c.blocks)
		p.list(c.heading)
	}
	return p.end(m)
}

// optionsPage is forwarder.conf(5).
func optionsPage(m manualPage) string {
	p := newPage(m.name, m.section, "what becomes of the options of named.conf")
	p.section("Description")
	for _, c := range chapters() {
		if c.heading == "Options of named.conf" {
			p.blocks(c.blocks)
		}
	}
	for _, t := range []config.Treatment{config.Honoured, config.Missed, config.Ignored, config.Refused} {
		p.section(t.String() + " options")
		for _, o := range config.Options() {
			if o.Treatment == t {
				p.option(o)
			}
		}
	}
	return p.end(m)
}

func (p *page) option(o config.Option) {
	r := rowOf(o)
	about := "In: " + o.In + "."
	if r[4] != "" {
		about += " Why: " + r[4] + "."
	}
	p.item(strings.TrimSpace(o.Name+" "+o.Value), about)
}

// rndcPage is forwarder-rndc(8).
func rndcPage(m manualPage) string {
	v := verbNamed("rndc")
	p := newPage(m.name, m.section, "control a forwarder, or BIND's named")
	p.section("Synopsis")
	p.example(v.synopsis())
	p.section("Description")
	p.paragraph(v.summary + ".")
	p.section("Flags")
	p.flags(v.program().flags)
	p.section("Commands")
	p.commands()
	return p.end(m)
}

// end adds the other pages.
func (p *page) end(m manualPage) string {
	p.section("See also")
	var others []string
	for _, o := range manualPages() {
		if o.name != m.name {
			others = append(others, fmt.Sprintf("%s(%d)", o.name, o.section))
		}
	}
	p.line("%s", roff(strings.Join(append(others, "named(8)", "named.conf(5)", "rndc(8)"), ", ")))
	return p.String()
}

// flags lists those that the help lists.
func (p *page) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			p.item(flagTerm(f), flagMeaning(f))
		}
	})
}

func flagTerm(f *pflag.Flag) string {
	term := "--" + f.Name
	if f.Shorthand != "" {
		term = "-" + f.Shorthand + ", " + term
	}
	value, _ := pflag.UnquoteUsage(f)
	return strings.TrimSpace(term + " " + value)
}

func flagMeaning(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	if slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
		return usage
	}
	return usage + " (default " + f.DefValue + ")"
}

func (p *page) verbs() {
	for _, v := range verbs() {
		p.subsection("forwarder " + v.name)
		p.example(v.synopsis())
		p.paragraph(v.summary + ".")
		p.flags(v.program().flags)
		if v.name != "rndc" { // whose notes are the commands below
			p.blocks(new(comment.Parser).Parse(notes[v.name]).Content)
		}
	}
}

// synopsis is a line for each way to call the verb.
func (v *verb) synopsis() string {
	return strings.ReplaceAll(strings.TrimSpace("forwarder "+v.name+" "+v.args), "\n  ", "\n")
}

func (p *page) commands() {
	for _, c := range allForms() {
		p.item(strings.TrimSpace(c.name+" "+c.args), c.summary)
	}
}
