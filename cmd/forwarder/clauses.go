package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/rndc"
)

// clauses are what may stand behind the data of an override or a verification, in
// any order: for DURATION, lease TOKEN, at TIME.
type clauses map[string]string

// cutClauses cuts those that are known off the end of a command.
func cutClauses(words []string, known ...string) (rest []string, c clauses, err error) {
	c = make(clauses)
	for len(words) >= 2 {
		word := strings.ToLower(words[len(words)-2])
		if !slices.Contains(known, word) {
			break
		}
		if _, twice := c[word]; twice {
			return nil, nil, rndc.Syntax.With(fmt.Sprintf("'%s' stands twice", word))
		}
		c[word] = words[len(words)-1]
		words = words[:len(words)-2]
	}
	if n := len(words); n > 0 && slices.Contains(known, strings.ToLower(words[n-1])) {
		return nil, nil, rndc.UnexpectedEnd.With(fmt.Sprintf("'%s' has nothing behind it", words[n-1]))
	}
	return words, c, nil
}

// duration reads the clause `for`, which is 0 where there is none.
func (c clauses) duration(most time.Duration) (time.Duration, error) {
	text, ok := c["for"]
	if !ok {
		return 0, nil
	}
	d, ok := namedconf.ParseDuration(text)
	switch {
	case !ok:
		return 0, rndc.BadNumber.With(fmt.Sprintf("'%s' is no duration: it is like 90, 90s, 5m, 1h or 1d", shown(text)))
	case d == 0 || d > most:
		return 0, rndc.OutOfRange.With(fmt.Sprintf("for %s: it is from 1 s to %.0f h", shown(text), most.Hours()))
	}
	return d, nil
}

// at reads the clause `at`, the moment at which who asks decided: RFC 3339, with
// fractions of the second. The zero time is now.
func (c clauses) at() (time.Time, error) {
	text, ok := c["at"]
	if !ok {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
	if err != nil {
		return t, rndc.Syntax.With(fmt.Sprintf("'%s' is no time: it is like 2026-11-29T12:00:00Z", shown(text)))
	}
	return t, nil
}
