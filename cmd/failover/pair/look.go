package pair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/control"
	"vpcdns/forwarder/watch"
)

// seen is what was told of a forwarder's view.
type seen struct {
	flushed        bool
	refused        map[string]bool // commands
	overridden     bool            // the override stood in its list
	ended          bool
	upstreamNew    bool
	upstreamSteady bool
	held           time.Time
}

// look begins the verification, and tells what the forwarder sees.
func (f *Follower) look(ctx context.Context) error {
	if !f.verified {
		err := f.Server.Verify(ctx, f.Order, f.Verify)
		if errors.Is(err, control.ErrUnknown) {
			f.plain = true
			return nil
		}
		if err != nil {
			return err
		}
		f.verified = true
	}
	st, err := f.Show(ctx, f.Order.Name, f.Clients)
	switch {
	case errors.Is(err, control.ErrNotFound): // it was restarted, and kept nothing
		f.verified, f.firm, f.leasedAt = false, f.seen.ended, time.Time{}
		return nil
	case err != nil:
		return err
	}
	skew := time.Since(st.Now)
	f.tellOverride(&st)
	f.tellUpstream(&st)
	f.tellHeld(&st, skew)
	return nil
}

// Last tells whether the override is still in force, and until when. It is to be
// called when Run has ended.
func (f *Follower) Last(ctx context.Context) {
	if !f.firm || f.seen.ended {
		return
	}
	st, err := f.Show(ctx, f.Order.Name, false)
	if err != nil {
		return // that it is out of reach was told
	}
	skew := time.Since(st.Now)
	f.tellOverride(&st)
	if o := f.inForce(&st); o != nil {
		f.tell("override_stays", fmt.Sprintf("the override is still in force: it ends when its upstream has agreed for %.0f s (%.0f s so far), at the latest at %s",
			time.Duration(o.Need).Seconds(), time.Duration(o.Agreed).Seconds(), o.Expires.Add(skew).Local().Format(time.DateTime)))
	}
}

// inForce is our override in a forwarder's list, nil if it is not there.
func (f *Follower) inForce(st *watch.Status) *watch.OverrideStatus {
	i := slices.IndexFunc(st.Overrides, func(o watch.OverrideStatus) bool {
		return o.Type == f.Order.Type && SameData(o.Data, f.Order.Data)
	})
	if i < 0 {
		return nil
	}
	return &st.Overrides[i]
}

// tellOverride tells when the override ended by itself, and why.
func (f *Follower) tellOverride(st *watch.Status) {
	switch {
	case f.inForce(st) != nil:
		f.seen.overridden = true
	case f.firm && f.seen.overridden && !f.seen.ended:
		f.seen.ended = true
		f.tell("override_ended", "override dropped"+why(st, f.Order.Type))
	}
}

// why is the reason that the history has for the latest end of an override.
func why(st *watch.Status, rtype string) string {
	for _, c := range slices.Backward(st.History) {
		if by, ended := strings.CutPrefix(c.By, "ended: "); ended && c.Source == watch.Operator && c.Type == rtype {
			return ": " + by
		}
	}
	if set := Set(st, rtype); set != nil && len(set.Upstream) > 0 {
		return ": upstream gives " + strings.Join(set.Upstream, ", ")
	}
	return ""
}

// Hidden is the data of an override that would hide the order's; "" is none.
func (o Order) Hidden(st *watch.Status) string {
	for _, v := range st.Overrides {
		if v.Type == o.Type && !SameData(v.Data, o.Data) {
			return strings.Join(v.Data, ", ")
		}
	}
	return ""
}

// Set is that of a type, nil if there is none.
func Set(st *watch.Status, rtype string) *watch.SetStatus {
	for i := range st.Sets {
		if st.Sets[i].Type == rtype {
			return &st.Sets[i]
		}
	}
	return nil
}

func (f *Follower) tellUpstream(st *watch.Status) {
	set := Set(st, f.Order.Type)
	if set == nil || set.Verify == nil {
		return
	}
	v := set.Verify
	if !f.seen.upstreamNew && v.New > 0 {
		f.seen.upstreamNew = true
		f.tell("upstream_new", "its upstream gives the new address")
	}
	if !f.seen.upstreamSteady && v.Done {
		f.seen.upstreamSteady = true
		f.tell("upstream_steady", fmt.Sprintf("its upstream gave only the new address for %.0f s; other data came %d times in all, after the new one %d", time.Duration(v.Need).Seconds(), v.Old+v.Third, v.CameBack))
	}
}

// tellHeld tells until when clients may hold other data, when that is known or later
// than was told. skew is how far our clock is ahead.
func (f *Follower) tellHeld(st *watch.Status, skew time.Duration) {
	h, ok := HeldUntil(st, f.Order.Type, f.Order.Data, skew)
	if !ok || h.Until.Sub(f.seen.held) < 100*time.Millisecond && !f.seen.held.IsZero() {
		return
	}
	f.seen.held = h.Until
	f.tell("held", h.String())
}

// Held is who may still hold other data than the new.
type Held struct {
	Until   time.Time // by our clock; nobody does after
	Clients int
	More    bool
	Names   []string
	passed  bool
}

// HeldUntil sums up the ledger for all data but this. false is that it says nothing,
// or that such data are still handed out: nobody knows the end then.
func HeldUntil(st *watch.Status, rtype string, data []string, skew time.Duration) (h Held, ok bool) {
	for _, l := range st.Ledger {
		if l.Type != rtype || SameData(l.Data, data) || l.Until.IsZero() {
			continue
		}
		if l.Given {
			return Held{}, false
		}
		ok = true
		if until := l.Until.Add(skew); until.After(h.Until) {
			h.Until = until
		}
		h.Clients, h.More = h.Clients+l.Clients, h.More || l.More
		for _, n := range l.Names {
			h.Names = append(h.Names, n.Client.String())
		}
	}
	h.passed = time.Now().After(h.Until)
	return h, ok
}

// String is a sentence.
func (h Held) String() string {
	at := h.Until.Add(999 * time.Millisecond).Truncate(time.Second).Format("15:04:05") // no earlier than it is
	if h.passed {
		return "no client of it holds the old address since " + at
	}
	s := "no client of it may hold the old address after " + at
	if h.Clients > 0 || h.More {
		s += "; until then " + h.who()
	}
	if len(h.Names) > 0 {
		s += ": " + strings.Join(h.Names, ", ")
	}
	return s
}

// who is how many clients may hold old data.
func (h Held) who() string {
	switch {
	case h.Clients == 0:
		return "some may"
	case h.More:
		return fmt.Sprintf("%d or more may", h.Clients)
	}
	return fmt.Sprintf("%d may", h.Clients)
}

// SameData compares as sets.
func SameData(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
