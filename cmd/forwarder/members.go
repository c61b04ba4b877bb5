package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/watch"
)

const (
	// membersWait is how long a newcomer waits for members before it is ready.
	membersWait = 5 * time.Second

	// membersHold is how long the first query waits for them: clients try again after two
	// seconds or more.
	membersHold = 2 * time.Second

	// membersFor is how long it asks them: until all who command the fleet have found it
	// in its name, whatever the TTL. After that members share nothing.
	membersFor   = 5 * time.Minute
	membersEvery = 2 * time.Second

	// membersRetry is the pause where none has answered yet, before it is ready.
	membersRetry = 250 * time.Millisecond
)

// members asks the other forwarders of a fleet for overrides, watches and guards: what
// came before this process, and what its commander did not know it for.
type members struct {
	d     *daemon
	begun time.Time
	ready chan struct{} // closed when queries may come from the balancer

	merging sync.Mutex // held for one page at a time: it takes memory

	mu    sync.Mutex // of all below
	known []netip.AddrPort
	seen  map[netip.AddrPort]*member
	fault string         // of looking them up, as logged
	from  netip.AddrPort // the last that answered
	over  bool           // they are asked no more
	stats forwarder.MemberStats
}

// member is one of them.
type member struct {
	tag      string // of what was taken
	answered bool   // the last time
	fault    string // as logged
	leftOut  []string
}

// askMembers asks until stop is called, or the time for that is over. Nobody waits for
// what the process before this one knew.
func (d *daemon) askMembers() (stop func()) {
	m := d.members
	if len(d.flags.members) == 0 {
		close(m.ready)
		return func() {}
	}
	if d.isSuccessor() {
		close(m.ready)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.run(ctx) })
	return func() { cancel(); running.Wait() }
}

// awaitMembers holds the first query until members that are known by address have told
// what is overridden: no balancer keeps clients away from a forwarder of a pair until it
// is ready. Names may lead through this server, which has to answer for that.
func (d *daemon) awaitMembers() {
	if !slices.ContainsFunc(d.flags.members, isMemberAddress) {
		return
	}
	select {
	case <-d.members.ready:
	case <-time.After(membersHold):
	}
}

// isSuccessor reports whether the process was left sockets by one that was ready: others
// store none, and give them another name.
func (d *daemon) isSuccessor() bool { return len(d.inherited.sockets) > 0 && !d.inherited.early }

func newMembers(d *daemon) *members {
	return &members{d: d, begun: time.Now(), ready: make(chan struct{}), seen: make(map[netip.AddrPort]*member)}
}

func (m *members) run(ctx context.Context) {
	if m.isReady() {
		m.round(ctx)
	} else {
		m.becomeReady(ctx)
	}
	tick := time.NewTicker(membersEvery)
	defer tick.Stop()
	for time.Since(m.begun) < membersFor {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.round(ctx)
		}
	}
	m.finish()
}

// pending is closed when members have told, nil if they have.
func (m *members) pending() <-chan struct{} {
	if m.isReady() {
		return nil
	}
	return m.ready
}

func (m *members) isReady() bool {
	select {
	case <-m.ready:
		return true
	default:
		return false
	}
}

// becomeReady asks once, and again where there are members and none has answered.
func (m *members) becomeReady(ctx context.Context) {
	defer close(m.ready)
	first, cancel := context.WithTimeout(ctx, membersWait)
	defer cancel()
	for m.round(first) == 0 && m.expects() {
		select {
		case <-first.Done():
			if ctx.Err() == nil {
				m.d.log(logging.Warning, "no member answers yet: ready without overrides, watches and guards of others, which are asked for until %s", m.begun.Add(membersFor).Format(time.TimeOnly))
			}
			return
		case <-time.After(membersRetry):
		}
	}
}

// expects reports whether there is somebody to wait for.
func (m *members) expects() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.known) > 0 || m.fault != ""
}

