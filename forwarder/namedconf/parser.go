package namedconf

import "fmt"

// parser builds the tree of one Load or Parse. Sources are a stack, so that
// an included file may hold half a block, as in BIND.
type parser struct {
	limits   Limits
	file     *File
	includes bool // follow include statements
	missing  func(path string) (string, bool)
	sources  []source // the one being read is last
	includer int      // the one of them that includes the next to be opened; -1: none
	dir      string   // where relative includes start; "" is the working directory
	bytes    int64    // read so far
	count    int      // of items
	depth    int
	peeked   token
	hasPeek  bool
	ended    bool // the end came too early, and was reported
	stopped  bool // a limit was reached: next returns tokenEOF
	secrecy  secrecy

	// What is being read, block within block, and what is complete.
	words      []Item
	lines      []Statement
	items      slab[Item]
	statements slab[Statement]
}

// maxWords bounds a statement, with those around it: nothing that makes sense
// comes near.
const maxWords = 1 << 16

func newParser(limits Limits) *parser {
	return &parser{limits: limits.withDefaults(), file: &File{}, includer: -1}
}

func (p *parser) parse() {
	statements := p.body("", Pos{})
	if !p.stopped {
		p.file.Statements = statements
	}
}

// report adds an error, until there are too many.
func (p *parser) report(pos Pos, format string, args ...any) {
	if p.stopped {
		return
	}
	if len(p.file.Findings) == p.limits.Errors {
		p.fail(pos, "too many errors")
		return
	}
	p.file.Findings = append(p.file.Findings, Finding{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

// fail adds the last finding and stops reading.
func (p *parser) fail(pos Pos, message string) {
	if !p.stopped {
		p.file.Findings = append(p.file.Findings, Finding{Pos: pos, Message: message})
		p.stopped = true
	}
}

// next returns the next token. An included file that ends is followed by the
// one that included it.
func (p *parser) next() token {
	if p.hasPeek {
		p.hasPeek = false
		return p.peeked
	}
	for !p.stopped {
		t := p.sources[len(p.sources)-1].next()
		switch {
		case t.kind == tokenBad:
			p.tooEarly(t.pos, "%s", t.text)
		case t.kind != tokenEOF || len(p.sources) == 1:
			return t
		default:
			p.sources = p.sources[:len(p.sources)-1]
		}
	}
	return token{}
}

// unread makes t the next token again.
func (p *parser) unread(t token) {
	p.peeked, p.hasPeek = t, true
}

// body reads statements up to the '}' of the block that opened at open, or to
// the end if open is zero. parent is the block's keyword.
func (p *parser) body(parent string, open Pos) []Statement {
	from, nested := len(p.lines), open.Line > 0
	for {
		t := p.next()
		switch {
		case t.kind == tokenEOF:
			if nested {
				p.tooEarly(t.pos, "'}' expected for the '{' at %v", open)
			}
			return p.complete(from)
		case t.kind == '}' && nested:
			return p.complete(from)
		case t.kind == ';':
			p.report(t.pos, "syntax error near ';': there is nothing before it")
		default:
			p.unread(t)
			p.finish(p.statement(), parent)
		}
	}
}

// complete returns the statements that a block has from the given one on.
func (p *parser) complete(from int) []Statement {
	list := p.statements.keep(p.lines[from:])
	p.lines = p.lines[:from]
	return list
}

// tooEarly reports the end of the input, once.
func (p *parser) tooEarly(pos Pos, format string, args ...any) {
	if !p.ended {
		p.report(pos, "unexpected end of input: "+format, args...)
	}
	p.ended = true
}

// statement reads up to the ';', or up to where it is missed. What cannot be
// an item is reported and left out, so the result may be empty.
func (p *parser) statement() Statement {
	from := len(p.words)
	p.readStatement(from)
	s := Statement{p.items.keep(p.words[from:])}
	p.words = p.words[:from]
	return s
}

// readStatement appends to words, where the statement begins at from.
func (p *parser) readStatement(from int) {
	outer := p.secrecy
	p.secrecy = outer.within()
	defer func() { p.secrecy = outer }()
	for {
		t := p.next()
		switch t.kind {
		case ';':
			return
		case tokenEOF:
			p.tooEarly(t.pos, "missing ';'")
			return
		case '}':
			if p.depth > 0 {
				p.report(t.pos, "missing ';' before '}'")
				p.unread(t)
				return
			}
			p.report(t.pos, "syntax error near '}': there is no '{' for it")
		default:
			p.item(from, t)
		}
	}
}

// item adds what t begins to the statement that begins at from.
func (p *parser) item(from int, t token) {
	switch t.kind {
	case tokenWord:
		p.add(Item{Kind: Word, Text: t.text, Pos: t.pos, hidden: p.secrecy.hides(t)})
	case tokenString:
		p.add(Item{Kind: String, Text: t.text, Pos: t.pos, hidden: p.secrecy.hides(t)})
	case '{':
		name := Statement{p.words[from:]}.Name()
		p.add(Item{Kind: Block, Body: p.block(name, t.pos), Pos: t.pos})
	case '!':
		p.bang(t)
	case '/':
		p.slash(from, t)
	}
}

func (p *parser) add(i Item) {
	if p.count++; p.count > p.limits.Items {
		p.fail(i.Pos, fmt.Sprintf("configuration has more than %d words", p.limits.Items))
		return
	}
	if len(p.words) == maxWords {
		p.fail(i.Pos, fmt.Sprintf("statement has more than %d words", maxWords))
		return
	}
	p.words = append(p.words, i)
}

// block reads what follows the '{' at open, including the '}'.
func (p *parser) block(parent string, open Pos) []Statement {
	if p.depth == p.limits.Depth {
		p.fail(open, fmt.Sprintf("more than %d blocks within blocks", p.limits.Depth))
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	return p.body(parent, open)
}

func (p *parser) bang(t token) {
	next := p.next()
	switch next.kind {
	case tokenWord, tokenString, '{':
		p.add(Item{Kind: Bang, Pos: t.pos})
	default:
		p.report(next.pos, "expected an element after '!' near %v", next)
	}
	p.unread(next)
}

func (p *parser) slash(from int, t token) {
	next := p.next()
	if n := len(p.words); n > from && p.words[n-1].Kind == Word && next.kind == tokenWord {
		p.add(Item{Kind: Slash, Pos: t.pos})
	} else {
		p.report(t.pos, "syntax error near '/'")
	}
	p.unread(next)
}

// keywordBlocks hold statements that begin with a keyword, and may hold
// includes. In other blocks are lists, where "include" is an element.
var keywordBlocks = map[string]bool{
	"channel": true, "controls": true, "dlz": true, "dns64": true,
	"dnssec-policy": true, "http": true, "key": true, "logging": true,
	"options": true, "rate-limit": true, "server": true,
	"statistics-channels": true, "tls": true, "view": true, "zone": true,
}

// finish adds s, which stood in the block of parent, to lines, and does what the
// two known statements ask for.
func (p *parser) finish(s Statement, parent string) {
	if len(s.Items) == 0 {
		return
	}
	if p.depth > 0 && !keywordBlocks[parent] {
		p.lines = append(p.lines, s)
		return
	}
	switch s.Name() {
	case "":
		p.report(s.Pos(), "syntax error near '%v': expected a keyword", notKeyword(s.Items[0]))
		return
	case "include":
		if p.includes {
			p.finishInclude(s, parent)
			return
		}
	case "directory":
		if parent == "options" && len(s.Items) > 1 && s.Items[1].Kind == String {
			p.chdir(s.Items[1].Text)
		}
	}
	p.lines = append(p.lines, s)
}

// finishInclude follows an include. Without its ';', the next statement has
// become a part of it.
func (p *parser) finishInclude(s Statement, parent string) {
	if len(s.Items) < 2 || s.Items[1].Kind != String {
		p.report(s.Pos(), "include: expected a quoted string")
		return
	}
	if len(s.Items) > 2 {
		rest := Statement{Items: s.Items[2:]}
		p.report(rest.Pos(), "missing ';' before '%v'", notKeyword(rest.Items[0]))
		p.finish(rest, parent)
	}
	p.include(s.Items[1])
}
