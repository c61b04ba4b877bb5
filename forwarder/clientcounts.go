package forwarder

import (
	"sync/atomic"

	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// ClientCounter is a kind of client message, or of what came of it, as BIND counts
// it.
type ClientCounter uint8

// The counters, by BIND's names.
const (
	Requestv4 ClientCounter = iota
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
	NumClientCounters
)

// String is BIND's name.
func (c ClientCounter) String() string { return clientCounterNames[c] }

var clientCounterNames = [NumClientCounters]string{
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

// MessageSizes counts messages in steps of 16 octets; the last is open.
type MessageSizes struct {
	Requests  [requestSizes]uint64
	Responses [replySizes]uint64
}

// ClientCounts is what clients sent and got while they were counted.
type ClientCounts struct {
	Named   [NumClientCounters]uint64
	Opcodes [16]uint64
	Rcodes  [upstream.NumRcodes]uint64
	Types   [upstream.NumTypes + 1]uint64 // of queries; the last: all above
	UDP     [2]MessageSizes               // over IPv4 and IPv6
	TCP     [2]MessageSizes
}

// numClientCounts is how many numbers ClientCounts has.
const numClientCounts = int(NumClientCounters) + 16 + upstream.NumRcodes + upstream.NumTypes + 1 + 4*(requestSizes+replySizes)

// Where the parts of ClientCounts stand in a clientShard.
const (
	atOpcodes = int(NumClientCounters)
	atRcodes  = atOpcodes + 16
	atTypes   = atRcodes + upstream.NumRcodes
	atSizes   = atTypes + upstream.NumTypes + 1
)

// clientShards keeps goroutines that count apart: each has a shard for itself, up to
// that many.
const clientShards = 8

// clientShard is one part of the sums, which workers add to.
type clientShard [numClientCounts]counter

// CountClients has what clients send and get counted for ClientCounts, or no longer.
// It costs each query some twenty additions.
func (s *Server) CountClients(on bool) {
	s.clientCounts.CompareAndSwap(nil, new([clientShards]clientShard))
	s.setObserver(observedByCounts, on)
}

// ClientCounts returns the sums; they are 0 before CountClients.
func (s *Server) ClientCounts() (c ClientCounts) {
	shards := s.clientCounts.Load()
	if shards == nil {
		return c
	}
	at := 0
	take := func(part []uint64) {
		for i := range part {
			for k := range shards {
				part[i] += shards[k][at].Load()
			}
			at++
		}
	}
	take(c.Named[:])
	take(c.Opcodes[:])
	take(c.Rcodes[:])
	take(c.Types[:])
	for _, sizes := range [...]*MessageSizes{&c.UDP[0], &c.UDP[1], &c.TCP[0], &c.TCP[1]} {
		take(sizes.Requests[:])
		take(sizes.Responses[:])
	}
	return c
}

// shard is where a worker counts.
func (w *worker) shard() *clientShard { return &w.clientCounts.Load()[w.number%clientShards] }

func (s *clientShard) add(i int)            { s[i].Add(1) }
func (s *clientShard) note(c ClientCounter) { s[c].Add(1) }

// noteIf adds where it is so.
func (s *clientShard) noteIf(so bool, c ClientCounter) {
	if so {
		s[c].Add(1)
	}
}

// size counts the octets of a message, of one that has steps steps, from offset on.
func (s *clientShard) size(q *query, octets, offset, steps int) {
	at := atSizes
	if q.via == viaTCP {
		at += 2 * (requestSizes + replySizes)
	}
	if q.addr.Addr().Is6() {
		at += requestSizes + replySizes
	}
	s.add(at + offset + min(octets/sizeStep, steps-1))
}

// countRequest counts what a client sent, where and as BIND does: what cannot be
// parsed has no opcode, and what is not looked up has no type.
func (w *worker) countRequest(fault wire.Fault, q *query, octets int) {
	s := w.shard()
	s.size(q, octets, 0, requestSizes)
	s.noteIf(!q.addr.Addr().Is6(), Requestv4)
	s.noteIf(q.addr.Addr().Is6(), Requestv6)
	s.noteIf(q.via == viaTCP, ReqTCP)
	q.looked = q.Question != nil && isLogged(fault, q)
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
		w.countOptions(s, q)
	}
	if q.looked {
		s.add(atTypes + min(int(q.Type), upstream.NumTypes))
	}
}

// countOptions counts what a client asked for by EDNS options. A cookie whose time is
// over is one that does not match.
func (w *worker) countOptions(s *clientShard, q *query) {
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
	case w.goodCookie(q):
		s.note(CookieMatch)
	default:
		s.note(CookieNoMatch)
	}
}

// countReply counts what a client got.
func (w *worker) countReply(q *query, reply []byte) {
	s := w.shard()
	rcode := replyRcode(q, reply)
	s.size(q, len(reply), requestSizes, replySizes)
	s.add(atRcodes + rcode)
	s.note(Response)
	s.noteIf(wire.Flags(reply)&wire.TC != 0, TruncatedResp)
	s.noteIf(q.EDNS.Present && len(reply) > wire.HeaderLen, RespEDNS0)
	if q.looked {
		countTransport(s, q, rcode)
		countResult(s, rcode, reply)
	}
}

// isTransfer reports whether a zone is asked for, which is no query as others in BIND.
func isTransfer(q *query) bool { return q.Type == wire.TypeAXFR || q.Type == wire.TypeIXFR }

// countTransport counts queries that an answer was looked for, but transfers, as BIND
// does.
func countTransport(s *clientShard, q *query, rcode int) {
	if isTransfer(q) || rcode == wire.Refused || rcode == wire.FormErr || rcode == wire.BadCookie {
		return
	}
	s.noteIf(q.via != viaTCP, QryUDP)
	s.noteIf(q.via == viaTCP, QryTCP)
}

// countDenied counts who was turned away by an access list: those that wanted
// recursion and others, as BIND does.
func (w *worker) countDenied(q *query) {
	if w.observers&observedByCounts == 0 {
		return
	}
	s := w.shard()
	s.noteIf(q.Flags&wire.RD == 0, AuthQryRej)
	s.noteIf(q.Flags&wire.RD != 0, RecQryRej)
}

// replyRcode is the response code of a reply with the upper bits that its OPT has:
// two of them can be told from what stands in the header.
func replyRcode(q *query, reply []byte) int {
	switch rcode := int(wire.Flags(reply) & 0xf); {
	case rcode == wire.BadCookie&0xf: // YXRRSET is no answer to a query
		return wire.BadCookie
	case rcode == wire.NoError && q.EDNS.Version > 0:
		return wire.BadVers
	default:
		return rcode
	}
}

// countResult counts what came of a query that was looked up.
func countResult(s *clientShard, rcode int, reply []byte) {
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
func resultOf(reply []byte) ClientCounter {
	if wire.HasAnswer(reply) || wire.Flags(reply)&wire.TC != 0 {
		return QrySuccess
	}
	return QryNxrrset
}

// clientSums are the shards of CountClients, nil before it.
type clientSums = atomic.Pointer[[clientShards]clientShard]
