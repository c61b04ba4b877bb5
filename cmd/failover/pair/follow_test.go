package pair

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/control"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/watch"
)

func testOrder() Order {
	return Order{Name: "app.corp.example", Type: "A", Data: []string{"10.79.2.2"}, Token: "t1", Set: time.Now()}
}

// follow returns a follower, and what it said so far.
func follow(s Server) (*Follower, func() string) {
	var said []string
	f := &Follower{Server: s, Order: testOrder(), Verify: time.Minute, StillOld: func() bool { return false }}
	f.Tell = func(e Event) { said = append(said, e.What) }
	f.Begin()
	return f, func() string { return strings.Join(said, " ") }
}

// forwarder is the real control channel above a real table of names. What a command
// does to the table is the daemon's business and short here.
type forwarder struct {
	t *testing.T

	mu    sync.Mutex
	table *watch.Table
	log   []string
	lose  string // replies to commands that begin so do not arrive
	deny  bool   // the names may have no override
	bar   string // commands that are refused
}

func (f *forwarder) moment() watch.Moment {
	return watch.Moment{Now: time.Duration(time.Now().UnixNano()), Wall: time.Now()}
}

func (f *forwarder) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table = watch.New(watch.Options{MayOverride: func(string) bool { return !f.deny }})
}

func (f *forwarder) Command(ctx context.Context, r rndc.Request) (string, error) {
	text, lost, err := f.answer(r.Line)
	if lost {
		<-ctx.Done()
	}
	return text, err
}

func (f *forwarder) answer(line string) (text string, lost bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	words := strings.Fields(line)
	f.log = append(f.log, strings.Join(words[:min(2, len(words))], " "))
	text, err = f.do(words)
	switch {
	case errors.Is(err, watch.ErrNone):
		err = rndc.NotFound.With(err.Error())
	case err != nil:
		err = rndc.Failure.With(err.Error())
	}
	if lost = f.lose != "" && strings.HasPrefix(line, f.lose); lost {
		f.lose = ""
	}
	return text, lost, err
}

func (f *forwarder) do(words []string) (string, error) {
	m := f.moment()
	if f.bar != "" && strings.Contains(f.bar, words[0]) {
		return "", errors.New("the key is limited")
	}
	switch strings.Join(words[:min(2, len(words))], " ") {
	case "override add":
		o := watch.Override{Name: words[2], Type: dns.TypeA, Data: words[4:5]}
		if words[5] == "lease" {
			o.Lease = words[6]
		}
		o.Set, _ = time.Parse(time.RFC3339Nano, words[len(words)-1])
		return "", f.table.AddOverride(o, m)
	case "override confirm":
		return "", f.table.ConfirmOverride(words[2], words[3], m)
	case "override withdraw":
		return "", f.table.WithdrawOverride(words[2], words[3], m)
	case "watch show":
		st, err := f.table.Status(words[2], false, m)
		text, _ := json.Marshal(st)
		return string(text), err
	case "verify app.corp.example":
		return "", f.table.Verify(words[1], dns.TypeA, words[3:4], time.Minute, m)
	case "null", "flushname app.corp.example":
		return "", nil
	}
	return "", rndc.UnknownCommand.With("")
}

// forget has the reply to the next command that begins so be lost.
func (f *forwarder) forget(command string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lose = command
}

func (f *forwarder) inForce() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.table.Overrides(f.moment()))
}

// serve serves the control channel at a free port.
func (f *forwarder) serve(t *testing.T) (s Server, stop func()) {
	t.Helper()
	f.restart()
	a, err := rndc.ParseAlgorithm("hmac-sha256")
	if err != nil {
		t.Fatal(err)
	}
	key := rndc.NewKey("one", a, []byte("0123456789abcdef0123456789abcdef"))
	server := rndc.NewServer(rndc.Options{Handler: f, Log: slog.New(slog.DiscardHandler)})
	server.Serve([]rndc.Channel{{Addr: netip.MustParseAddrPort("127.0.0.1:0"), Keys: []*rndc.Key{key}}})
	t.Cleanup(server.Close)
	addr := server.Addrs()[0]
	return Server{&control.Server{Addr: addr, Key: key}}, server.Close
}

// step is one towards a goal.
func step(f *Follower, g Goal) {
	f.Want(g)
	f.Step(context.Background())
}

