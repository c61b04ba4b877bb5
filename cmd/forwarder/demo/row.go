package demo

import (
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// second is what came to an end since the last row.
type second struct {
	count                 // of the client's lookups
	latest [places]lookup // by when it was asked, of those that have ended
	any    [places]bool
}

const (
	rowFormat = "%6s  %-22s %3s %8s %7s %8s  %-8s  %-8s"
	nothing   = "-"
)

// rowTitles stand above the rows of an act.
func rowTitles() string {
	return fmt.Sprintf(rowFormat, "time", "the client gets", "TTL", "answered", "failed", "slowest", "a", "b")
}

// see keeps what is shown of a lookup, but for one that was given up after a later
// one was answered.
func (s *second) see(l lookup) {
	if !s.any[l.from] || l.asked.After(s.latest[l.from].asked) {
		s.latest[l.from], s.any[l.from] = l, true
	}
}

// text is the second in words. What an address is, word knows.
func (s *second) text(at time.Duration, waiting int64, word func(lookup) string) string {
	gets, left := fmt.Sprintf("nothing yet, %d wait", waiting), nothing
	if l := s.latest[atClient]; s.any[atClient] {
		gets = l.shown(word)
		if l.address != "" {
			left = fmt.Sprint(l.ttl)
		}
	}
	slowest := nothing
	if s.ended() > 0 {
		slowest = brief(s.slowest)
	}
	return fmt.Sprintf(rowFormat, fmt.Sprintf("%.0f s", at.Seconds()), gets, left,
		fmt.Sprint(s.answered), fmt.Sprint(s.failed), slowest, s.gives(atA, word), s.gives(atB, word))
}

// gives is what a forwarder gave, in a word.
func (s *second) gives(from place, word func(lookup) string) string {
	if !s.any[from] {
		return "silent"
	}
	return s.latest[from].says(word)
}

// says is it in a word.
func (l lookup) says(word func(lookup) string) string {
	switch {
	case !l.heard:
		return "silent"
	case l.address == "" && l.rcode == dns.RcodeSuccess:
		return "no data"
	case l.address == "":
		return dns.RcodeToString[l.rcode]
	}
	return word(l)
}

// shown is what the client has of it.
func (l lookup) shown(word func(lookup) string) string {
	switch {
	case l.address != "":
		return l.address + " " + word(l)
	case l.ede != nil:
		return fmt.Sprintf("%s (EDE %d)", l.says(word), l.ede.InfoCode)
	}
	return l.says(word)
}

// isStale reports whether an answer is past its TTL, and says so (RFC 8914, 4.4).
func (l lookup) isStale() bool {
	return l.address != "" && l.ede != nil && l.ede.InfoCode == dns.ExtendedErrorCodeStaleAnswer
}

// answers is the word for answers of which nobody asks whether they are new.
func answers(l lookup) string {
	if l.isStale() {
		return "stale"
	}
	return "ok"
}
