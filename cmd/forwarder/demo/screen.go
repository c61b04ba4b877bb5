package demo

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// columns are those of a terminal as it comes.
const columns = 80

// screen writes lines of plain text that fit a terminal.
type screen struct {
	out    io.Writer
	broken error // why nothing more can be written
}

func (s *screen) line(format string, args ...any) {
	if s.broken != nil {
		return
	}
	text := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	if _, err := io.WriteString(s.out, text+"\n"); err != nil {
		s.broken = fmt.Errorf("writing what the demo shows: %w", err)
	}
}

// text writes a paragraph. Its further lines begin below the first one's text,
// which begins after lead.
func (s *screen) text(lead, format string, args ...any) {
	line := lead
	words := strings.Fields(fmt.Sprintf(format, args...))
	for i, word := range words {
		if width(line)+width(word)+unitWidth(words[i+1:]) > columns {
			s.line("%s", line)
			line = strings.Repeat(" ", width(lead))
		}
		line += word + " "
	}
	s.line("%s", line)
}

// unitWidth is the width of the unit of time that follows a figure, and stays beside it.
func unitWidth(rest []string) int {
	if len(rest) == 0 {
		return 0
	}
	switch strings.TrimRight(rest[0], ".,;:") {
	case "s", "ms":
		return 1 + width(rest[0])
	}
	return 0
}

func width(text string) int { return utf8.RuneCountInString(text) }
