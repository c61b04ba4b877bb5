package upstream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

// TestLoss: up to 20 % everything is answered, and the wait is what a retry
// costs, a multiple of the round trip time. At 50 % nearly everything is.
func TestLoss(t *testing.T) {
	for _, tc := range []struct {
		rtt    time.Duration
		loss   float64
		rate   int
		p99    time.Duration
		failed int // of 3000
	}{
		{loss: 0.01, rate: 200, p99: 52 * ms},
		{loss: 0.05, rate: 200, p99: 78 * ms},
		{loss: 0.20, rate: 5, p99: 104 * ms},
		{loss: 0.20, rate: 3000, p99: 104 * ms},
		{loss: 0.50, rate: 200, p99: 3 * time.Second, failed: 30},
		{rtt: 30 * ms, loss: 0.20, rate: 200, p99: 230 * ms},
		{rtt: 200 * ms, loss: 0.20, rate: 200, p99: 980 * ms},
	} {
		t.Run(fmt.Sprintf("rtt %v, %v at %d per s", tc.rtt, tc.loss, tc.rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.change(func() { n.hosts[serverA].rtt = func() time.Duration { return tc.rtt } })
				a := newAsker(t, n)
				a.stream("warm", 50, 100)
				n.change(func() { n.hosts[serverA].loss = tc.loss })
				a.stream("n", 3000, tc.rate)
				took, failed := a.finish()
				if p99 := percentile(took, 99); failed > tc.failed || p99 > tc.p99 {
					t.Errorf("%d failed, p99 %v, want %d and %v", failed, p99, tc.failed, tc.p99)
				}
				if sent := n.count(); tc.loss < 0.5 && float64(sent) > 3050*(1+1.6*tc.loss) {
					t.Errorf("%d packets for 3050 requests", sent)
				}
				t.Logf("p50 %v p99 %v, longest %v, packets %d", percentile(took, 50), percentile(took, 99), took[len(took)-1], n.count())
			})
		})
	}
}

// TestRetrySchedule holds when a request is sent again: in the first second five
// times, and then at 200 ms from each other as long as nobody else is answered.
func TestRetrySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].rtt = func() time.Duration { return 0 }
		a := newAsker(t, n)
		a.stream("warm", 100, 100)
		n.change(func() { n.hosts[serverA].dead, n.sent = true, nil })
		start := time.Now()
		a.ask("a")
		var at []time.Duration
		for _, s := range n.sent {
			at = append(at, s.Sub(start).Round(ms))
		}
		first := []time.Duration{0, 50 * ms, 75 * ms, 100 * ms}
		for i, want := range first {
			if d := at[i] - want; d < 0 || d > 3*ms {
				t.Errorf("try %d was sent after %v, want %v", i+1, at[i], want)
			}
		}
		for i := len(first); i < len(at); i++ {
			if d := at[i] - at[i-1]; d > 305*ms || d < 195*ms {
				t.Errorf("try %d was sent %v after the one before, want about %v", i+1, d, probeEvery)
			}
		}
		if last := at[len(at)-1]; last < defaultWait-305*ms {
			t.Errorf("the last try was sent after %v, want one shortly before %v", last, defaultWait)
		}
		a.finish()
	})
}

// TestSlow: a delay costs what it is, also when it varies.
func TestSlow(t *testing.T) {
	for _, tc := range []struct{ delay, jitter time.Duration }{
		{300 * ms, 0}, {1500 * ms, 0}, {2500 * ms, 0}, {4000 * ms, 0},
		{20 * ms, 80 * ms}, {300 * ms, 500 * ms}, {1500 * ms, 1000 * ms},
	} {
		t.Run(fmt.Sprint(tc.delay, "±", tc.jitter), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n)
				a.stream("fast", 20, 100)
				n.change(func() {
					n.hosts[serverA].rtt = func() time.Duration { return tc.delay + time.Duration(n.rand.Int64N(int64(tc.jitter)+1)) }
				})
				before := n.count()
				a.stream("n", 300, 20)
				took, failed := a.finish()
				if last := took[len(took)-1]; failed > 0 || last > tc.delay+tc.jitter {
					t.Errorf("%d failed, longest %v, want 0 and %v", failed, last, tc.delay+tc.jitter)
				}
				if sent := n.count() - before; sent > 3*300 {
					t.Errorf("%d packets for 300 requests", sent)
				}
				t.Logf("packets %d for 300", n.count()-before)
			})
		})
	}
}

func TestReorderedAndDuplicated(t *testing.T) {
	for _, rate := range []int{100, 5000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				h := n.hosts[serverA]
				h.rtt = func() time.Duration { return time.Duration(n.rand.Int64N(int64(200 * time.Millisecond))) }
				h.udp = func(_ *fakeSocket, q []byte) [][]byte {
					m := reply(q, 0)
					return [][]byte{m, m, m}
				}
				a := newAsker(t, n)
				a.stream("n", 3000, rate)
				took, failed := a.finish()
				if failed > 0 || took[len(took)-1] > 210*time.Millisecond {
					t.Errorf("%d failed, longest %v, want 0 and the round trip", failed, took[len(took)-1])
				}
				if s := a.Stats().Servers[0]; s.Attacks != 0 {
					t.Errorf("%d attacks seen in duplicates", s.Attacks)
				}
			})
		})
	}
}
