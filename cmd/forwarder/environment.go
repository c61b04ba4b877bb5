package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// setting is a line of an EnvironmentFile= of systemd.exec(5).
type setting struct {
	name, value string
	line        int // where it begins
}

// readEnvironment reads such a file; one that does not exist has no settings.
func readEnvironment(path string) ([]setting, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseEnvironment(string(text)), nil
}

// parseEnvironment reads NAME=VALUE lines. A value may have quotes around parts
// of it, and a backslash before a character, or before the end of a line, which
// then goes on. Lines that begin with # or ; are comments; so are those that are
// no setting, of which systemd says something in the journal.
func parseEnvironment(text string) (list []setting) {
	for line := 1; text != ""; {
		begin := line
		name, rest, ok := cutName(text)
		if !ok {
			_, text, _ = strings.Cut(text, "\n")
			line++
			continue
		}
		value, after := unquote(rest)
		line += strings.Count(rest[:len(rest)-len(after)], "\n")
		text = after
		list = append(list, setting{name, value, begin})
	}
	return list
}

// cutName cuts NAME= off a line; a comment has none.
func cutName(text string) (name, rest string, ok bool) {
	line, _, _ := strings.Cut(text, "\n")
	name, _, ok = strings.Cut(line, "=")
	rest = text[min(len(name)+1, len(text)):]
	name = strings.TrimSpace(name)
	return name, rest, ok && name != "" && !strings.ContainsAny(name[:1], "#;")
}

// unquote reads a value up to the end of its line. As in systemd blanks behind
// quotes are skipped, and those at the end.
func unquote(text string) (value, rest string) {
	text = strings.TrimLeft(text, " \t")
	var b strings.Builder
	var quote byte
	quoted := 0 // so much of the value ends in quotes
	trimmed := func() string {
		return b.String()[:quoted] + strings.TrimRight(b.String()[quoted:], " \t")
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(text):
			if i++; text[i] != '\n' {
				b.WriteByte(text[i])
			}
		case quote == 0 && c == '\n':
			return trimmed(), text[i+1:]
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote, quoted = 0, b.Len()
		case quote == 0 && quoted > 0 && quoted == b.Len() && (c == ' ' || c == '\t'):
		default:
			b.WriteByte(c)
		}
	}
	return trimmed(), ""
}

// words splits a value as systemd does for $NAME in ExecStart=: at blanks, but
// not inside of quotes.
func words(value string) (list []string) {
	var word []byte
	var quote byte
	begun := false
	for i := range len(value) {
		switch c := value[i]; {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if begun {
				list = append(list, string(word))
			}
			word, begun = nil, false
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case c == quote && quote != 0:
			quote = 0
		default:
			word, begun = append(word, c), true
		}
	}
	if begun {
		list = append(list, string(word))
	}
	return list
}
