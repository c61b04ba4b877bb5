package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/cmd/failover/zone"
)

// site is what the loop watches: addresses that serve or not, and a record.
type site struct {
	start time.Time

	mu       sync.Mutex
	events   map[int]func() // by the second
	down     map[netip.Addr]bool
	hang     map[netip.Addr]bool
	slow     time.Duration // every other check fails after it
	value    netip.Addr
	readErr  error
	hangRead bool
	fail     []error // of the next changes
	takes    bool    // a change that fails is made all the same
	checks   map[netip.Addr]int
	reads    int
	log      strings.Builder
}

func newSite() *site {
	return &site{start: time.Now(), value: addrA, down: map[netip.Addr]bool{}, hang: map[netip.Addr]bool{}, checks: map[netip.Addr]int{}}
}

func (s *site) say(line string) {
	fmt.Fprintf(&s.log, "%d %s\n", int(time.Since(s.start).Seconds()), line)
}

func (s *site) check(ctx context.Context, addr netip.Addr) error {
	s.mu.Lock()
	s.checks[addr]++
	slow := s.slow > 0 && s.checks[addr]%2 == 0
	hang, down := s.hang[addr], s.down[addr]
	s.mu.Unlock()
	switch {
	case slow:
		time.Sleep(s.slow)
		return errors.New("too slow")
	case hang:
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		<-ctx.Done()
		return errors.New("no answer")
	case down:
		return errRefusedConn
	}
	return nil
}

func (s *site) record(ctx context.Context) (netip.Addr, error) {
	s.mu.Lock()
	s.reads++
	value, err, hang := s.value, s.readErr, s.hangRead
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
	}
	return value, err
}

func (s *site) change(_ context.Context, from, to netip.Addr) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fail) > 0 {
		err, s.fail = s.fail[0], s.fail[1:]
	}
	switch {
	case s.value != from:
		return fmt.Errorf("the record has %s: %w", s.value, zone.ErrRefused)
	case err == nil || s.takes || accepted(err):
		s.value = to
	}
	return err
}

// loop is one with the defaults of the flags, if not said otherwise.
func (s *site) loop(standbys ...netip.Addr) *checkLoop {
	return &checkLoop{
		watching: watching{name: "app.example", rise: 2, fall: 3, limit: 1, holdDown: 5 * time.Minute, active: addrA, standbys: standbys,
			override: func(to netip.Addr) string { return "type " + to.String() }},
		interval: time.Second, reads: time.Second,
		check: s.check, record: s.record, change: s.change, say: s.say,
	}
}

// play runs the loop for some seconds, with events half a second after their second,
// and returns its error and what it said, each line with its second.
func (s *site) play(t *testing.T, l *checkLoop, seconds int) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second+700*time.Millisecond)
	defer cancel()
	for second, event := range s.events {
		timer := time.AfterFunc(time.Duration(second)*time.Second+500*time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			event()
		})
		defer timer.Stop()
	}
	err := l.run(ctx)
	return s.log.String(), err
}

// fails lets addresses fail from now on.
func (s *site) fails(addrs ...netip.Addr) func() {
	return func() {
		for _, a := range addrs {
			s.down[a] = true
		}
	}
}

