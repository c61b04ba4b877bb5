package watch

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/miekg/dns"
)

// What others wrote is shown to people and logged: it is to be what it seems.

// maxCleaned is how much of a text of others is kept, in octets.
const maxCleaned = 1000

// cleaned is a text in a line, without what moves a terminal's cursor.
func cleaned(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxCleaned)], "?")
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '?'
	}, s)
}

func cleanedAll(list []string) []string {
	list = list[:min(len(list), maxOverrideData)]
	clean := make([]string, len(list))
	for i := range list {
		clean[i] = cleaned(list[i])
	}
	return clean
}

// checkChanges refuses changes of what is none.
func checkChanges(list []Change) error {
	for i := range list {
		c := &list[i]
		if _, err := parseName(c.Name); err != nil || !keeps(dns.StringToType[c.Type]) {
			return fmt.Errorf("a change of %.80q %.20q: no name and type", c.Name, c.Type)
		}
		if c.Source != Upstream && c.Source != Probe && c.Source != Operator {
			return fmt.Errorf("a change of %.80q by %.20q, which is no source", c.Name, string(c.Source))
		}
	}
	return nil
}

func (c Change) cleaned() Change {
	c.Old, c.New, c.By, c.Watched = cleanedAll(c.Old), cleanedAll(c.New), cleaned(c.By), true
	return c
}
