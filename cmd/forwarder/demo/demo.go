package demo

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// Run tells the story on out, in lines of 80 columns at most. On a terminal the servers
// then stay up until ctx ends. That ctx ends is no error, and that nobody reads any
// more is none either. Nothing is left when it returns: no server, no file.
func Run(ctx context.Context, out io.Writer) error {
	s := &story{screen: &screen{out: out}, began: time.Now()}
	s.greet()
	site, err := newSite()
	defer site.close()
	if err != nil {
		return err
	}
	s.site = site
	s.introduce()
	s.play(ctx)
	stay := isTerminal(out) && s.err == nil
	s.recall(stay)
	s.sum()
	if stay {
		s.stay(ctx)
	}
	return s.failure()
}

// failure is what went wrong, but for who did not want to see the end.
func (s *story) failure() error {
	switch {
	case errors.Is(s.broken, syscall.EPIPE):
		return nil
	case s.broken != nil:
		return s.broken
	case errors.Is(s.err, context.Canceled):
		return nil
	}
	return s.err
}
