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

// staleTimeout is a configuration with this stale-answer-client-timeout; 0 gives no stale
// answers, and who turns them on gets them after half a second.
func staleTimeout(after time.Duration) *config.Config {
	cfg := staleConfig()
	cfg.Cache.StaleAnswer, cfg.Cache.StaleClientTimeout, cfg.Cache.MaxStaleTTL = after > 0, after, time.Hour
	if after == 0 {
		cfg.Cache.StaleClientTimeout = 500 * time.Millisecond
	}
	return cfg
}

// What is said of stale answers, by rndc serve-stale or a reload, holds at once, for who
// waits already, who joins him and who comes when the timeout is over.
func TestStaleChangedWhileAsked(t *testing.T) {
	const off, usual, never = 0, 1800 * time.Millisecond, 4500 * time.Millisecond
	say := func(to ServeStale) func(*Server) error {
		return func(s *Server) error { s.SetServeStale(to); return nil }
	}
	reload := func(after time.Duration) func(*Server) error {
		return func(s *Server) error { return s.Reload(staleTimeout(after)) }
	}
	tests := []struct {
		name    string
		before  time.Duration
		change  func(*Server) error // 1 s after the question
		then    func(*Server) error // another second later
		answers time.Duration       // after the question; never: SERVFAIL
	}{
		{name: "unchanged", before: usual, answers: usual},
		{name: "serve-stale on", before: off, change: say(StaleOn), answers: time.Second},
		{name: "serve-stale off", before: usual, change: say(StaleOff), answers: never},
		{name: "serve-stale off and on", before: usual, change: say(StaleOff), then: say(StaleOn), answers: 2 * time.Second},
		{name: "serve-stale off and reset", before: usual, change: say(StaleOff), then: say(StaleAsConfigured), answers: 2 * time.Second},
		{name: "on by reload", before: off, change: reload(usual), answers: usual},
		{name: "off by reload", before: usual, change: reload(off), answers: never},
		{name: "longer", before: usual, change: reload(4 * time.Second), answers: 4 * time.Second},
		{name: "shorter", before: 4 * time.Second, change: reload(100 * time.Millisecond), answers: time.Second},
		{name: "longer and shorter", before: usual, change: reload(4 * time.Second), then: reload(usual), answers: 2 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			virtual(t, staleTimeout(test.before), func(t *testing.T, r *replay) {
				r.keepStale(t, "hold.example.")
				waited := map[time.Duration]<-chan resolved{0: r.resolve(t, "hold.example.")}
				began := time.Now()
				at := func(d time.Duration, what func(*Server) error) {
					time.Sleep(time.Until(began.Add(d)))
					waited[d] = r.resolve(t, "hold.example.")
					if what == nil {
						return
					}
					if err := what(r.s); err != nil {
						t.Fatal(err)
					}
				}
				at(999*time.Millisecond, nil)
				at(time.Second, test.change)
				at(1001*time.Millisecond, nil)
				at(2*time.Second, test.then)
				at(4400*time.Millisecond, nil)
				for asked, answer := range waited {
					want, rcode := max(test.answers, asked), dns.RcodeSuccess
					if test.answers == never {
						rcode = dns.RcodeServerFailure
					}
					if got := <-answer; asked+got.took != want || got.m.Rcode != rcode {
						t.Errorf("who asks after %v gets %s after %v, want %s after %v",
							asked, dns.RcodeToString[got.m.Rcode], asked+got.took, dns.RcodeToString[rcode], want)
					}
				}
			})
		})
	}
}

// keepStale has the answer to a name cached until it is a stale one.
func (r *replay) keepStale(t *testing.T, name string) {
	r.resolve(t, name)
	r.net.answer(t, 1, "10.0.0.1")
	synctest.Wait()
	time.Sleep(1500 * time.Millisecond)
}

// What is kept no longer (stale-cache-enable) is not given, whoever says that stale
// answers are.
func TestStaleCacheSwitchedOff(t *testing.T) {
	virtual(t, staleTimeout(100*time.Millisecond), func(t *testing.T, r *replay) {
		r.keepStale(t, "hold.example.")
		r.s.SetServeStale(StaleOn)
		cfg := staleTimeout(100 * time.Millisecond)
		cfg.Cache.StaleEnable = false
		if err := r.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if got := <-r.resolve(t, "hold.example."); got.m.Rcode != dns.RcodeServerFailure {
			t.Errorf("got\n%v\nwant SERVFAIL", got.m)
		}
	})
}