// A lease is confirmed; one that is refused is withdrawn, even where the reply to it
// was lost; after a restart that forgot all the override is set again.
func TestFollower(t *testing.T) {
	for name, tt := range map[string]struct {
		do      func(f *Follower, s *forwarder)
		want    string // told
		inForce int
	}{
		"confirmed":     {func(f *Follower, s *forwarder) { step(f, Lease); step(f, Lease); step(f, Firm); step(f, Firm) }, "override override_confirmed", 1},
		"at once":       {func(f *Follower, s *forwarder) { step(f, Firm) }, "override", 1},
		"refused":       {func(f *Follower, s *forwarder) { step(f, Lease); step(f, Gone); step(f, Gone) }, "override override_withdrawn", 0},
		"never set":     {func(f *Follower, s *forwarder) { step(f, Gone) }, "", 0},
		"lease ran out": {func(f *Follower, s *forwarder) { step(f, Lease); s.restart(); step(f, Firm) }, "override override", 1},
		"renewed": {func(f *Follower, s *forwarder) {
			step(f, Lease)
			f.leasedAt = f.leasedAt.Add(-renewAfter)
			step(f, Lease)
			step(f, Firm)
		}, "override override_confirmed", 1},
		"forgotten": {func(f *Follower, s *forwarder) { step(f, Firm); s.restart(); step(f, Firm); step(f, Firm) }, "override override", 1},
		"deleted by somebody": {func(f *Follower, s *forwarder) {
			step(f, Firm)
			if err := s.table.DeleteOverride(f.Order.Name, 0, s.moment()); err != nil {
				s.t.Error(err)
			}
			step(f, Firm)
			step(f, Firm)
		}, "override override_ended", 0},
		"flushed only": {func(f *Follower, s *forwarder) { step(f, Checked) }, "flushed", 0},
		"not allowed":  {func(f *Follower, s *forwarder) { s.deny = true; step(f, Lease); step(f, Firm) }, "failed flushed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &forwarder{t: t}
			server, _ := s.serve(t)
			f, said := follow(server)
			tt.do(f, s)
			if reached, err := f.Standing(); !reached || err != nil || said() != tt.want || s.inForce() != tt.inForce {
				t.Errorf("reached %v, %v; told %q, want %q; %d in force, want %d; commands %q", reached, err, said(), tt.want, s.inForce(), tt.inForce, s.log)
			}
		})
	}
}

// What the key may not do is told once, and what it may is done all the same.
func TestFollowerLimited(t *testing.T) {
	for bar, want := range map[string]string{
		"flushname":                 "failed failed", // no override, no flush
		"override flushname":        "failed failed",
		"override flushname verify": "failed failed failed",
	} {
		s := &forwarder{t: t, deny: true, bar: bar}
		server, _ := s.serve(t)
		f, said := follow(server)
		step(f, Lease)
		step(f, Firm)
		if reached, err := f.Standing(); reached || !isRefusal(err) || said() != want || f.verified == strings.Contains(bar, "verify") {
			t.Errorf("%s: reached %v, %v; told %q, want %q; verified %v", bar, reached, err, said(), want, f.verified)
		}
	}
}

// An override whose reply was lost may be in force, and is withdrawn all the same.
func TestFollowerLostReply(t *testing.T) {
	s := &forwarder{t: t, lose: "override add"}
	server, _ := s.serve(t)
	f, said := follow(server)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	f.Want(Lease)
	f.Step(ctx)
	if s.inForce() != 1 {
		t.Fatal("the override did not arrive")
	}
	step(f, Gone)
	if _, err := f.Standing(); s.inForce() != 0 || !strings.Contains(said(), "override_withdrawn") {
		t.Errorf("%d in force, told %q, %v, commands %q", s.inForce(), said(), err, s.log)
	}
}

// What we end ourselves is no trouble of the server's, at whatever moment: nothing is
// told of it, and the next step does what is left.
func TestFollowerStopped(t *testing.T) {
	for name, lose := range map[string]string{"before the command": "", "before its reply": "override withdraw"} {
		t.Run(name, func(t *testing.T) {
			s := &forwarder{t: t}
			server, _ := s.serve(t)
			f, said := follow(server)
			step(f, Lease)
			ctx, cancel := context.WithCancel(context.Background())
			stepped := make(chan bool)
			if lose == "" {
				cancel()
			}
			s.forget(lose)
			f.Want(Gone)
			go func() { f.Step(ctx); close(stepped) }()
			for lose != "" && s.inForce() > 0 {
				time.Sleep(time.Millisecond)
			}
			cancel()
			<-stepped
			if reached, err := f.Standing(); reached || err != nil || said() != "override" {
				t.Errorf("stopped: reached %v, %v, told %q", reached, err, said())
			}
			step(f, Gone)
			if reached, err := f.Standing(); !reached || err != nil || said() != "override override_withdrawn" || s.inForce() != 0 {
				t.Errorf("then: reached %v, %v, told %q, %d in force", reached, err, said(), s.inForce())
			}
			if _, err := server.Do(ctx, "null"); !errors.Is(err, context.Canceled) || errors.Is(err, control.ErrUnreachable) {
				t.Errorf("Do with a context that is over = %v", err)
			}
		})
	}
}

