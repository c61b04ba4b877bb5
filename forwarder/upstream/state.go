package upstream

import (
	"net/netip"
	"time"
)

// State is how a server is.
type State uint8

// The states of servers.
const (
	Up      State = iota
	Failing       // its last answers were failures, or of no use
	Down          // it answers nothing
)

func (s State) String() string { return [...]string{"up", "failing", "down"}[s] }

// ServerState is how a server is now.
type ServerState struct {
	Addr     netip.AddrPort
	State    State
	For      time.Duration // for how long it has been so
	Err      error         // an ErrLocal while nothing can be sent to it, else nil
	Heard    time.Duration // how long ago it answered last; less than 0: it never has
	SRTT     time.Duration // smoothed round trip time; 0 is unknown
	RTO      time.Duration // retry timeout
	Sent     uint64        // tries, as the next two since New
	Answered uint64
	TimedOut uint64
	Pending  int // tries that have no answer yet
	Waiting  int // requests that wait for it to come up
	Metered  bool
	Budget   int           // of Client.Now, if it is metered
	Sources  []SourceState // from which it is asked, one at least
}

// SourceState is how a server is asked from one address.
type SourceState struct {
	Addr      netip.Addr // the zero value is any
	Interface string     // as Config.Interface says; "" also where packets are not counted
	LeftOut   bool
	For       time.Duration // for how long it is left out
	Err       error         // why; nil where no answers come
	Sent      uint64        // tries, as the next one since New
	Answered  uint64
}

// BudgetState is how the packets of one interface are now, or of those together of
// which any may be used.
type BudgetState struct {
	Interface string // as Config.Interface says; of several joined by "+"
	PPS       int    // packets a second; 0 is no limit
	Tokens    int    // packets that may leave at once
	Waiting   int    // requests that wait for packets
	Sent      uint64 // packets
	Refused   uint64 // requests that got none

	Interfaces []InterfaceState // one at least
}

// InterfaceState is a BudgetState's part.
type InterfaceState struct {
	Interface string
	PPS       int
	Tokens    int
	Sent      uint64
}

// Now returns how all servers and budgets are.
func (c *Client) Now() ([]ServerState, []BudgetState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Since(c.epoch)
	servers, budgets := make([]ServerState, len(c.list)), make([]BudgetState, len(c.budgets))
	for i, b := range c.budgets {
		budgets[i] = b.now(now)
	}
	for i, s := range c.list {
		servers[i] = s.now(now)
		for n, b := range c.budgets {
			if b == s.budget {
				servers[i].Budget = n
			}
		}
	}
	return servers, budgets
}

func (s *server) now(now time.Duration) ServerState {
	st := ServerState{
		Addr: s.Addr, Err: s.fault, Heard: -1, SRTT: s.rtt.srtt, RTO: s.rtt.rto(),
		Sent: s.stats.Sent, Answered: s.stats.Answered, TimedOut: s.stats.TimedOut,
		Pending: s.flying, Waiting: s.parked.n, Metered: s.budget != nil,
	}
	for _, p := range s.paths {
		st.Sources = append(st.Sources, p.now(now))
	}
	if s.heard != longAgo {
		st.Heard = now - s.heard
	}
	switch {
	case s.down:
		st.State, st.For = Down, now-s.silentFrom
	case s.failing >= failingAfter:
		st.State, st.For = Failing, now-s.failFrom
	default:
		st.For = now - s.upFrom
	}
	return st
}

func (p *path) now(now time.Duration) SourceState {
	st := SourceState{Addr: p.source.addr, LeftOut: p.out, Err: p.fault, Sent: p.stats.Sent, Answered: p.stats.Answered}
	if p.link != nil && p.fault == nil {
		st.Interface = p.link.name
	}
	if p.out {
		st.For = now - p.outFrom
	}
	return st
}

func (b *budget) now(now time.Duration) BudgetState {
	st := BudgetState{Interface: b.stats.Name(), PPS: b.pps(), Waiting: b.queued(), Refused: b.stats.Refused}
	for _, l := range b.links {
		i := InterfaceState{l.name, int(l.pps.Load()), l.tokens(now), l.sent.Load()}
		st.Interfaces = append(st.Interfaces, i)
		st.Tokens += i.Tokens
		st.Sent += i.Sent
	}
	return st
}
