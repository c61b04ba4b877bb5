package tap

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"vpcdns/forwarder/dnstap"
	"vpcdns/forwarder/trouble"
)

// queueSubject is the subject of the trouble that messages are dropped though they could
// be written.
const queueSubject = "queue"

// Observe looks whether what is tapped is written, once a second. One goroutine calls it.
func (t *Tap) Observe(table *trouble.Table, now time.Duration) {
	all, st := t.Stats().Dropped, t.State()
	dropped := trouble.Growth(all, t.dropped)
	t.dropped = all
	table.Drop(now, "nothing is to be written there any more", func(k trouble.Key) bool {
		return k.Kind == trouble.Dnstap && k.Subject != st.Output && (k.Subject != queueSubject || st.Output == "")
	})
	key := trouble.Key{Kind: trouble.Dnstap, Subject: st.Output}
	switch {
	case st.Err != nil && !table.Has(key):
		t.before = all - dropped
		table.Begin(trouble.Start{
			Key: key, Since: now - max(0, time.Since(st.Since)), Zones: []string{},
			Text: fmt.Sprintf("dnstap: no message can be written to %s: %v", st.Output, st.Err),
			Note: t.advice(&st) + "; queries are answered all the same",
		}, now)
	case st.Err == nil && st.Output != "":
		table.End(key, fmt.Sprintf("dnstap: messages are written to %s again, %d were dropped meanwhile", st.Output, trouble.Growth(all, t.before)), now)
		if dropped > 0 {
			signDropped(table, &st, dropped, now)
		}
	}
}

func signDropped(t *trouble.Table, st *dnstap.State, dropped uint64, now time.Duration) {
	const hold = 10 * time.Second
	t.Sign(trouble.Start{
		Key: trouble.Key{Kind: trouble.Dnstap, Subject: queueSubject}, Since: now, Zones: []string{},
		Text: fmt.Sprintf("dnstap: messages are dropped: more come than %s takes", st.Output),
		Note: fmt.Sprintf("%d in the last second; tap fewer kinds, or have a faster disk or reader", dropped),
	}, hold, "dnstap: all messages are written", now)
}

// advice says what to do about an output that fails.
func (t *Tap) advice(st *dnstap.State) string {
	c := t.cfg.Load()
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