// Who switched later wins: that is said once, and his override stays.
func TestFollowerOvertaken(t *testing.T) {
	s := &forwarder{t: t}
	server, _ := s.serve(t)
	f, said := follow(server)
	step(f, Lease)
	later := watch.Override{Name: f.Order.Name, Type: dns.TypeA, Data: []string{"10.79.3.3"}, Set: f.Order.Set.Add(time.Second)}
	if err := s.table.AddOverride(later, s.moment()); err != nil {
		t.Fatal(err)
	}
	step(f, Firm)
	step(f, Firm)
	list := s.table.Overrides(s.moment())
	if reached, err := f.Standing(); reached || err == nil || said() != "override failed" || len(list) != 1 || list[0].Data[0] != "10.79.3.3" {
		t.Errorf("reached %v, %v, told %q, in force %v", reached, err, said(), list)
	}
}

// A server that goes and comes is tried until it has the override.
func TestFollowerUnreachable(t *testing.T) {
	s := &forwarder{t: t}
	server, stop := s.serve(t)
	f, said := follow(server)
	step(f, Lease)
	stop()
	step(f, Firm)
	step(f, Firm)
	if _, err := f.Standing(); !errors.Is(err, control.ErrUnreachable) {
		t.Errorf("Standing = %v", err)
	}
	again := rndc.NewServer(rndc.Options{Handler: s, Log: slog.New(slog.DiscardHandler)})
	again.Serve([]rndc.Channel{{Addr: server.Addr, Keys: []*rndc.Key{server.Key}}})
	defer again.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan bool)
	go func() { f.Run(ctx); close(ended) }()
	for reached := false; !reached; reached, _ = f.Standing() {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-ended
	if got := said(); s.inForce() != 1 || got != "override unreachable override_confirmed reachable" {
		t.Errorf("%d in force, told %q", s.inForce(), got)
	}
}

// Only an override of other data of the type hides what is ordered.
func TestHidden(t *testing.T) {
	o := testOrder()
	same := watch.OverrideStatus{Type: "A", Data: o.Data}
	aaaa := watch.OverrideStatus{Type: "AAAA", Data: []string{"2001:db8::1"}}
	other := watch.OverrideStatus{Type: "A", Data: []string{"10.79.9.9"}}
	if got := o.Hidden(&watch.Status{Overrides: []watch.OverrideStatus{same, aaaa}}); got != "" {
		t.Errorf("Hidden = %q, want nothing", got)
	}
	if got := o.Hidden(&watch.Status{Overrides: []watch.OverrideStatus{same, aaaa, other}}); got != "10.79.9.9" {
		t.Errorf("Hidden = %q", got)
	}
}

// The sentence about who holds the old address is never too early.
func TestHeldUntil(t *testing.T) {
	base := time.Now().Truncate(time.Second).Add(time.Hour)
	st := &watch.Status{Ledger: []watch.LedgerStatus{
		{Type: "A", Data: []string{"10.79.2.2"}, Given: true, Clients: 9, Until: base.Add(time.Minute)},
		{Type: "A", Data: []string{"10.79.1.1"}, Clients: 2, Until: base.Add(300 * time.Millisecond), Names: []watch.Holder{{Client: netip.MustParseAddr("10.0.0.9")}}},
		{Type: "A", Clients: 1, More: true, Until: base},
		{Type: "AAAA", Clients: 5, Until: base.Add(time.Hour)},
	}}
	h, ok := HeldUntil(st, "A", []string{"10.79.2.2"}, time.Second)
	want := "no client of it may hold the old address after " + base.Add(2*time.Second).Format("15:04:05") + "; until then 3 or more may: 10.0.0.9"
	if !ok || h.String() != want {
		t.Errorf("HeldUntil = %q, %v, want %q", h, ok, want)
	}
	if _, ok := HeldUntil(st, "TXT", nil, 0); ok {
		t.Error("HeldUntil of a type that nobody was given")
	}
	if h, ok := HeldUntil(st, "A", []string{"10.79.3.3"}, 0); ok {
		t.Errorf("HeldUntil = %q while other data are handed out", h)
	}
}
