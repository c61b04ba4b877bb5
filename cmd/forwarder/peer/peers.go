package peer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/watch"
)

// Options are what Peers works with. All functions may be called on any goroutine, one
// call at a time for each peer.
type Options struct {
	Addrs   []netip.AddrPort
	Watched func() []watch.Set                       // by name and type; those that vary are not compared
	Held    func(name string, rtype uint16) *dns.Msg // what is given here; nil: upstream would be asked
	Look    func(name string, rtype uint16)          // has upstream asked, so that Held knows soon
	Source  func(peer netip.Addr) netip.Addr         // the address to ask from; the zero value: any
	Log     func(line string)                        // lines about troubles
}

// Peers are those that are asked. It is safe for concurrent use.
type Peers struct {
	Options
	begun time.Time

	mu       sync.Mutex // guards the rest, and is not held while one is asked
	peers    []*peer
	troubles trouble.Table
}

// New returns Peers that Run is to ask.
func New(o Options) *Peers {
	p := &Peers{Options: o, begun: time.Now()}
	for _, a := range o.Addrs {
		p.peers = append(p.peers, newPeer(a, p.begun))
	}
	return p
}

// Run asks once a second until ctx ends.
func (p *Peers) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, one := range p.peers {
		all.Go(func() { p.run(ctx, one) })
	}
	all.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles.Close(time.Since(p.begun))
	p.tell()
}

func (p *Peers) run(ctx context.Context, one *peer) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(untilHalf(time.Now())):
			p.round(ctx, one)
		}
	}
}

// untilHalf is how long it is until the wall clock is between two seconds: at whole ones
// probes find out what is new.
func untilHalf(now time.Time) time.Duration {
	return time.Second - (time.Duration(now.Nanosecond())+time.Second/2)%time.Second
}

// round asks a peer once.
func (p *Peers) round(ctx context.Context, one *peer) {
	watched := p.Watched()
	p.mu.Lock()
	one.follow(watched)
	keys := one.next()
	p.mu.Unlock()
	replies, err := round(ctx, p.Source(one.addr.Addr()), one.addr, keys)
	if ctx.Err() != nil {
		return // it was we who ended it
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range one.take(replies, err, p.Held, time.Now()) {
		p.Look(k.name, k.rtype)
	}
	p.note(one)
	p.tell()
}

// note lets the troubles be those of a peer's state. p.mu is held.
func (p *Peers) note(one *peer) {
	now, addr, t := time.Since(p.begun), host.Address(one.addr), &p.troubles
	silent, differs := trouble.Key{Kind: trouble.Peer, Subject: addr}, trouble.Key{Kind: trouble.Pair, Subject: addr}
	start := func(k trouble.Key, text string) {
		t.Begin(trouble.Start{Key: k, Text: text, Since: one.since.Sub(p.begun), Zones: []string{}}, now)
	}
	switch one.state {
	case Down:
		t.End(differs, "peer "+addr+" cannot be compared any more", now)
		if one.told != one.fault.answers {
			t.Drop(now, "not so any more", func(k trouble.Key) bool { return k == silent })
		}
		one.told = one.fault.answers
		start(silent, "peer "+addr+" "+one.fault.text)
	case Disagrees:
		t.End(silent, "peer "+addr+" answers again", now)
		start(differs, "peer "+addr+" gives other data: "+one.differencesText())
	case Agrees:
		t.End(silent, "peer "+addr+" answers again", now)
		t.End(differs, "peer "+addr+" agrees again", now)
	}
	t.Tick(now)
}

// differencesText names the first ones.
func (p *peer) differencesText() string {
	told := p.disagreements()
	text := told[0].text()
	if more := len(told) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func (p *Peers) tell() {
	for _, line := range p.troubles.Lines() {
		p.Log(line.Text)
	}
}

// Troubles are the peers that do not answer, or disagree, those that began first at the
// front. Since is a time.
func (p *Peers) Troubles() (list []Trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.troubles.Open() {
		list = append(list, Trouble{t, p.begun.Add(t.Since)})
	}
	return list
}

// Trouble is one of a peer.
type Trouble struct {
	trouble.Trouble
	Began time.Time
}

// Status is how a peer is.
type Status struct {
	Addr   netip.AddrPort
	State  State
	Since  time.Time
	Fault  string    // why it is Down
	Last   time.Time // when it gave the last answer that could be compared; zero: it has not
	RTT    time.Duration
	Sets   []SetStatus // by name and type
	Known  int         // of them, those that both know
	Differ int         // of them, those that differ for longer than TTLs explain
}

// SetStatus is what a peer gives of a name and type.
type SetStatus struct {
	watch.Set
	Compared     bool // both have data, or none
	Theirs, Ours []string
	Fault        string    // what it answers in place of data: a response code, or words; "" else
	At           time.Time // of its answer; zero: it has given none
	Differs      bool      // since then
	Since        time.Time
	Told         bool // that lasts longer than TTLs explain
}

// Status returns all peers, in the order of Options.
func (p *Peers) Status() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Status, len(p.peers))
	for i, one := range p.peers {
		list[i] = one.status()
	}
	return list
}

func (p *peer) status() Status {
	s := Status{Addr: p.addr, State: p.state, Since: p.since, Fault: p.fault.text, Last: p.heard, RTT: p.rtt}
	for _, set := range p.order {
		s.Sets = append(s.Sets, set.status())
		if set.isCompared() && p.state != Down {
			s.Known++
		}
		if set.told {
			s.Differ++
		}
	}
	return s
}

func (s *set) status() SetStatus {
	return SetStatus{
		Set: s.Set, Compared: s.isCompared(), Theirs: slices.Clone(s.theirs.data), Ours: slices.Clone(s.ours.data), Fault: s.theirs.why, At: s.at,
		Differs: s.differing, Since: s.since, Told: s.told,
	}
}
