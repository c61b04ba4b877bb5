package metrics

import (
	"cmp"
	"runtime"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/version"
)

// otherZone is the zone of what no forward zone holds. No real one is called
// so: their names end in a dot.
const otherZone = "other"

// zoneCounts are the replies about a zone.
type zoneCounts struct {
	sources map[string]*[forwarder.NumSources]uint64 // by transport
	rcodes  [forwarder.NumRcodeClasses]uint64
}

// byZone adds up what has the same labels: a zone that a reload brought between
// two looks at the server has no name yet. Zone "other" is there from the start.
func byZone(st *forwarder.Stats) map[string]*zoneCounts {
	zones := make(map[string]*zoneCounts)
	newZoneCounts(zones, otherZone)
	for _, q := range st.Queries {
		name := otherZone
		if q.Zone != "" {
			name = text(q.Zone)
		}
		z := zones[name]
		if z == nil {
			z = newZoneCounts(zones, name)
		}
		if z.sources[q.Transport] == nil {
			z.sources[q.Transport] = new([forwarder.NumSources]uint64)
		}
		z.sources[q.Transport][q.Source] += q.Count
		z.rcodes[q.Rcode] += q.Count
	}
	return zones
}

func newZoneCounts(zones map[string]*zoneCounts, name string) *zoneCounts {
	z := &zoneCounts{sources: make(map[string]*[forwarder.NumSources]uint64)}
	for _, transport := range []string{"udp", "tcp"} {
		z.sources[transport] = new([forwarder.NumSources]uint64)
	}
	zones[name] = z
	return z
}

// collectQueries sends all sources of a zone that has been seen, since Prometheus
// cannot see a series grow that begins with its first stale answer.
func collectQueries(st *forwarder.Stats, e emitter) {
	for zone, counts := range byZone(st) {
		for transport, sources := range counts.sources {
			for s, n := range sources {
				e.value(float64(n), transport, zone, forwarder.Source(s).String())
			}
		}
	}
}

// collectZoneRcodes sends all classes, for the same reason.
func collectZoneRcodes(st *forwarder.Stats, e emitter) {
	for zone, counts := range byZone(st) {
		for class, n := range counts.rcodes {
			e.value(float64(n), zone, forwarder.RcodeClass(class).String())
		}
	}
}

// usualRcodes are sent from the start, as a forwarder's own replies have them.
var usualRcodes = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

func collectRcodes(st *forwarder.Stats, e emitter) {
	counts := make(map[string]uint64)
	for _, rcode := range usualRcodes {
		counts[rcode] = 0
	}
	for rcode, n := range st.Rcodes {
		counts[rcode] = n
	}
	for rcode, n := range counts {
		e.value(float64(n), rcode)
	}
}

// collectLatency sends all sources from the start.
func collectLatency(st *forwarder.Stats, e emitter) {
	for i := range st.Latency {
		h := &st.Latency[i]
		buckets, count := h.Within()
		e.histogram(count, h.Sum.Seconds(), buckets, forwarder.Source(i).String())
	}
}

func collectRTT(st *forwarder.Stats, e emitter) {
	for i := range st.Upstream.Servers {
		s := &st.Upstream.Servers[i]
		buckets, count := s.RTT.Within()
		e.histogram(count, s.RTT.Sum.Seconds(), buckets, s.Addr.String())
	}
}

func collectLimited(st *forwarder.Stats, e emitter) {
	e.value(float64(st.Limited), "drop")
	e.value(float64(st.Slipped), "slip")
}

func collectExceeded(st *forwarder.Stats, e emitter) {
	for _, x := range st.Throttle.Exceeded {
		e.value(float64(x.Packets), x.Interface, x.Allowance)
	}
}

func collectLostLines(st *forwarder.Stats, e emitter) {
	for _, l := range st.LostLines {
		e.value(float64(l.Lines), text(l.Channel))
	}
}

func collectReloads(st *forwarder.Stats, e emitter) {
	e.value(float64(st.Reload.Succeeded), "success")
	e.value(float64(st.Reload.Failed), "failure")
}

func lastReloadOK(st *forwarder.Stats) float64 {
	return truth(st.Reload.OK)
}

// configLoaded returns when the configuration in force was loaded, in seconds
// of Unix time: with the server, until the first reload succeeds.
func configLoaded(st *forwarder.Stats) float64 {
	if st.Reload.At.IsZero() {
		return started(st)
	}
	return unix(st.Reload.At)
}

func started(st *forwarder.Stats) float64 { return unix(st.Started) }

// unix is a time as Prometheus has it.
func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

func collectBuild(_ *forwarder.Stats, e emitter) {
	revision := cmp.Or(version.Revision(), "unknown")
	e.value(1, version.Number, revision, runtime.Version())
}

// ofMembers sends nothing where no members are asked.
func ofMembers(read func(*forwarder.MemberStats) float64) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		if st.Members.Asked {
			e.value(read(&st.Members))
		}
	}
}

func collectMemberChanges(st *forwarder.Stats, e emitter) {
	if m := &st.Members; m.Asked {
		e.value(float64(m.Overrides), "override")
		e.value(float64(m.Watches), "watch")
		e.value(float64(m.Guards), "guard")
		e.value(float64(m.Ended), "end")
	}
}

// perPeer collects a family with a series for each peer.
func perPeer(read func(*forwarder.PeerStats) float64) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Peers {
			e.value(read(&st.Peers[i]), st.Peers[i].Server.String())
		}
	}
}

func unixOrZero(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return unix(t)
}
