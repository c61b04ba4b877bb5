package shadow

import (
	"context"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Pair are the two servers that are compared.
type Pair struct {
	Named *Remote
	Ours  Server

	// Upstream returns the server that a name is forwarded to, or nil. It is asked
	// where the two have different records, or a TTL that is longer than named's:
	// what is cached at one may be older than what is cached at the other.
	Upstream func(name string) Server

	// Again is the longest time after which a difference is looked at again, so that
	// a short TTL can run out at both. The zero value is 10 s.
	Again time.Duration
}

// Result is what became of a question that was asked of both.
type Result struct {
	Named, Ours Answer // of the first time
	Differences []Difference
}

// Compare asks both, and once more after a while if they differ: what differs twice
// in the same way counts. before is called before each time; with an error it
// ends there, and so it does when ctx ends. It is called too before upstream is asked.
func (p *Pair) Compare(ctx context.Context, q Question, before func(context.Context) error) (Result, error) {
	if err := before(ctx); err != nil {
		return Result{}, err
	}
	var r Result
	r.Named, r.Ours = p.ask(ctx, q)
	first := differences(q, &r.Named, &r.Ours)
	if len(first) == 0 {
		return r, ctx.Err()
	}
	if err := sleep(ctx, p.pause(&r.Named, &r.Ours)); err != nil {
		return r, err
	}
	if err := before(ctx); err != nil {
		return r, err
	}
	c := encounter{pair: p, question: q, before: before}
	c.named, c.ours = p.ask(ctx, q)
	for _, d := range differences(q, &c.named, &c.ours) {
		if hasKind(first, d.Kind) {
			c.explain(ctx, &d)
			r.Differences = append(r.Differences, d)
		}
	}
	return r, ctx.Err()
}

func hasKind(list []Difference, kind string) bool {
	for i := range list {
		if list[i].Kind == kind {
			return true
		}
	}
	return false
}

// ask asks both at the same moment.
func (p *Pair) ask(ctx context.Context, q Question) (named, ours Answer) {
	var wg sync.WaitGroup
	wg.Go(func() { named = ask(ctx, p.Named, q) })
	wg.Go(func() { ours = ask(ctx, p.Ours, q) })
	wg.Wait()
	return named, ours
}

func ask(ctx context.Context, s Server, q Question) Answer {
	start := time.Now()
	msg, err := s.Ask(ctx, q)
	now := time.Now()
	return Answer{Msg: msg, Err: err, At: now, Took: now.Sub(start)}
}

// pause is how long to wait before differences are looked at again: until a failure
// is forgotten, which is kept for a second, or the shorter TTL has run out.
func (p *Pair) pause(named, ours *Answer) time.Duration {
	const least = 2 * time.Second
	most := p.Again
	if most == 0 {
		most = 10 * time.Second
	}
	wait := least
	for _, a := range []*Answer{named, ours} {
		if t, ok := a.ttl(); ok {
			wait = max(wait, min(most, time.Duration(t+1)*time.Second))
		}
	}
	return min(wait, most)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// encounter is a question to which the answers differ.
type encounter struct {
	pair        *Pair
	question    Question
	named, ours Answer
	third       *Answer // upstream's own
	before      func(context.Context) error
}

// upstream is what upstream itself says now, false where there is none to ask or it
// fails.
func (c *encounter) upstream(ctx context.Context) (*Answer, bool) {
	if c.third == nil {
		c.third = &Answer{}
		if a, ok := c.askUpstream(ctx); ok {
			*c.third = a
		}
	}
	return c.third, c.third.Msg != nil
}

func (c *encounter) askUpstream(ctx context.Context) (Answer, bool) {
	if c.pair.Upstream == nil {
		return Answer{}, false
	}
	s := c.pair.Upstream(c.question.Name)
	if s == nil || c.before(ctx) != nil {
		return Answer{}, false
	}
	a := ask(ctx, s, c.question)
	return a, a.is(dns.RcodeSuccess) || a.is(dns.RcodeNameError)
}
