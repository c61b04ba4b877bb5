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
	Budget   int // of Client.Now, if it is metered
}

// BudgetState is how the budget of an interface is now.
type BudgetState struct {
	Interface string // as Config.Interface says
	PPS       int    // packets a second; 0 is no limit
	Tokens    int    // packets that may leave at once
	Waiting   int    // requests that wait for packets
	Sent      uint64 // packets
	Refused   uint64 // requests that got none
}

// Now returns how all servers and budgets are.
func (c *Client) Now() ([]ServerState, []BudgetState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Since(c.epoch)
	servers, budgets := make([]ServerState, len(c.list)), make([]BudgetState, len(c.budgets))
	for i, b := range c.budgets {
		budgets[i] = BudgetState{b.stats.Interface, int(b.pps.Load()), b.tokens(now), b.queued(), b.sent.Load(), b.stats.Refused}
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
