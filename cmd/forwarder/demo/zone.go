package demo

import (
	"context"
	"time"
)

// lostFor is for how long a zone is lost.
const lostFor = 8 * time.Second

// loss is a forwarder that is gone for a while, and what becomes of the client.
type loss struct {
	*member
	at, started time.Time // zero: still to come
	count                 // of what was asked in between
	back        lapse     // its first answer, after started
}

func (l *loss) note(asked lookup) {
	switch {
	case l.at.IsZero() || asked.asked.Before(l.at):
	case l.started.IsZero() || asked.asked.Before(l.started):
		if asked.from == atClient {
			l.add(asked)
		}
	case asked.from == l.place && asked.address != "":
		l.back.set(asked.came.Sub(l.started))
	}
}

// loseZone silences the forwarder that corporate DNS asks most.
func (s *story) loseZone(ctx context.Context) {
	lost := new(loss)
	s.begin(&act{name: watchedName, word: answers, note: lost.note}, "ACT 2  An Availability Zone is lost",
		"The forwarder that corporate DNS asks most falls silent, and nobody is told.")
	load := s.site.load()
	s.pass(ctx, before)
	load = s.site.load().since(load)
	lost.member = s.site.pair[load.busier()]
	lost.at = time.Now()
	s.do(lost.die)
	s.say(event, "%s is silent. It had %d of %d questions of the last %.0f s.", lost.label, load[load.busier()], load[0]+load[1], before.Seconds())
	s.pass(ctx, lostFor)
	lost.started = time.Now()
	s.do(lost.comeBack)
	s.say(event, "%s is started again, with the override of its state file.", lost.label)
	s.until(ctx, func() bool { return lost.back.known }, longest)
	s.pass(ctx, after)
	s.say(seen, "%d of %d failed, slowest %s; back in %s", lost.failed, lost.ended(), brief(lost.slowest), lost.back)
	s.say(named, "%.0f failed, slowest %s; behind Unbound %s", zoneFailed.value(), zoneNamed.seconds(), zoneUnbound.seconds())
	s.note("zone lost: %d failed, slowest %s", lost.failed, brief(lost.slowest))
}
