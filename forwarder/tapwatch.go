package forwarder

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"vpcdns/forwarder/dnstap"
	"vpcdns/forwarder/trouble"
)

// tapWatch is what was seen of the tap.
type tapWatch struct {
	dropped uint64 // as last read
	before  uint64 // what was dropped when the output failed last
}

// tapQueue is the subject of the trouble that messages are dropped though they could
// be written.
const tapQueue = "queue"

// observeTap looks whether what is tapped is written. One goroutine calls it.
func (s *Server) observeTap(t *trouble.Table, now time.Duration) {
	w, all, st := &s.tapWatch, s.tap.Stats().Dropped, s.tap.State()
	dropped := trouble.Growth(all, w.dropped)
	w.dropped = all
	t.Drop(now, "nothing is to be written there any more", func(k trouble.Key) bool {
		return k.Kind == trouble.Dnstap && k.Subject != st.Output && (k.Subject != tapQueue || st.Output == "")
	})
	key := trouble.Key{Kind: trouble.Dnstap, Subject: st.Output}
	switch {
	case st.Err != nil && !t.Has(key):
		w.before = all - dropped
		t.Begin(trouble.Start{
			Key: key, Since: now - max(0, time.Since(st.Since)), Zones: []string{},
			Text: fmt.Sprintf("dnstap: no message can be written to %s: %v", st.Output, st.Err),
			Note: s.tapAdvice(&st) + "; queries are answered all the same",
		}, now)
	case st.Err == nil && st.Output != "":
		t.End(key, fmt.Sprintf("dnstap: messages are written to %s again, %d were dropped meanwhile", st.Output, trouble.Growth(all, w.before)), now)
		if dropped > 0 {
			signDropped(t, &st, dropped, now)
		}
	}
}

func signDropped(t *trouble.Table, st *dnstap.State, dropped uint64, now time.Duration) {
	const hold = 10 * time.Second
	t.Sign(trouble.Start{
		Key: trouble.Key{Kind: trouble.Dnstap, Subject: tapQueue}, Since: now, Zones: []string{},
		Text: fmt.Sprintf("dnstap: messages are dropped: more come than %s takes", st.Output),
		Note: fmt.Sprintf("%d in the last second; tap fewer kinds, or have a faster disk or reader", dropped),
	}, hold, "dnstap: all messages are written", now)
}

// tapAdvice says what to do about an output that fails.
func (s *Server) tapAdvice(st *dnstap.State) string {
	c := &s.state.Load().cfg.Dnstap
	switch err := st.Err; {
	case errors.Is(err, syscall.EROFS):
		return "add its directory to ReadWritePaths= of the service, or write somewhere else"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "let the user of this process write there"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room there, or limit size and versions of dnstap-output"
	case c.Socket && (errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)):
		return "start its reader, as fstrm_capture -t protobuf:dnstap.Dnstap -u " + st.Output + " -w FILE"
	case c.Socket:
		return "look at its reader, which is to take frame streams of protobuf:dnstap.Dnstap there"
	}
	return "look at dnstap-output"
}

// ReopenDnstap begins another file for what is tapped, or connects to its reader anew
// (rndc dnstap -reopen).
func (s *Server) ReopenDnstap(ctx context.Context) error {
	return s.reopenTap(ctx, "reopening", dnstap.KeepFormer)
}

// RollDnstap is ReopenDnstap that keeps so many former files: 0 is as many as the
// configuration says, and less all of them (rndc dnstap -roll).
func (s *Server) RollDnstap(ctx context.Context, keep int) error {
	switch {
	case keep < 0:
		return s.reopenTap(ctx, "rolling", dnstap.KeepAll)
	case keep == 0:
		return s.reopenTap(ctx, "rolling", dnstap.KeepAsConfigured)
	}
	return s.reopenTap(ctx, "rolling", dnstap.Keep(keep))
}

func (s *Server) reopenTap(ctx context.Context, doing string, keep dnstap.Keep) error {
	s.logTap(doing, s.tap.State().Output)
	return s.tap.Reopen(ctx, keep)
}

// logTap writes BIND's words about an output, if there is one.
func (s *Server) logTap(doing, output string) {
	if output != "" {
		s.logs.dnstap.Info(fmt.Sprintf("%s dnstap destination '%s'", doing, output))
	}
}

// ErrNotTapped says that the configuration has no dnstap.
var ErrNotTapped = dnstap.ErrOff
