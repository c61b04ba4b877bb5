package local

import (
	"errors"
	"strings"
)

// tokenKind says what a token of a master file is.
type tokenKind uint8

const (
	word tokenKind = iota
	quoted
	blank // white space at the start of a line that has more
	endOfLine
	endOfFile
)

// token is one token, with its escapes, and without its quotes.
type token struct {
	kind   tokenKind
	text   string
	joined bool // no white space is between it and the token before
}

// lexer cuts a master file into tokens (RFC 1035, 5.1), as named does.
type lexer struct {
	text   string
	at     int
	line   int  // of at, from 1
	parens int  // open ones: line ends are white space
	fresh  bool // at is the start of a line
	behind int  // the end of the last word
}

func newLexer(text string) *lexer { return &lexer{text: text, line: 1, fresh: true, behind: -1} }

var (
	errQuotes      = errors.New("unbalanced quotes")
	errParentheses = errors.New("unbalanced parentheses")
)

// next returns the next token. A line's end comes before the end of the file.
func (l *lexer) next() (token, error) {
	for l.at < len(l.text) {
		c := l.text[l.at]
		switch c {
		case ' ', '\t':
			if l.indent() {
				return token{kind: blank}, nil
			}
		case ';':
			l.comment()
		case '\n', '\r':
			if l.lineEnd() {
				return token{kind: endOfLine}, nil
			}
		case '(':
			l.parens++
			l.step()
		case ')':
			if l.parens == 0 {
				return token{}, errParentheses
			}
			l.parens--
			l.step()
		case '"':
			return l.quoted()
		default:
			return l.word(), nil
		}
	}
	return l.end()
}

func (l *lexer) step() {
	l.at++
	l.fresh = false
}

// indent passes white space, and reports whether it stands for an owner.
func (l *lexer) indent() bool {
	starts := l.fresh && l.parens == 0
	for l.at < len(l.text) && (l.text[l.at] == ' ' || l.text[l.at] == '\t') {
		l.step()
	}
	return starts
}

func (l *lexer) comment() {
	for l.at < len(l.text) && l.text[l.at] != '\n' {
		l.at++
	}
}

// lineEnd passes a line's end, and reports whether it ends a record.
func (l *lexer) lineEnd() bool {
	if strings.HasPrefix(l.text[l.at:], "\r\n") {
		l.at++
	}
	if l.text[l.at] == '\n' {
		l.line++
	}
	l.at++
	l.fresh = true
	return l.parens == 0
}

func (l *lexer) quoted() (token, error) {
	start := l.at + 1
	for l.at = start; l.at < len(l.text) && l.text[l.at] != '\n'; l.at++ {
		switch l.text[l.at] {
		case '\\':
			if l.at+1 < len(l.text) && l.text[l.at+1] != '\n' {
				l.at++
			}
		case '"':
			l.step()
			return token{quoted, l.text[start : l.at-1], start-1 == l.behind}, nil
		}
	}
	return token{}, errQuotes
}

func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.text) {
		switch c := l.text[l.at]; c {
		case ' ', '\t', '\n', '\r', ';', '(', ')', '"':
			l.behind = l.at
			return token{kind: word, text: l.text[start:l.at]}
		case '\\':
			l.step()
			if l.at == len(l.text) || l.text[l.at] == '\n' || l.text[l.at] == '\r' {
				continue
			}
		}
		l.step()
	}
	return token{kind: word, text: l.text[start:]}
}

// end ends a last line without its end, and then the file.
func (l *lexer) end() (token, error) {
	switch {
	case l.parens > 0:
		return token{}, errParentheses
	case !l.fresh:
		l.fresh = true
		return token{kind: endOfLine}, nil
	}
	return token{kind: endOfFile}, nil
}

// unfinished reports whether the last line has no end.
func unfinished(text string) bool { return text != "" && text[len(text)-1] != '\n' }

// tokens cuts one line into its tokens.
func tokens(text string) (list []token, err error) {
	lex := newLexer(text)
	for {
		t, err := lex.next()
		switch {
		case err != nil:
			return nil, err
		case t.kind == endOfFile || t.kind == endOfLine:
			return list, nil
		case t.kind != blank:
			list = append(list, t)
		}
	}
}
