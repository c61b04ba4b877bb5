package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/statistics"
	"vpcdns/forwarder"
)

func dumpStats(ctx context.Context, d *daemon, _ []string) (string, error) {
	return d.writing("dumpstats", d.server.Config().Files.Statistics, true, func(w io.Writer) error {
		return d.writeStats(ctx, w)
	})
}

// counts writes lines of BIND's named.stats. What is 0 has none, as there.
type counts struct {
	io.Writer
	st forwarder.Stats
}

func (w counts) section(name string) { fmt.Fprintf(w, "++ %s ++\n", name) }

func (w counts) line(n uint64, what string) {
	if n > 0 {
		fmt.Fprintf(w, "%20d %s\n", n, what)
	}
}

// writeStats has the sections of BIND that there are counters for, in its order and
// words.
func (d *daemon) writeStats(ctx context.Context, out io.Writer) error {
	w, now := counts{out, d.stats()}, time.Now().Unix()
	view := d.server.Config().View
	if view == "_default" {
		view = "default" // as BIND has it in this file alone
	}
	fmt.Fprintf(w, "+++ Statistics Dump +++ (%d)\n", now)
	w.requests()
	w.nameServer(uint64(d.server.Waiting()), uint64(d.server.TCPPeak()))
	w.resolver(view)
	w.cache(view)
	if err := w.sets(ctx, view, d.server); err != nil {
		return err
	}
	w.zones(view)
	fmt.Fprintf(w, "--- Statistics Dump --- (%d)\n", now)
	return nil
}

// replies counts those that pick is true for.
func (w counts) replies(pick func(c *forwarder.QueryCount) bool) (n uint64) {
	for i := range w.st.Queries {
		if c := &w.st.Queries[i]; pick(c) {
			n += c.Count
		}
	}
	return n
}

func overUDP(c *forwarder.QueryCount) bool { return c.Transport == "udp" }
func overTCP(c *forwarder.QueryCount) bool { return c.Transport == "tcp" }

func (w counts) bySource(sources ...forwarder.Source) uint64 {
	return w.replies(func(c *forwarder.QueryCount) bool { return slices.Contains(sources, c.Source) })
}

func (w counts) requests() {
	w.section("Incoming Requests")
	w.line(w.replies(func(c *forwarder.QueryCount) bool { return c.Transport != "exchange" }), "QUERY")
	w.section("Outgoing Rcodes")
	for _, rcode := range slices.Sorted(maps.Keys(w.st.Rcodes)) {
		w.line(w.st.Rcodes[rcode], rcode)
	}
}

func (w counts) nameServer(recursing, peak uint64) {
	st := &w.st
	w.section("Name Server Statistics")
	w.line(peak, "TCP connection high-water")
	w.line(st.Refused, "recursive queries rejected")
	w.line(w.replies(func(*forwarder.QueryCount) bool { return true }), "responses sent")
	w.line(st.Rcodes["SERVFAIL"], "queries resulted in SERVFAIL")
	w.line(st.Rcodes["NXDOMAIN"], "queries resulted in NXDOMAIN")
	w.line(w.bySource(forwarder.SourceMiss, forwarder.SourceJoined), "queries caused recursion")
	w.line(w.bySource(forwarder.SourceJoined), "duplicate queries joined")
	w.line(w.bySource(forwarder.SourceStale), "queries answered with stale data")
	w.line(st.Dropped, "queries dropped")
	w.line(st.Overflow, "queries dropped due to recursive client limit")
	w.line(recursing, "recursing clients")
	w.line(st.Limited, "responses dropped for rate limits")
	w.line(st.Slipped, "responses truncated for rate limits")
	w.line(w.replies(overUDP), "UDP queries received")
	w.line(w.replies(overTCP), "TCP queries received")
}

