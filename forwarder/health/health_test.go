package health

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
)

var (
	server = netip.MustParseAddrPort("10.79.0.2:53")
	other  = netip.MustParseAddrPort("10.79.0.3:53")
)

// bench is a Monitor with its world: zone 1 is corp.example., and 0 what is of none.
type bench struct {
	*Monitor
	t     *testing.T
	now   time.Duration
	lines []string
	zones []Zone
	all   [2]uint64
	bad   [2]uint64
	up    upstream.ServerStats
	limit uint64 // overflow so far
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, zones: []Zone{{"corp.example.", []netip.AddrPort{server}}}, up: upstream.ServerStats{Addr: server}}
	log := slog.New(recorder{&b.lines})
	b.Monitor = New(Config{
		Now:    func() time.Duration { return b.now },
		Log:    func(trouble.Kind) *slog.Logger { return log },
		Leaves: func(_, _ netip.Addr) string { return "eth0" },
		Owner:  func(netip.Addr) string { return "eth0" },
	}, NewDamage(3))
	return b
}

// recorder is a log that keeps its lines.
type recorder struct{ lines *[]string }

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r recorder) WithGroup(string) slog.Handler            { return r }
func (r recorder) Handle(_ context.Context, l slog.Record) error {
	*r.lines = append(*r.lines, l.Message)
	return nil
}

// seconds lets n seconds go by in each of which clients of the zone get so many replies,
// of which some failed.
func (b *bench) seconds(n int, all, failed uint64) {
	for range n {
		b.now += time.Second
		b.all[1] += all
		b.bad[1] += failed
		b.up.Answered += all
		for range all {
			b.damage.Answered(1)
		}
		for range failed {
			b.damage.Failed(1, errors.New("SERVFAIL"))
			b.damage.Told(1, 7)
		}
		all, bad := b.all, b.bad
		b.Observe(&Second{
			Zones: b.zones, Counted: []string{"", "corp.example."}, All: all[:], Failed: bad[:],
			Upstream: &upstream.Stats{Servers: []upstream.ServerStats{b.up}},
			Clients:  900, Queue: 1000, Overflow: b.limit,
		})
	}
}

// wants holds the lines since the last look to beginnings.
func (b *bench) wants(when string, want ...string) {
	b.t.Helper()
	ok := len(b.lines) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.HasPrefix(b.lines[i], want[i])
	}
	if !ok {
		b.t.Errorf("%s: the log has\n\t%s\nwant\n\t%s", when, strings.Join(b.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
	b.lines = nil
}

// A zone whose queries fail is told of once, is listed with what that cost, and once more
// when it is over.
func TestZoneFails(t *testing.T) {
	b := newBench(t)
	b.seconds(60, 20, 0)
	b.wants("before")
	b.seconds(60, 20, 20)
	b.wants("during", "upstream 10.79.0.2#53 fails for corp.example: SERVFAIL")
	if list := b.Troubles(); len(list) != 1 || !list[0].Now || list[0].Subject != "corp.example" || list[0].Failed < 1000 || list[0].Clients != 1 {
		t.Errorf("Troubles() = %+v, want one of corp.example with some 1200 failures for one client", list)
	}
	if list := b.Failures(); len(list) != 1 || list[0].Failed != 1200 || list[0].Queries != 1200 || list[0].Zone != "corp.example." {
		t.Errorf("Failures() = %+v, want 1200 of 1200 for corp.example.", list)
	}
	b.seconds(120, 20, 0)
	b.wants("after", "upstream 10.79.0.2#53 answers for corp.example again (after ")
	if open, failed := b.Troubles(), b.Failures(); len(open)+len(failed) > 0 {
		t.Errorf("Troubles(), Failures() = %v, %v in the end, want none", open, failed)
	}
}

// The number of a zone that is gone may be another's: its counts begin anew, and are none
// that have grown without end.
func TestCountsBeginAnew(t *testing.T) {
	b := newBench(t)
	b.seconds(5, 100, 100)
	b.all[1], b.bad[1] = 0, 0
	b.seconds(1, 3, 0)
	if list := b.Failures(); len(list) != 1 || list[0].Queries != 503 || list[0].Failed != 500 {
		t.Errorf("Failures() = %+v, want 500 of 503", list)
	}
}

// What is turned away is told of while it lasts: a full queue, recursive-clients,
// fetches-per-zone, a loop.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name       string
		each       func(b *bench)
		begin, end string
	}{
		{"queue", func(b *bench) { b.limit++ }, "the queue of questions to upstream is full: more than 1000 wait", "the queue of questions to upstream has room again"},
		{"clients", func(b *bench) { b.damage.Failed(1, upstream.ErrBusy) }, "recursive-clients (900) is reached", "recursive-clients is no longer reached"},
		{"fetches", func(b *bench) { b.damage.Full(1) }, "fetches-per-zone or fetches-per-server is reached: so many questions for corp.example",
			"fetches-per-zone and fetches-per-server are no longer reached for corp.example"},
		{"loop", func(b *bench) { b.damage.Loop(1, server.Addr()) }, "forwarding loop: 10.79.0.2, which is asked for corp.example, asks this server the same",
			"forwarding loop for corp.example is no longer seen"},
		{"loop elsewhere", func(b *bench) { b.damage.Loop(1, netip.Addr{}) }, "forwarding loop: what this server asks for corp.example comes back to it from another address",
			"forwarding loop for corp.example is no longer seen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.seconds(5, 10, 0)
			for range 20 {
				tt.each(b)
				b.seconds(1, 10, 0)
			}
			b.wants("during", tt.begin)
			b.seconds(100, 10, 0)
			b.wants("after", tt.end)
		})
	}
}

