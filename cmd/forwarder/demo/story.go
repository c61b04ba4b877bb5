package demo

import (
	"context"
	"net/netip"
	"time"
)

// story is one run: what is asked, what came of it, and what is said of it. Once
// err is set its methods do nothing, so that an act reads from its top to its end.
type story struct {
	*screen
	site  *site
	began time.Time
	err   error // why it is over: ctx has ended, nothing can be written, or a server fails

	asker  *asker
	second *time.Ticker
	row    second
	act    *act

	total count // of the client's lookups
	cut   int   // of these, without an answer at the end
	old   int   // answers with an old address after a new one

	spreading *change  // what Route 53 has not everywhere yet; nil: nothing
	times     []string // what each act took, in a few words
}

// act is a part of the story.
type act struct {
	name string              // that is asked for
	word func(lookup) string // what an answer is
	note func(lookup)        // looks at every lookup of the name
}

// play tells all acts, or those before ctx ends.
func (s *story) play(ctx context.Context) {
	s.asker = newAsker(s.site.servers(), plainName)
	s.second = time.NewTicker(time.Second)
	defer s.second.Stop()
	go s.asker.run(ctx)
	for _, tell := range []func(context.Context){s.byTTL, s.bySwitch, s.loseZone, s.loseUpstream} {
		tell(ctx)
	}
	s.drain()
}

// servers are where the client asks, and where the forwarders are looked at.
func (s *site) servers() [places]netip.AddrPort {
	return [places]netip.AddrPort{atClient: s.corporate.addr, atA: s.pair[0].addr, atB: s.pair[1].addr}
}

// begin says what an act is about.
func (s *story) begin(a *act, title, about string, args ...any) {
	if s.err != nil {
		return
	}
	s.act = a
	s.asker.name.Store(&a.name)
	s.line("")
	s.line("%s", title)
	s.text("", about, args...)
	s.line("")
	s.line("%s", rowTitles())
}

// say is for what happens between two rows, and for what an act has shown.
func (s *story) say(lead, format string, args ...any) {
	if s.err == nil {
		s.text(lead, format, args...)
	}
}

// The leads of lines that are no rows.
const (
	event = "    >>  "
	seen  = "  this run:           "
	named = "  named, fault table: " // what it costs there
)

// do is for what the demo does to the servers.
func (s *story) do(what func() error) {
	if s.err == nil {
		s.err = what()
	}
}

// until shows a row a second until something is true, for so long at most.
func (s *story) until(ctx context.Context, is func() bool, most time.Duration) {
	over := time.NewTimer(most)
	defer over.Stop()
	for s.err == nil && !is() {
		select {
		case l, ok := <-s.asker.out:
			if ok {
				s.take(l)
			}
		case <-s.second.C:
			s.showRow()
		case <-over.C:
			return
		case <-ctx.Done():
			s.err = ctx.Err()
		}
	}
}

// pass lets time pass.
func (s *story) pass(ctx context.Context, d time.Duration) {
	s.until(ctx, func() bool { return false }, d)
}

// take counts a lookup that has ended. What is for the name of the act before is not
// shown.
func (s *story) take(l lookup) {
	switch {
	case l.from == atClient && l.cut:
		s.cut++
	case l.from == atClient:
		s.row.add(l)
		s.total.add(l)
	}
	if l.name == s.act.name && !l.cut {
		s.row.see(l)
		s.act.note(l)
	}
}

func (s *story) showRow() {
	s.line("%s", s.row.text(time.Since(s.began), s.asker.waiting(), s.act.word))
	s.row = second{}
	s.showSpread()
	if s.broken != nil {
		s.err = s.broken
	}
}

// drain ends the asking, and waits for what is under way: then the rows have all that
// was asked.
func (s *story) drain() {
	s.asker.stop()
	for s.asker.out != nil {
		select {
		case l, ok := <-s.asker.out:
			if !ok {
				s.asker.out = nil
				break
			}
			s.take(l)
		case <-s.second.C:
			s.showRow()
		}
	}
	if s.row.ended() > 0 {
		s.showRow()
	}
}
