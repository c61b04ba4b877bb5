package forwarder

import (
	"sync/atomic"
	"time"

	"vpcdns/forwarder/wire"
)

// servfails remembers which questions upstream answered with a failure
// (servfail-ttl). It stands beside the cache, so that names which fail crowd
// out none that do not, and is bounded as marks are.
type servfails struct {
	marks marks
	run   atomic.Int32 // failures since the last answer, of any question
}

// outageRun failures in a row are no longer the fault of single names.
const outageRun = 3

// note remembers a failure.
func (s *servfails) note(hash uint64, now time.Duration) {
	s.marks.note(hash, now)
	s.run.Add(1)
}

// answered notes an answer. When it ends an outage, what failed until then is
// worth asking again.
func (s *servfails) answered() {
	if s.run.Load() != 0 && s.run.Swap(0) >= outageRun {
		s.marks.forget()
	}
}

// recent reports whether hash failed less than ttl ago; in an outage half of it,
// so that a lone name is not the last to hear of its end.
func (s *servfails) recent(hash uint64, now, ttl time.Duration) bool {
	if s.run.Load() >= outageRun {
		ttl /= 2
	}
	return s.marks.recent(hash, now, ttl)
}

// servfail is an answer without records that says SERVFAIL.
const servfail = wire.Answer("\x02\x00\x00\x00\x00\x00\x00\x00")

// failedLately repeats that upstream failed.
func (a *answerer) failedLately(dst []byte, c *client) []byte {
	a.count(a.zone.id, SourceHit, wire.ServFail)
	return a.reply(dst, servfail, wire.Aging{}, c, ede{code: wire.EDECachedError})
}
