package namedconf

import "strings"

// tokenKind is '{', '}', ';', '!' or '/' as themselves, or one of these.
type tokenKind byte

const (
	tokenEOF    tokenKind = 0
	tokenWord   tokenKind = 'w'
	tokenString tokenKind = '"'
	tokenBad    tokenKind = '?' // an unterminated string or comment; text is the message
)

type token struct {
	kind tokenKind
	text string
	pos  Pos
}

// String returns the token as messages show it.
func (t token) String() string {
	switch t.kind {
	case tokenEOF:
		return "end of file"
	case tokenWord:
		return "'" + printable(t.text) + "'"
	case tokenString:
		return `'"` + printable(t.text) + `"'`
	}
	return "'" + string(rune(t.kind)) + "'"
}

// endsWord marks the bytes that cannot be in a word. Form feeds, a byte order
// mark and the like can, as in BIND.
var endsWord = [256]bool{
	' ': true, '\t': true, '\n': true, '\r': true,
	'{': true, '}': true, ';': true, '!': true, '/': true, '"': true,
	'#': true,
}

// lexer cuts one source into tokens. Tokens share the source's memory.
type lexer struct {
	name string
	src  string
	off  int
	line int32 // of off, from 1
	bol  int   // offset of the line's first byte
}

func newLexer(name, src string) lexer {
	return lexer{name: name, src: src, line: 1}
}

// next returns the next token; tokenEOF again and again at the end.
func (l *lexer) next() token {
	if bad, ok := l.skip(); !ok {
		return bad
	}
	t := token{pos: l.pos()}
	if l.off == len(l.src) {
		return t
	}
	switch c := l.src[l.off]; c {
	case '"':
		return l.quoted()
	case '{', '}', ';', '!', '/':
		t.kind, t.text = tokenKind(c), l.src[l.off:l.off+1]
		l.off++
		return t
	}
	start := l.off
	for l.off < len(l.src) && !endsWord[l.src[l.off]] {
		l.off++
	}
	t.kind, t.text = tokenWord, l.src[start:l.off]
	return t
}

func (l *lexer) pos() Pos {
	return Pos{File: l.name, Line: l.line, Col: int32(l.off - l.bol + 1)}
}

// advance moves to offset to, counting lines.
func (l *lexer) advance(to int) {
	passed := l.src[l.off:to]
	if i := strings.LastIndexByte(passed, '\n'); i >= 0 {
		l.line += int32(strings.Count(passed, "\n"))
		l.bol = l.off + i + 1
	}
	l.off = to
}

// skip passes blanks and comments. It returns a token and false for a comment
// without end.
func (l *lexer) skip() (token, bool) {
	for l.off < len(l.src) {
		rest := l.src[l.off:]
		switch {
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r':
			l.off++
		case rest[0] == '\n':
			l.advance(l.off + 1)
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			l.skipLine(rest)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return l.unterminated("comment"), false
			}
			l.advance(l.off + 2 + end + 2)
		default:
			return token{}, true
		}
	}
	return token{}, true
}

func (l *lexer) skipLine(rest string) {
	end := strings.IndexByte(rest, '\n')
	if end < 0 {
		end = len(rest)
	}
	l.off += end
}

// quoted reads a string, which may span lines. A backslash takes the byte
// after it along; only \" loses its backslash.
func (l *lexer) quoted() token {
	t := token{kind: tokenString, pos: l.pos()}
	start, escapes := l.off+1, false
	for i := start; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			i++
			escapes = escapes || i < len(l.src) && l.src[i] == '"'
		case '"':
			t.text = l.src[start:i]
			l.advance(i + 1)
			if escapes {
				t.text = unescape(t.text)
			}
			return t
		}
	}
	return l.unterminated("string")
}

// unescape turns \" into ", and leaves other pairs alone: \\" cannot be in s.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] != '"' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unterminated ends the source. The message stands where the string or
// comment began: its end is where the file ends, which says nothing.
func (l *lexer) unterminated(what string) token {
	t := token{kind: tokenBad, pos: l.pos(), text: "the " + what + " that begins here has no end"}
	l.advance(len(l.src))
	return t
}
