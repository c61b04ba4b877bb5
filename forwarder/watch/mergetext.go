package watch

import (
	"errors"
	"fmt"
	"slices"
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

// changes are those of a list that can be had.
func (l *loader) changes(list []Change) []Change {
	return slices.DeleteFunc(list, func(c Change) bool {
		err := c.check()
		if err != nil {
			l.leaveOut(err, "a change of %.80q %.20q", c.Name, c.Type)
		}
		return err != nil
	})
}

func (c Change) check() error {
	if _, err := parseName(c.Name); err != nil {
		return err
	}
	if !keeps(dns.StringToType[c.Type]) {
		return errors.New("unknown type")
	}
	if c.Source != Upstream && c.Source != Probe && c.Source != Operator {
		return fmt.Errorf("%.20q is no source", string(c.Source))
	}
	return nil
}

func (c Change) cleaned() Change {
	c.Old, c.New, c.By, c.Watched = cleanedAll(c.Old), cleanedAll(c.New), cleaned(c.By), true
	return c
}
