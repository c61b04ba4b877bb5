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
	isName := s.key == 1 && isOneWord(t.text)
	hidden := s.secret || (s.inKey || s.key > 0) && !isName && !isShown(t.text)
	switch {
	case t.kind == tokenWord && strings.EqualFold(t.text, "key"):
		s.key = 1
	case t.kind == tokenWord && strings.HasSuffix(strings.ToLower(t.text), "secret"):
		s.secret = true
	case t.kind == tokenWord && s.key > 1 && keywordBlocks[strings.ToLower(t.text)]:
		s.key = 0 // the next statement begins, for want of a ';'
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
	return keywordBlocks[text] || isAlgorithm(text)
}

// isAlgorithm reports whether a word is an algorithm, be it unknown or misspelt, with
// nothing of what should follow it.
func isAlgorithm(text string) bool {
	const longest = len("hmac-sha256-128")
	return text == "hmac-md5.sig-alg.reg.int" || strings.HasPrefix(text, "hmac-") && len(text) <= longest && isOneWord(text)
}

// isOneWord reports whether a string would be one word without its quotes.
func isOneWord(text string) bool { return !strings.ContainsAny(text, " \t\n;{") }

// notKeyword is the item where a keyword should be, as messages show it. A string is
// none, and may be the secret of a key that ended too early.
func notKeyword(i Item) Item {
	i.hidden = i.hidden || i.Kind == String && !isShown(i.Text)
	return i
}
