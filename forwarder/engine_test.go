package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func TestElapsed(t *testing.T) {
	tests := []struct {
		age  time.Duration
		want uint32
	}{
		{0, 0},
		{100 * time.Millisecond, 0},
		{100*time.Millisecond + 1, 1},
		{time.Second, 1},
		{1100 * time.Millisecond, 1},
		{1101 * time.Millisecond, 2},
		{-time.Second, 0}, // stored a moment after the batch's clock was read
		{100 * 365 * 24 * time.Hour, 3153600000},
	}
	for _, test := range tests {
		if got := elapsed(test.age); got != test.want {
			t.Errorf("elapsed(%v) = %d, want %d", test.age, got, test.want)
		}
	}
}

// What expired while the machine was suspended is not served a second later,
// and cookies age too.
func TestSuspended(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		ask := func() {
			r.net.ask(testClient, testServer, false, queryFor(1, "hold.example.", dns.TypeA))
			synctest.Wait()
		}
		ask()
		r.net.answer(t, 60, "10.0.0.1")
		synctest.Wait()
		before := r.s.clock.now()
		r.net.suspend(50 * time.Second)
		time.Sleep(sweepEvery)
		synctest.Wait()
		r.net.got()
		ask()
		got := r.net.got()
		if len(got) != 1 {
			t.Fatalf("%d replies after 50 s of suspension, want 1", len(got))
		}
		m := new(dns.Msg)
		if err := m.Unpack(got[0].msg); err != nil || len(m.Answer) != 1 || m.Answer[0].Header().Ttl > 9 {
			t.Errorf("reply after 50 s of suspension = %v, %v, want a TTL of 9 s at most", m, err)
		}
		r.net.suspend(20 * time.Second)
		time.Sleep(sweepEvery)
		synctest.Wait()
		ask()
		if r.net.take(netip.Addr{}) == nil {
			t.Error("the expired answer was served after a suspension")
		}
		if passed := r.s.clock.now() - before; passed != 70*time.Second+2*sweepEvery {
			t.Errorf("the clock went on by %v, want 72 s", passed)
		}
	})
}

// Two readings of clocks that are not quite simultaneous are no suspension.
func TestNotSuspended(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		r.net.suspend(asleepTolerance)
		r.s.noteSleep()
		if got := r.s.clock.slept.Load(); got != 0 {
			t.Errorf("slept = %d after %v, want 0", got, asleepTolerance)
		}
	})
}
