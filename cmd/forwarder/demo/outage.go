package demo

import (
	"context"
	"time"

	"vpcdns/forwarder"
)

// outage is a time without upstream, and what becomes of the client.
type outage struct {
	at, stale, back time.Time // silent, stale answers on, not silent any more; zero: still to come
	count                     // of what was asked between at and back
	cached          lapse     // the last answer before the first failure, after at
	failure         lookup    // the slowest
	given           lapse     // the first stale answer, after stale
	fresh           [places]lapse
}

func (o *outage) note(l lookup) {
	switch {
	case o.at.IsZero() || l.asked.Before(o.at):
	case o.back.IsZero() || l.asked.Before(o.back):
		if l.from == atClient {
			o.meanwhile(l)
		}
	case l.isFresh():
		o.fresh[l.from].set(l.came.Sub(o.back))
	}
}

func (o *outage) meanwhile(l lookup) {
	o.add(l)
	switch {
	case l.address == "":
		if l.took() > o.failure.took() {
			o.failure = l
		}
	case o.failed == 0:
		o.cached = lapse{l.came.Sub(o.at), true}
	case !o.stale.IsZero():
		o.given.set(l.came.Sub(o.stale))
	}
}

// isFresh reports whether an answer was asked for after its TTL. A stale one that was
// kept behind the pair does not say so, but has the TTL of one.
func (l lookup) isFresh() bool { return l.address != "" && !l.isStale() && l.ttl > staleTTL }

func (o *outage) isOver() bool {
	return o.fresh[atClient].known && o.fresh[atA].known && o.fresh[atB].known
}

// loseUpstream silences the VPC resolver.
func (s *story) loseUpstream(ctx context.Context) {
	o := new(outage)
	s.begin(&act{name: plainName, word: answers, note: o.note}, "ACT 3  The VPC resolver falls silent",
		"All caches have myservice for the rest of its TTL. Then both forwarders have nobody to ask.")
	s.pass(ctx, before)
	s.until(ctx, func() bool { return s.spreading == nil }, longest) // told while it happens, not amid the silence
	o.at = time.Now()
	s.site.silenceUpstream(true)
	s.say(event, "the VPC resolver is silent.")
	s.until(ctx, func() bool { return o.failed > 0 }, longest)
	s.pass(ctx, after)
	o.stale = time.Now()
	s.site.serveStale()
	s.say(event, "on both forwarders: rndc serve-stale on")
	s.until(ctx, func() bool { return o.given.known }, longest)
	s.pass(ctx, after)
	o.back = time.Now()
	s.site.silenceUpstream(false)
	s.say(event, "the VPC resolver answers again.")
	s.until(ctx, o.isOver, longest)
	s.pass(ctx, after)
	s.drain()
	s.tell(o)
}

func (s *story) tell(o *outage) {
	s.say(seen, "answers from caches for %s, then %d failed: %s, the slowest after %s; stale answers %s after serve-stale; fresh at a %s, b %s, client %s",
		o.cached, o.failed, o.failure.shown(answers), brief(o.failure.took()), o.given, o.fresh[atA], o.fresh[atB], o.fresh[atClient])
	s.say(named, "SERVFAIL after %s, no reason; fresh %s", outageCold.seconds(), outageReturn.seconds())
	s.note("upstream back: fresh after %s", o.fresh[atClient])
}

// serveStale is what rndc serve-stale on does, at both forwarders.
func (s *site) serveStale() {
	for _, m := range s.pair {
		m.server.SetServeStale(forwarder.StaleOn)
	}
}
