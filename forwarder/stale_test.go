package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
)

// resolved is what a resolution in process came to.
type resolved struct {
	m    *dns.Msg
	took time.Duration
}

// resolve asks in process, in the background.
func (r *replay) resolve(t *testing.T, name string) <-chan resolved {
	done := make(chan resolved, 1)
	go func() {
		began := time.Now()
		m, err := r.s.Exchange(t.Context(), new(dns.Msg).SetQuestion(name, dns.TypeA))
		if err != nil {
			t.Errorf("Exchange(%s) = %v", name, err)
		}
		done <- resolved{m, time.Since(began)}
	}()
	synctest.Wait()
	return done
}

// Who asked before a flush gets the answer that came to others since as what it
// is: fresh, with no more than its own TTL.
func TestFreshInPlaceOfStale(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"at the client timeout": time.Second, "after a failure": -1} {
		t.Run(name, func(t *testing.T) {
			cfg := staleConfig()
			cfg.Cache.StaleClientTimeout = timeout
			virtual(t, cfg, func(t *testing.T, r *replay) {
				first := r.resolve(t, "hold.example.")
				old := r.net.take(netip.Addr{})
				r.s.Flush()
				r.resolve(t, "hold.example.")
				r.net.answer(t, 5, "10.0.0.2")
				synctest.Wait()
				time.Sleep(1500 * time.Millisecond)
				old.answer(replyTo(old.msg, func(_, m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }))
				got := (<-first).m
				if len(got.Answer) != 1 || got.Answer[0].Header().Ttl > 5 {
					t.Errorf("got\n%v\nwant the fresh answer with a TTL of 5 at most", got)
				}
				if n := r.s.countsOf("exchange")[SourceStale]; n != 0 {
					t.Errorf("%d answers are counted as stale, want none", n)
				}
			})
		})
	}
}

// A reload that shortens stale-answer-client-timeout holds at once, whoever waits
// already.
func TestShorterClientTimeout(t *testing.T) {
	conf := func(d time.Duration) *config.Config {
		cfg := staleConfig()
		cfg.Cache.StaleClientTimeout, cfg.Cache.MaxStaleTTL = d, time.Hour
		return cfg
	}
	virtual(t, conf(4*time.Second), func(t *testing.T, r *replay) {
		for _, name := range []string{"hold1.example.", "hold2.example."} {
			r.resolve(t, name)
			r.net.answer(t, 1, "10.0.0.1")
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		first := r.resolve(t, "hold1.example.")
		if err := r.s.Reload(conf(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		second := r.resolve(t, "hold2.example.")
		if got := <-second; got.took > 200*time.Millisecond || len(got.m.Answer) != 1 {
			t.Errorf("after the reload: an answer after %v, want the stale one after 100 ms:\n%v", got.took, got.m)
		}
		if got := <-first; got.took != 4*time.Second || len(got.m.Answer) != 1 {
			t.Errorf("before it: an answer after %v, want the stale one after 4 s:\n%v", got.took, got.m)
		}
	})
}
