package forwarder

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// watchWait is how long a question about a watched name waits for its answer at most:
// the next one is asked a second later.
const watchWait = 2 * time.Second

// watcher is what acts on the watches.
type watcher struct {
	wake          chan struct{} // has a value when there may be something to tell
	verifications counter       // questions about names themselves
	probes        counter       // and about labels below them

	mu      sync.Mutex
	applied *watch.Pins // with which the cache agrees; guarded by mu
}

func (w *watcher) init() { w.wake = make(chan struct{}, 1) }

// awake lets the goroutine of the watches look for what is to be told.
func (w *watcher) awake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// watchNames asks for watched names on whole seconds of the wall clock, so that two
// forwarders that share nothing find out together.
func (s *Server) watchNames() {
	timer := time.NewTimer(untilSecond(time.Now()))
	defer timer.Stop()
	var last int64
	for {
		select {
		case <-timer.C:
			now := time.Now()
			if second := now.Round(time.Second).Unix(); second != last { // a timer may be early
				last = second
				s.watchSecond()
			}
			timer.Reset(untilSecond(time.Now()))
		case <-s.watcher.wake:
			s.tellWatches()
		case <-s.quit:
			return
		}
	}
}

// untilSecond is how long it is until the wall clock's next whole second.
func untilSecond(now time.Time) time.Duration {
	return time.Second - time.Duration(now.Nanosecond())
}

// watchSecond is what is done each second.
func (s *Server) watchSecond() {
	var list waiterList
	s.askWatched(s.watches.Due(s.Moment()), &list)
	s.queue.submit(&list)
	s.tellWatches()
}

// keepWatches writes the state within a second of a change. A disk that hangs holds up
// nobody else.
func (s *Server) keepWatches() {
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.kept.Save()
		case <-s.quit:
			return
		}
	}
}

// tellWatches brings the cache in line with the pins, and logs what has happened.
func (s *Server) tellWatches() {
	s.applyPins()
	for _, e := range s.watches.Events() {
		s.logs.general.Log(context.Background(), e.Level, e.Text)
	}
}

// Moment is now, as the watches have it.
func (s *Server) Moment() watch.Moment { return watch.Moment{Now: s.clock.now(), Wall: time.Now()} }

// askWatched queues questions about watched names in to. Those that nobody may be asked
// for are left out.
func (e *engine) askWatched(questions []watch.Question, to *waiterList) {
	st := e.state.Load()
	for i := range questions {
		q := &questions[i]
		z := st.routes.find([]byte(q.Name), q.Type)
		if z == nil || len(z.servers) == 0 || st.zoneAt([]byte(q.Name), q.Type) != nil || e.draining.Load() {
			continue
		}
		if to.push(e.watchWaiter(q, z)); q.Probe {
			e.watcher.probes.Add(1)
		} else {
			e.watcher.verifications.Add(1)
		}
	}
}

// watchWaiter returns a waiter for q, to which nobody gets a reply.
func (e *engine) watchWaiter(q *watch.Question, z *zone) *waiter {
	question := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte(q.Name), q.Type), wire.ClassIN)
	plain := query{zone: z, Query: wire.Query{Type: q.Type, Class: wire.ClassIN, Question: question}}
	plain.setKey(e.cache)
	w := e.waiters.get(&plain, e.state.Load())
	w.refresh, w.watched, w.since = true, q, e.clock.now()
	return w
}

// isProbe reports whether f's answer is kept for nobody.
func (f *fetch) isProbe() bool { return f.watched != nil && f.watched.Probe }
