// Package counts counts what clients send and get: replies, by zone, source and response
// code; and, where somebody wants them, messages as BIND counts them.
package counts

import (
	"sync/atomic"

	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// Counter is a kind of client message, or of what came of it, as BIND counts
// it.
type Counter uint8

// The counters, by BIND's names.
const (
	Requestv4 Counter = iota
	Requestv6
	ReqEdns0
	ReqBadEDNSVer
	ReqTSIG
	ReqTCP
	AuthQryRej
	RecQryRej
	Response
	TruncatedResp
	RespEDNS0
	QrySuccess
	QryAuthAns
	QryNoauthAns
	QryNxrrset
	QrySERVFAIL
	QryFORMERR
	QryNXDOMAIN
	QryFailure
	QryUDP
	QryTCP
	NSIDOpt
	KeepAliveOpt
	ECSOpt
	CookieIn
	CookieNew
	CookieBadSize
	CookieNoMatch
	CookieMatch
	QryBADCOOKIE
	NumCounters
)

// String is BIND's name.
func (c Counter) String() string { return counterNames[c] }

var counterNames = [NumCounters]string{
	"Requestv4", "Requestv6", "ReqEdns0", "ReqBadEDNSVer", "ReqTSIG", "ReqTCP", "AuthQryRej", "RecQryRej", "Response", "TruncatedResp", "RespEDNS0",
	"QrySuccess", "QryAuthAns", "QryNoauthAns", "QryNxrrset", "QrySERVFAIL", "QryFORMERR", "QryNXDOMAIN", "QryFailure",
	"QryUDP", "QryTCP", "NSIDOpt", "KeepAliveOpt", "ECSOpt", "CookieIn", "CookieNew", "CookieBadSize", "CookieNoMatch", "CookieMatch",
	"QryBADCOOKIE",
}

// Sizes of messages are counted in steps of 16 octets, up to a last step without end
// (as in RSSAC002, 2.4).
const (
	sizeStep     = 16
	requestSizes = 288/sizeStep + 1
	replySizes   = 4096/sizeStep + 1
)

// Sizes counts messages in steps of 16 octets; the last is open.
type Sizes struct {
	Requests  [requestSizes]uint64
	Responses [replySizes]uint64
}

// Sums is what clients sent and got while they were counted.
type Sums struct {
	Named   [NumCounters]uint64
	Opcodes [16]uint64
	Rcodes  [upstream.NumRcodes]uint64
	Types   [upstream.NumTypes + 1]uint64 // of queries; the last: all above
	UDP     [2]Sizes                      // over IPv4 and IPv6
	TCP     [2]Sizes
}

// numSums is how many numbers Sums has.
const numSums = int(NumCounters) + 16 + upstream.NumRcodes + upstream.NumTypes + 1 + 4*(requestSizes+replySizes)

// Where the parts of Sums stand in a Shard.
const (
	atOpcodes = int(NumCounters)
	atRcodes  = atOpcodes + 16
	atTypes   = atRcodes + upstream.NumRcodes
	atSizes   = atTypes + upstream.NumTypes + 1
)

// shards keeps goroutines that count apart: each has a shard for itself, up to that many.
const shards = 8

// Shard is one part of the sums, which goroutines add to.
type Shard [numSums]atomic.Uint64

// Clients are counts. The zero value has not been started.
type Clients struct{ shards atomic.Pointer[[shards]Shard] }

// Start makes room for the counts. Further calls do nothing.
func (c *Clients) Start() { c.shards.CompareAndSwap(nil, new([shards]Shard)) }

// Shard is where the goroutine of that number counts, after Start.
func (c *Clients) Shard(number uint32) *Shard { return &c.shards.Load()[number%shards] }

// Sum returns the sums; they are 0 before Start.
func (c *Clients) Sum() (sums Sums) {
	parts := c.shards.Load()
	if parts == nil {
		return sums
	}
	at := 0
	take := func(part []uint64) {
		for i := range part {
			for k := range parts {
				part[i] += parts[k][at].Load()
			}
			at++
		}
	}
	take(sums.Named[:])
	take(sums.Opcodes[:])
	take(sums.Rcodes[:])
	take(sums.Types[:])
	for _, sizes := range [...]*Sizes{&sums.UDP[0], &sums.UDP[1], &sums.TCP[0], &sums.TCP[1]} {
		take(sizes.Requests[:])
		take(sizes.Responses[:])
	}
	return sums
}

// Query is what is counted of a query beside its message.
type Query struct {
	*wire.Query
	TCP, IPv6  bool
	Looked     bool // data is looked for
	GoodCookie bool // its cookie is one of ours
}

func (s *Shard) add(i int)      { s[i].Add(1) }
func (s *Shard) note(c Counter) { s[c].Add(1) }

// noteIf adds where it is so.
func (s *Shard) noteIf(so bool, c Counter) {
	if so {
		s[c].Add(1)
	}
}

// size counts the octets of a message, of one that has steps steps, from offset on.
func (s *Shard) size(q *Query, octets, offset, steps int) {
	at := atSizes
	if q.TCP {
		at += 2 * (requestSizes + replySizes)
	}
	if q.IPv6 {
		at += requestSizes + replySizes
	}
	s.add(at + offset + min(octets/sizeStep, steps-1))
}

// Request counts what a client sent, where and as BIND does: what cannot be parsed has no
// opcode, and what is not looked up has no type.
func (s *Shard) Request(fault wire.Fault, q *Query, octets int) {
	s.size(q, octets, 0, requestSizes)
	s.noteIf(!q.IPv6, Requestv4)
	s.noteIf(q.IPv6, Requestv6)
	s.noteIf(q.TCP, ReqTCP)
	switch {
	case fault == wire.BadRecord && q.EDNS.ECS != nil && q.EDNS.ECS[3] != 0: // well formed, but no query's
		s.add(atOpcodes + q.Opcode())
		s.note(ECSOpt)
		return
	case fault == wire.BadHeader, fault == wire.BadRecord, fault == wire.BadSIG0, fault == wire.BadOption:
		return
	}
	s.add(atOpcodes + q.Opcode())
	s.noteIf(fault == wire.Signed, ReqTSIG)
	s.noteIf(fault == wire.BadVersion, ReqBadEDNSVer)
	if q.EDNS.Present && fault != wire.BadVersion {
		s.note(ReqEdns0)
		s.options(q)
	}
	if q.Looked {
		s.add(atTypes + min(int(q.Type), upstream.NumTypes))
	}
}

// options counts what a client asked for by EDNS options. A cookie whose time is
// over is one that does not match.
func (s *Shard) options(q *Query) {
	s.noteIf(q.EDNS.NSID, NSIDOpt)
	s.noteIf(q.EDNS.Keepalive, KeepAliveOpt)
	s.noteIf(q.EDNS.ECS != nil, ECSOpt)
	if q.EDNS.Cookie == nil {
		return
	}
	s.note(CookieIn)
	switch n := len(q.EDNS.Cookie); {
	case n == 8:
		s.note(CookieNew)
	case n != wire.CookieLen:
		s.note(CookieBadSize)
	case q.GoodCookie:
		s.note(CookieMatch)
	default:
		s.note(CookieNoMatch)
	}
}

// Reply counts what a client got, whose response code is rcode with its upper bits.
func (s *Shard) Reply(q *Query, rcode int, reply []byte) {
	s.size(q, len(reply), requestSizes, replySizes)
	s.add(atRcodes + rcode)
	s.note(Response)
	s.noteIf(wire.Flags(reply)&wire.TC != 0, TruncatedResp)
	s.noteIf(q.EDNS.Present && len(reply) > wire.HeaderLen, RespEDNS0)
	if q.Looked {
		s.transport(q, rcode)
		s.result(rcode, reply)
	}
}

// transport counts queries that an answer was looked for, but transfers, as BIND
// does.
func (s *Shard) transport(q *Query, rcode int) {
	if q.IsTransfer() || rcode == wire.Refused || rcode == wire.FormErr || rcode == wire.BadCookie {
		return
	}
	s.noteIf(!q.TCP, QryUDP)
	s.noteIf(q.TCP, QryTCP)
}

// Denied counts who was turned away by an access list: those that wanted recursion and
// others, as BIND does.
func (s *Shard) Denied(q *wire.Query) {
	s.noteIf(q.Flags&wire.RD == 0, AuthQryRej)
	s.noteIf(q.Flags&wire.RD != 0, RecQryRej)
}

// result counts what came of a query that was looked up.
func (s *Shard) result(rcode int, reply []byte) {
	switch rcode {
	case wire.NoError:
		s.note(resultOf(reply))
	case wire.NXDomain:
		s.note(QryNXDOMAIN)
	case wire.BadCookie:
		s.note(QryBADCOOKIE)
	case wire.ServFail:
		s.note(QrySERVFAIL)
		return
	case wire.FormErr:
		s.note(QryFORMERR)
		return
	case wire.NotAuth: // BIND's transfers count by themselves
		return
	default:
		s.note(QryFailure)
		return
	}
	s.noteIf(wire.Flags(reply)&wire.AA != 0, QryAuthAns)
	s.noteIf(wire.Flags(reply)&wire.AA == 0, QryNoauthAns)
}

// resultOf tells data from none. A truncated reply has none, and hides what there is.
func resultOf(reply []byte) Counter {
	if wire.HasAnswer(reply) || wire.Flags(reply)&wire.TC != 0 {
		return QrySuccess
	}
	return QryNxrrset
}
