// Package route53 is a stand-in for the API of Amazon Route 53 (version
// 2013-04-01, REST and XML) and for its authoritative servers: for tests, and
// for showing how a change spreads. It knows hosted zones, private and public,
// and their record sets; it answers the calls that a program needs to find a
// zone, to read and change it, and to wait until the change is everywhere.
// Nothing of it is AWS: no account, no health check, no traffic policy.
//
// A [Server] is an [http.Handler], so that a test without sockets can call it
// too; [Server.Listen] serves it on an address. A change reaches each of the
// authoritative servers after a delay of that server's own, and [Server.Lookup]
// asks one of them. [Server.Break] makes calls fail.
//
// It is safe for concurrent use.
package route53

import (
	"net/http"
	"sync"
	"time"
)

// Options are what a Server is like. The zero value is an account without
// limits, whose changes are everywhere at once.
type Options struct {
	// Delays are those after which a change reaches each authoritative server,
	// one a server: 10, 20, 30 and 40 s, say. Empty: one server, at once.
	Delays []time.Duration
	// Calls limits each action, Changes the changes besides. Route 53 allows
	// DefaultCalls; how large its bucket for changes is, it does not say.
	Calls, Changes Bucket
	// Prepare is for how long after a change another to the same zone gets
	// PriorRequestNotComplete.
	Prepare time.Duration
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
	// Account owns the zones; "" is 111122223333.
	Account string
	// Region is the one that requests must be signed for, as us-east-1, where
	// the partition "aws" has its Route 53. "" is any: with an endpoint of its
	// user's, an SDK signs for its own region.
	Region string
	// Wrap returns what Listen serves in the Server's place, as
	// servicemodel.Watcher; nil is the Server itself.
	Wrap func(http.Handler) http.Handler
	// Unsigned takes requests that carry no signature: from curl, say.
	Unsigned bool
}

// DefaultCalls is what an account may ask of each action.
var DefaultCalls = Bucket{Size: 50, PerSecond: 10}

// Server is the API, the zones, and the servers that have them.
type Server struct {
	options  Options
	serving  sync.WaitGroup
	closing  chan struct{} // closed by Close: requests that hang are given up
	closed   sync.Once
	actions  []action
	throttle throttle // has its own lock

	mu       sync.Mutex
	delays   []time.Duration
	zones    []*zone // by age
	changes  map[string]*change
	serial   int // of the last ID that was given
	faults   []*Fault
	requests []Request
	sites    []*http.Server
}

// New returns a Server without zones that listens nowhere yet.
func New(o Options) *Server {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Account == "" {
		o.Account = "111122223333"
	}
	s := &Server{options: o, closing: make(chan struct{}), changes: map[string]*change{}}
	s.SetDelays(o.Delays...)
	s.actions = s.table()
	return s
}

// SetDelays gives the authoritative servers other delays, for changes from now
// on, and makes as many servers as there are delays.
func (s *Server) SetDelays(delays ...time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(delays) == 0 {
		delays = []time.Duration{0}
	}
	s.delays = delays
}

// Servers returns how many authoritative servers there are.
func (s *Server) Servers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.delays)
}
