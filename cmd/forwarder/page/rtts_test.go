package page

import (
	"net/netip"
	"testing"
	"time"

	"vpcdns/forwarder/upstream"
)

// A reload that changes servers begins their counters anew: what came since is told from
// the first second on, and nothing of before.
func TestLatencyAfterReload(t *testing.T) {
	addr, now := netip.MustParseAddrPort("10.79.0.2:53"), time.Now()
	r := make(rtts)
	note := func(counts map[int]uint64) {
		now = now.Add(time.Second)
		s := upstream.ServerStats{Addr: addr}
		for bucket, n := range counts {
			s.RTT.Buckets[bucket] = n
			s.RTT.Sum += time.Duration(n) * upstream.RTTBounds[bucket]
		}
		r.note(now, []upstream.ServerStats{s})
	}
	note(map[int]uint64{0: 100, 3: 100, 7: 2})
	note(map[int]uint64{0: 200, 3: 100, 7: 2})
	if q := r.all(); q.Samples != 100 || q.P99 > 0.0005 {
		t.Errorf("before the reload it is %+v, want 100 within 0.5 ms", q)
	}
	note(map[int]uint64{3: 10})
	if q := r.all(); q.Samples != 10 || q.P50 <= 0.002 || q.P50 > 0.005 {
		t.Errorf("after the reload it is %+v, want 10 of 2 to 5 ms", q)
	}
	note(map[int]uint64{3: 10, 7: 30})
	if q := r.all(); q.Samples != 40 || q.P50 <= 0.05 {
		t.Errorf("and a second later %+v, want 40, most of more than 50 ms", q)
	}
	note(map[int]uint64{3: 10, 4: 5})
	if q := r.all(); q.Samples != 15 || q.P99 > 0.01 {
		t.Errorf("after another reload it is %+v, want 15 within 10 ms", q)
	}
}