func TestCheckLoop(t *testing.T) {
	api := fmt.Errorf("asking: %w", zone.ErrAPI)
	refused := fmt.Errorf("weighted: %w", zone.ErrRefused)
	const aDown = "10.0.0.1 is down: connection refused (3 times)"
	const toB, limit1 = "switching app.example from 10.0.0.1 to 10.0.0.2", "app.example was switched as often as --limit allows (1)"
	for _, tt := range []struct {
		name    string
		seconds int
		prepare func(*site, *checkLoop)
		want    []string
		err     error
		value   netip.Addr
	}{
		{"all is well", 60, func(*site, *checkLoop) {}, []string{"60 stopped by a signal"}, nil, addrA},
		{"down", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 " + aDown, "8 " + toB, "8 " + limit1}, nil, addrB},
		{"hangs", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: func() { s.hang[addrA] = true }}
		}, []string{"9 10.0.0.1 is down: no answer (3 times)", "9 " + toB, "9 " + limit1}, nil, addrB},
		{"a short pause", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: s.fails(addrA), 7: func() { s.down[addrA] = false }}
		}, []string{"60 stopped by a signal"}, nil, addrA},
		{"both down", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: s.fails(addrA, addrB), 20: func() { s.down[addrB] = false }}
		}, []string{"8 " + aDown, "8 10.0.0.2 is down: connection refused (3 times)", "8 app.example stays: no standby is up",
			"22 10.0.0.2 is up", "22 " + toB, "22 " + limit1}, nil, addrB},
		{"overtaken", 60, func(s *site, _ *checkLoop) { s.slow = 1200 * time.Millisecond },
			[]string{"60 stopped by a signal"}, nil, addrA},
		{"second standby", 60, func(s *site, l *checkLoop) {
			l.standbys = append(l.standbys, addrC)
			s.events = map[int]func(){5: s.fails(addrA, addrB)}
		}, []string{"8 switching app.example from 10.0.0.1 to 10.0.0.3"}, nil, addrC},
		{"somebody switches", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: func() { s.value = addrC }, 6: s.fails(addrA)}
		}, []string{"6 app.example has 10.0.0.3 now, not 10.0.0.1: somebody switched it. Nothing is left to watch"}, nil, addrC},
		{"cannot be read", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: func() { s.readErr = api }, 10: func() { s.readErr = nil }, 20: s.fails(addrA)}
		}, []string{"6 app.example cannot be read, the checks go on: asking: the API failed", "11 app.example can be read again: 10.0.0.1", "23 " + toB}, nil, addrB},
		{"never read", 60, func(s *site, _ *checkLoop) {
			s.readErr = api
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 " + aDown, "8 app.example stays, as nobody knows what its record has; if that is 10.0.0.1, this gives 10.0.0.2 at the forwarders:\n  type 10.0.0.2", "60 stopped by a signal"}, nil, addrA},
		{"a reading hangs", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: func() { s.hangRead = true }, 20: s.fails(addrA)}
		}, []string{"23 " + toB, "23 " + limit1}, nil, addrB},
		{"is refused to be read", 60, func(s *site, _ *checkLoop) {
			s.events = map[int]func(){5: func() { s.readErr = refused }}
		}, nil, refused, addrA},
		{"the API fails twice", 60, func(s *site, _ *checkLoop) {
			s.fail = []error{api, api}
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 trying again in 1s: asking: the API failed", "9 trying again in 2s: asking: the API failed", "11 " + toB, "11 " + limit1}, nil, addrB},
		{"accepted though it seemed to fail", 60, func(s *site, _ *checkLoop) {
			s.fail, s.takes = []error{api}, true
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 trying again in 1s: asking: the API failed", " " + limit1}, nil, addrB},
		{"refused", 60, func(s *site, _ *checkLoop) {
			s.fail = []error{refused}
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 " + toB}, refused, addrA},
		{"somebody is quicker", 60, func(s *site, l *checkLoop) {
			l.reads = time.Hour
			s.events = map[int]func(){5: s.fails(addrA), 6: func() { s.value = addrC }}
		}, []string{"8 " + toB, "8 app.example has 10.0.0.3 now, not 10.0.0.1: somebody switched it. Nothing is left to watch"}, nil, addrC},
		{"still old", 60, func(s *site, _ *checkLoop) {
			s.fail = []error{errStillOld}
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 " + toB, "8 " + limit1}, errStillOld, addrB},
		{"there and back", 900, func(s *site, l *checkLoop) {
			l.limit, s.fail = 2, []error{errUnreachable}
			s.events = map[int]func(){5: s.fails(addrA), 30: func() { s.down = map[netip.Addr]bool{addrB: true} }}
		}, []string{"8 " + toB, "8 a server could not be reached", "32 10.0.0.1 is up", "33 10.0.0.2 is down: connection refused (3 times)",
			"33 app.example stays until 00:05:08: it changed less than 5m0s ago", "308 switching app.example from 10.0.0.2 to 10.0.0.1",
			"308 app.example was switched as often as --limit allows (2)"}, nil, addrA},
		{"down since before", 60, func(s *site, l *checkLoop) { s.fails(addrA)() },
			[]string{"2 " + aDown, "2 " + toB, "2 " + limit1}, nil, addrB},
		{"standby not checked", 60, func(s *site, l *checkLoop) {
			l.unchecked = true
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 " + toB}, nil, addrB},
		{"check that never succeeds", 60, func(s *site, l *checkLoop) {
			l.unchecked = true
			s.fails(addrA)()
		}, []string{"2 app.example stays: the check never succeeded, and may be wrong itself", "60 stopped by a signal"}, nil, addrA},
		{"what the record has is checked", 60, func(s *site, l *checkLoop) {
			l.active, l.standbys = netip.Addr{}, []netip.Addr{addrA, addrB}
			s.events = map[int]func(){5: s.fails(addrA)}
		}, []string{"8 " + toB}, nil, addrB},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite()
				l := s.loop(addrB)
				tt.prepare(s, l)
				log, err := s.play(t, l, tt.seconds)
				if !errors.Is(err, tt.err) || s.value != tt.value {
					t.Errorf("run() = %v with %s, want %v with %s", err, s.value, tt.err, tt.value)
				}
				for _, line := range tt.want {
					if strings.Count(log, line) != 1 {
						t.Errorf("want %q once", line)
					}
				}
				if n := strings.Count(log, "switching"); n > l.limit+2 {
					t.Errorf("%d tries to switch", n)
				}
				if t.Failed() {
					t.Log(log)
				}
			})
		})
	}
}

// Checks as often as asked for; readings once a second.
func TestCheckLoopRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		l := s.loop(addrB)
		l.interval = 100 * time.Millisecond
		if _, err := s.play(t, l, 60); err != nil {
			t.Fatal(err)
		}
		if s.reads != 61 || s.checks[addrA] != 608 || s.checks[addrB] != 608 {
			t.Errorf("%d readings, %d and %d checks in 60.7 s, want 61, 608 and 608", s.reads, s.checks[addrA], s.checks[addrB])
		}
	})
}
