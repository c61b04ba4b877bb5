package namedconf

import "strings"

// secrecy says which words of a statement messages do not show: findings are logged,
// and shown on pages. A secret may stand in the wrong place, or be cut in two by a blank.
type secrecy struct {
	inKey  bool // the statement is in the block of a key statement
	key    int  // of its words, since the latest "key", which is the first; 0: there was none
	secret bool // "secret" was one of them, or "cookie-secret"
}

// within is that of a statement in the block that comes next.
func (s secrecy) within() secrecy { return secrecy{inKey: s.inKey || s.key > 0} }

// hides reports whether the next word is not shown. A key's name is, if it is one and
// not what follows it, for want of a quote.
func (s *secrecy) hides(t token) bool {
	isName := s.key == 1 && !strings.ContainsAny(t.text, " \t\n;{")
	hidden := s.secret || (s.inKey || s.key > 0) && !isName && !isShown(t.text)
	switch {
	case t.kind == tokenWord && strings.EqualFold(t.text, "key"):
		s.key = 1
	case t.kind == tokenWord && strings.HasSuffix(strings.ToLower(t.text), "secret"):
		s.secret = true
	case s.key > 0:
		s.key++
	}
	return hidden
}

// isShown reports whether a word of a key statement is none of a secret: what belongs
// there, and what follows where a '}' is missing.
func isShown(text string) bool {
	switch text = strings.ToLower(text); text {
	case "algorithm", "secret", "include":
		return true
	}
	return keywordBlocks[text] || strings.HasPrefix(text, "hmac-")
}