func (w counts) resolver(view string) {
	st := &w.st.Upstream
	w.section("Resolver Statistics")
	fmt.Fprintf(w, "[Common]\n")
	w.line(uint64(st.Sockets), "UDP queries in progress")
	w.line(uint64(st.Streams), "TCP queries in progress")
	fmt.Fprintf(w, "[View: %s]\n", view)
	var sent, answered [2]uint64 // by IPv4 and IPv6
	var failed, unsound, truncated, retried, timedOut uint64
	for _, s := range st.Servers {
		family := 0
		if s.Addr.Addr().Is6() {
			family = 1
		}
		sent[family] += s.Sent
		answered[family] += s.Answered
		failed += s.Failed
		unsound += s.Unsound
		truncated += s.Truncated
		retried += s.Retried
		timedOut += s.TimedOut
	}
	for i, family := range [...]string{"IPv4", "IPv6"} {
		w.line(sent[i], family+" queries sent")
		w.line(answered[i], family+" responses received")
	}
	w.line(failed, "other errors received")
	w.line(unsound, "FORMERR received")
	w.line(truncated, "truncated responses received")
	w.line(retried, "query retries")
	w.line(timedOut, "query timeouts")
	w.roundTrips()
	w.line(uint64(w.st.Pending), "active fetches")
}

// roundTrips has BIND's bounds as far as ours are among them: in seconds.
func (w counts) roundTrips() {
	bounds := []float64{.01, .1, .5}
	within, all := make([]uint64, len(bounds)), uint64(0)
	for i := range w.st.Upstream.Servers {
		counted, n := w.st.Upstream.Servers[i].RTT.Within()
		all += n
		for b, bound := range bounds {
			within[b] += counted[bound]
		}
	}
	w.line(within[0], "queries with RTT < 10ms")
	w.line(within[1]-within[0], "queries with RTT 10-100ms")
	w.line(within[2]-within[1], "queries with RTT 100-500ms")
	w.line(all-within[2], "queries with RTT > 500ms")
}

func (w counts) cache(view string) {
	st := &w.st.Cache
	w.section("Cache Statistics")
	fmt.Fprintf(w, "[View: %s]\n", view)
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{w.bySource(forwarder.SourceHit), "cache hits (from query)"},
		{w.bySource(forwarder.SourceMiss, forwarder.SourceJoined, forwarder.SourceStale), "cache misses (from query)"},
		{st.Evictions, "cache records deleted due to memory exhaustion"},
		{uint64(st.Entries), "cache database nodes"},
		{uint64(st.Bytes), "cache tree memory in use"},
	} {
		fmt.Fprintf(w, "%20d %s\n", c.n, c.what) // also 0, as in BIND
	}
}

// sets counts what is cached by type: ! is before what there is not of it, and # before
// what is stale.
func (w counts) sets(ctx context.Context, view string, s *forwarder.Server) error {
	n, err := statistics.CountSets(ctx, s, func(t uint16) string { return dns.Type(t).String() })
	if err != nil {
		return err
	}
	w.section("Cache DB RRsets")
	fmt.Fprintf(w, "[View: %s]\n", view)
	for _, name := range slices.Sorted(maps.Keys(n)) {
		w.line(n[name], name)
	}
	return nil
}

func (w counts) zones(view string) {
	w.section("Per Zone Query Statistics")
	byZone := make(map[string]map[forwarder.RcodeClass]uint64)
	for _, c := range w.st.Queries {
		if c.Zone == "" {
			continue
		}
		if byZone[c.Zone] == nil {
			byZone[c.Zone] = make(map[forwarder.RcodeClass]uint64)
		}
		byZone[c.Zone][c.Rcode] += c.Count
	}
	for _, zone := range slices.Sorted(maps.Keys(byZone)) {
		fmt.Fprintf(w, "[%s (view: %s)]\n", trimDot(zone), view)
		for class := range forwarder.NumRcodeClasses {
			w.line(byZone[zone][class], "queries resulted in "+class.String())
		}
	}
}
