package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// templates are the zone options of BIND 9.21's template statements, by name.
type templates map[string][]namedconf.Statement

// writeOut gives zones the options of the templates that they name. It works on
// what was written, so that the options are checked as the zone's own.
func (c *checker) writeOut(statements []namedconf.Statement) {
	known := make(templates)
	for _, s := range statements {
		if s.Name() != "template" || len(s.Items) < 3 {
			continue
		}
		body := bodyOf(s)
		if inner, ok := statementOf("template", body); ok {
			c.errorf(inner.Pos(), "unknown option 'template' here: templates name no others")
		}
		if name := s.Items[1].Text; known[name] == nil { // the first of several holds
			known[name] = body
		}
	}
	c.writeOutZones(statements, known)
}

func (c *checker) writeOutZones(statements []namedconf.Statement, known templates) {
	for _, s := range statements {
		switch s.Name() {
		case "zone":
			c.writeOutZone(s, known)
		case "view":
			c.writeOutZones(bodyOf(s), known)
		}
	}
}

// writeOutZone adds what the zone does not have itself.
func (c *checker) writeOutZone(zone namedconf.Statement, known templates) {
	block := &zone.Items[len(zone.Items)-1]
	name, ok := findOption(block.Body, "template")
	if !ok {
		return
	}
	options, ok := known[name.Text]
	if !ok {
		c.broken = true
		c.errorf(name.Pos, "template '%s' not found", name)
	}
	own := block.Body
	block.Body = slices.Clone(own)
	for _, o := range options {
		if _, has := statementOf(o.Name(), own); !has {
			block.Body = append(block.Body, o)
		}
	}
}

// zoneTokens stand for something of a zone in the name of its file.
var zoneTokens = regexp.MustCompile(`(?i)\$(name|type|view)`)

// fillIn puts what its tokens stand for into the name of a zone's file.
func (b *builder) fillIn(file, zone, kind string) string {
	return zoneTokens.ReplaceAllStringFunc(file, func(token string) string {
		switch strings.ToLower(token) {
		case "$name":
			return trimmed(zone)
		case "$type":
			return kind
		}
		return cmp.Or(b.view.name, "_default")
	})
}
