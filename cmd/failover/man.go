package main

import (
	"context"
	_ "embed"
	"fmt"
	"go/doc/comment"
	"io"
	"strings"

	"vpcdns/forwarder/manual"
)

// docText is what go doc shows: the manual's prose, which stands nowhere else.
//
//go:embed doc.go
var docText string

func manVerb() verb {
	return verb{"man", "", "Print the manual page, for man -l - or a file of /usr/share/man", "", manProgram}
}

func manProgram() program {
	return program{newVerbFlags("man"), func(_ context.Context, args []string, stdout, _ io.Writer) error {
		if err := noArguments(args); err != nil {
			return err
		}
		_, err := io.WriteString(stdout, manualPage())
		return err
	}}
}

// manualPage is failover(8): the comment of doc.go, with the verbs below their heading.
func manualPage() string {
	p := manual.NewPage("failover", 8, "switch a name in Route 53, and prove that it arrived")
	p.Section("Synopsis")
	p.Example("failover VERB [flags] [argument ...]\nfailover help [VERB]\nfailover --version")
	for i, c := range manual.Chapters(docText) {
		if i == 0 {
			c.Heading = "Description"
		}
		p.Section(c.Heading)
		p.Blocks(c.Blocks)
		if c.Heading == "Verbs" {
			manualVerbs(p)
		}
	}
	p.SeeAlso("forwarder(8)", "forwarder-rndc(8)")
	return p.String()
}

func manualVerbs(p *manual.Page) {
	for _, v := range verbs() {
		p.Subsection("failover " + v.name)
		p.Example(strings.TrimSpace(fmt.Sprintf("failover %s %s", v.name, v.args)))
		p.Paragraph(v.summary + ".")
		p.Flags(v.program().flags)
		p.Blocks(new(comment.Parser).Parse(v.notes).Content)
	}
}