// Of a zone that a reload has brought since the counts were taken, the next second tells.
func TestZoneOfReload(t *testing.T) {
	b := newBench(t)
	b.damage.Full(2)
	b.damage.Loop(2, server.Addr())
	b.seconds(1, 10, 0)
	b.wants("one second")
}

// A server's outage ends by an event, or as it answers; what is no longer asked is dropped.
func TestServerEvents(t *testing.T) {
	b := newBench(t)
	event := func(kind upstream.EventKind, a netip.AddrPort) {
		b.Upstream(&upstream.Event{Kind: kind, Server: a, Duration: time.Second}, b.zones)
	}
	b.seconds(5, 0, 0)
	event(upstream.OutageBegan, server)
	event(upstream.OutageBegan, other)
	b.wants("silent", "upstream 10.79.0.2#53 does not answer (for 1s now); zones: corp.example", "upstream 10.79.0.3#53 does not answer")
	b.seconds(20, 1, 0)
	b.wants("answers", "upstream 10.79.0.2#53 answers again (after ")
	b.Forget(b.zones, nil)
	b.wants("reloaded", "upstream 10.79.0.3#53 does not answer: it is no longer asked")
	event(upstream.OutageBegan, server)
	b.Close()
	b.wants("in the end", "upstream 10.79.0.2#53 does not answer", "at the end still: upstream 10.79.0.2#53 does not answer")
}

// An address that is named is waited for without end, another one that was served for a
// while, and one that was never served, or is no longer wanted, not.
func TestAddresses(t *testing.T) {
	b := newBench(t)
	named, container, busy := netip.MustParseAddrPort("10.79.1.10:53"), netip.MustParseAddrPort("172.17.0.1:53"), netip.MustParseAddrPort("10.79.1.11:53")
	wanted := func(netip.AddrPort) bool { return true }
	b.Addresses(&Addresses{Named: []netip.AddrPort{named}, Open: []netip.AddrPort{container},
		Failed: map[netip.AddrPort]error{busy: errors.New("in use")}, Wanted: wanted})
	b.wants("at the start", "10.79.1.10#53 is not served: no interface has this address") // the log has said the other
	b.now += time.Minute
	b.Addresses(&Addresses{Named: []netip.AddrPort{named}, Open: []netip.AddrPort{named, busy}, Wanted: wanted})
	b.wants("later", "10.79.1.10#53 is served (after 1m0s)", "10.79.1.11#53 is served (after 1m0s)", "172.17.0.1#53 is lost: no interface has this address any more")
	b.now += 5 * time.Minute
	b.Addresses(&Addresses{Named: []netip.AddrPort{named}, Wanted: wanted})
	slices.Sort(b.lines) // addresses are looked at in no order
	b.wants("all lost", "10.79.1.10#53 is lost", "10.79.1.11#53 is lost")
	b.now += lostFor
	b.seconds(1, 0, 0)
	slices.Sort(b.lines)
	b.wants("forgotten", "10.79.1.11#53 is lost: no interface has this address any more: it is no longer waited for",
		"172.17.0.1#53 is lost: no interface has this address any more: it is no longer waited for")
	b.Addresses(&Addresses{Wanted: func(netip.AddrPort) bool { return false }})
	b.wants("reloaded", "10.79.1.10#53 is lost: no interface has this address any more: it is no longer to be served")
}
