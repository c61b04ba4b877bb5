package dnstap

import (
	"net/netip"
	"time"
)

// Type says who sent a message to whom (dnstap.proto, Message.Type).
type Type uint8

// The types that a forwarder has. A query without RD is an auth query, as in BIND.
const (
	AuthQuery         Type = 1
	AuthResponse      Type = 2
	ResolverQuery     Type = 3
	ResolverResponse  Type = 4
	ClientQuery       Type = 5
	ClientResponse    Type = 6
	ForwarderQuery    Type = 7
	ForwarderResponse Type = 8
	UpdateQuery       Type = 13
	UpdateResponse    Type = 14
)

// IsResponse reports whether a message of that type is a response.
func (t Type) IsResponse() bool { return t%2 == 0 }

// Types is a set of types.
type Types uint16

// Of returns the set of some types.
func Of(list ...Type) (s Types) {
	for _, t := range list {
		s |= 1 << t
	}
	return s
}

// Has reports whether t is in the set.
func (s Types) Has(t Type) bool { return s&(1<<t) != 0 }

// Message is a DNS message and where and when it was seen.
type Message struct {
	Type     Type
	TCP      bool
	Asker    netip.AddrPort // who asks
	Answerer netip.AddrPort // who is asked
	Zone     string         // whose servers are asked, in wire form; "": not said
	Asked    time.Duration  // when the query was seen, on the clock that New was given; 0: not said
	Answered time.Duration  // when the response was; of responses only
	Data     []byte         // in wire form; copied
}
