package demo

import (
	"fmt"
	"strings"
)

// note keeps what an act took, for the end.
func (s *story) note(format string, args ...any) {
	if s.err == nil {
		s.times = append(s.times, fmt.Sprintf(format, args...))
	}
}

// recall says what was seen, also where the end came early, and what is next.
func (s *story) recall(stay bool) {
	s.line("")
	if len(s.times) > 0 {
		s.text("Seen: ", "%s.", strings.Join(s.times, "; "))
	}
	switch {
	case s.err != nil:
		s.line("Stopped before the end.")
		return
	case stay:
		s.line("Now:  all of it stays up, and the client goes on, until Ctrl-C. See the pages:")
		s.line("      %s  %s", s.site.pair[0].page.url(), s.site.pair[1].page.url())
	default:
		s.line("Now:  in a terminal all of it would stay up until Ctrl-C, to look at and to ask.")
	}
	s.line("Next: 'forwarder migrate-check' where named runs; README.md, 'From named'.")
}

// sum is the last line: it adds up the rows.
func (s *story) sum() {
	s.line("Sum:  %d asked = %d answered + %d failed + %d cut off; %d old after new.",
		s.asker.asked.Load(), s.total.answered, s.total.failed, s.cut, s.old)
}