// round asks all members at once, and returns how many answered.
func (m *members) round(ctx context.Context) (answered int) {
	list := m.lookup(ctx)
	var all sync.WaitGroup
	for _, addr := range list {
		all.Go(func() { m.ask(ctx, addr) })
	}
	all.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, addr := range m.known {
		if s := m.seen[addr]; s != nil && s.answered {
			answered++
		}
	}
	m.stats.Answered = answered
	return answered
}

// member is what is known of one. m.mu is held.
func (m *members) member(addr netip.AddrPort) *member {
	s := m.seen[addr]
	if s == nil {
		if len(m.seen) >= 4*maxMembers { // replaced ones, in five minutes
			clear(m.seen)
		}
		s = &member{}
		m.seen[addr] = s
	}
	return s
}

// ask takes over what a member exports.
func (m *members) ask(ctx context.Context, addr netip.AddrPort) {
	m.mu.Lock()
	unless := m.member(addr).tag
	m.mu.Unlock()
	got, tag, err := m.fetch(ctx, addr, unless)
	if ctx.Err() != nil && err != nil {
		return // it was we who ended it
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.isOwn(addr, err) {
		m.known = slices.DeleteFunc(m.known, func(a netip.AddrPort) bool { return a == addr })
		return
	}
	s := m.member(addr)
	s.answered = err == nil
	m.stats.Fetches++
	m.took(addr, s, &got) // also of the pages before one with a fault
	if err != nil {
		m.stats.Failures++
		m.tellFault(&s.fault, logging.Warning, fmt.Sprintf("member %s: %s", host.Address(addr), memberFault(err)))
		return
	}
	if s.fault != "" {
		m.d.log(logging.Info, "member %s answers", host.Address(addr))
	}
	s.tag, s.fault = tag, ""
	m.stats.Last, m.from = time.Now(), addr
}

// memberFault is what is logged of asking a member, in a line: it may quote the member.
func memberFault(err error) string { return fmt.Sprintf("%.500s", printable(oneLine(err))) }

// tellFault logs what was not logged before.
func (m *members) tellFault(last *string, level slog.Level, fault string) {
	if *last != fault {
		*last = fault
		m.d.log(level, "%s", fault)
	}
}

// took counts what was taken, and logs it.
func (m *members) took(addr netip.AddrPort, s *member, got *watch.Merged) {
	m.stats.Overrides += uint64(got.Overrides)
	m.stats.Watches += uint64(got.Watches)
	m.stats.Guards += uint64(got.Guards)
	m.stats.Ended += uint64(got.Ended)
	if got.Any() {
		m.d.log(logging.Notice, "member %s: took over %s", host.Address(addr), mergedText(got))
	}
	for _, why := range got.LeftOut {
		if !slices.Contains(s.leftOut, why) && len(s.leftOut) < 100 {
			s.leftOut = append(s.leftOut, why)
			m.d.log(logging.Warning, "member %s: not taken over: %s", host.Address(addr), printable(why))
		}
	}
}

func mergedText(g *watch.Merged) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{g.Overrides, "override"}, {g.Watches, "watched name"}, {g.Guards, "guard"}, {g.Names, "answer"}, {g.Ended, "end"}} {
		if p.n > 0 {
			parts = append(parts, counted(p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// finish says that members are asked no more.
func (m *members) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	if m.stats.Last.IsZero() && len(m.known) > 0 {
		m.d.log(logging.Warning, "no member answered in %v: overrides that were set before are not known here; 'failover override list' at the members shows them", membersFor)
	}
}

// notReady says why queries had better go elsewhere, "" if that is not so.
func (m *members) notReady() string {
	if m.isReady() {
		return ""
	}
	return "fetching overrides from members"
}

// counts are what came of it.
func (m *members) counts() forwarder.MemberStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.countsLocked()
}

func (m *members) countsLocked() forwarder.MemberStats {
	st := m.stats
	st.Asked, st.Known = true, len(m.known)
	return st
}
