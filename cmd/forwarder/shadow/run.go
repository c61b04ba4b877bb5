package shadow

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
)

// Run compares a Pair's answers to many questions.
type Run struct {
	*Pair
	*Totals
	Rate *Rate

	waiting chan struct{} // as many as may wait for answers at once
	asking  sync.WaitGroup
}

// maxWaiting is the most questions that wait for answers, or to be asked again.
const maxWaiting = 512

// NewRun returns a Run that asks nothing yet.
func NewRun(p *Pair, t *Totals, r *Rate) *Run {
	return &Run{Pair: p, Totals: t, Rate: r, waiting: make(chan struct{}, maxWaiting)}
}

// All asks each question, and returns when all are compared or ctx has ended.
func (r *Run) All(ctx context.Context, questions []Question) {
	defer r.asking.Wait()
	for _, q := range questions {
		select {
		case r.waiting <- struct{}{}:
		case <-ctx.Done():
			return
		}
		r.start(func() {
			if result, err := r.Compare(ctx, q, r.Rate.Wait); err == nil {
				r.Add(result)
			}
		})
	}
}

// start runs f, which has a place among those that wait.
func (r *Run) start(f func()) {
	r.asking.Go(func() {
		defer func() { <-r.waiting }()
		f()
	})
}

// Live follows a query log, and compares what is asked there as it is asked: each
// question once within its TTL, as many as the rate allows.
type Live struct {
	*Run
	Unasked int // questions that the rate, or the number of those waiting, left out

	recent *lru.Cache[Question, time.Time] // when it may be asked again
}

// maxRecent bounds the memory for questions that were asked lately.
const maxRecent = 100_000

// NewLive returns a Live that follows nothing yet.
func NewLive(r *Run) *Live {
	recent, err := lru.New[Question, time.Time](maxRecent)
	if err != nil {
		panic(err) // of a size of 0
	}
	return &Live{Run: r, recent: recent}
}

// Follow compares until ctx ends. The error is that the log cannot be read.
func (l *Live) Follow(ctx context.Context, path string) error {
	defer l.asking.Wait()
	return Follow(ctx, path, func(line string) { l.line(ctx, line) })
}

func (l *Live) line(ctx context.Context, line string) {
	q, client, ok := parseLogged(line)
	if !ok || !q.comparable() || l.Named.Asked(client) {
		return
	}
	if until, ok := l.recent.Get(q); ok && time.Now().Before(until) {
		return
	}
	if !l.Rate.Try() {
		l.Unasked++
		return
	}
	select {
	case l.waiting <- struct{}{}:
	default:
		l.Unasked++
		return
	}
	l.recent.Add(q, time.Now().Add(time.Minute)) // until the answers are there
	l.start(func() { l.ask(ctx, q) })
}

// ask compares the answers to q, which the rate has allowed.
func (l *Live) ask(ctx context.Context, q Question) {
	allowed := true
	result, err := l.Compare(ctx, q, func(ctx context.Context) error {
		if allowed {
			allowed = false
			return nil
		}
		return l.Rate.Wait(ctx)
	})
	if err == nil {
		l.Add(result)
	}
	l.recent.Add(q, time.Now().Add(askAgain(&result)))
}

// askAgain is when a question is new again: after the TTL of its answer, within
// bounds.
func askAgain(r *Result) time.Duration {
	const least, most = 5 * time.Second, time.Hour
	ttl := time.Duration(0)
	for _, a := range []*Answer{&r.Named, &r.Ours} {
		if t, ok := a.ttl(); ok {
			ttl = max(ttl, time.Duration(t)*time.Second)
		}
	}
	return min(max(ttl, least), most)
}
