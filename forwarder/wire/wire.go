// Package wire reads and edits DNS messages (RFC 1035) where they lie, without
// unpacking and without allocating.
//
// Three views of a message are enough for a forwarder: Query is what a client
// sent, Message is what upstream answered, and Answer is that answer as it is
// kept: without question and OPT, with a table of its records, so that a reply
// is the client's own question followed by a copy with fresh TTLs.
//
// Everything that is not done once a datagram belongs to miekg/dns.
package wire

import "encoding/binary"

// HeaderLen is the length of a message's header in octets (RFC 1035, 4.1.1).
const HeaderLen = 12

// maxMessage is the longest message in octets: TCP prefixes its length with 16
// bits (RFC 1035, 4.2.2).
const maxMessage = 1<<16 - 1

// Flags of the header's second word that the code looks at or sets (RFC 1035,
// 4.1.1; RFC 4035, 3.1.6).
const (
	QR = 1 << 15
	AA = 1 << 10
	TC = 1 << 9
	RD = 1 << 8
	RA = 1 << 7
	CD = 1 << 4

	opcodeShift = 11
	opcodeMask  = 0xf
	rcodeMask   = 0xf
)

// Opcodes that are told apart.
const (
	OpcodeQuery  = 0
	OpcodeNotify = 4
	OpcodeUpdate = 5
)

// Response codes (RFC 1035, 4.1.1; RFC 2136, 2.2; RFC 6891, 9; RFC 7873, 8).
const (
	NoError   = 0
	FormErr   = 1
	ServFail  = 2
	NXDomain  = 3
	NotImp    = 4
	Refused   = 5
	YXDomain  = 6
	NotAuth   = 9
	BadVers   = 16
	BadCookie = 23
)

// Types and classes that the code treats specially.
const (
	TypeA     = 1
	TypeNS    = 2
	TypeCNAME = 5
	TypeSOA   = 6
	typePTR   = 12
	typeMX    = 15
	typeAFSDB = 18
	typeRT    = 21
	typeSIG   = 24
	TypeAAAA  = 28
	typeSRV   = 33
	typeNAPTR = 35
	typeKX    = 36
	TypeDNAME = 39
	TypeOPT   = 41
	TypeRRSIG = 46
	typeNSEC  = 47
	typeNSEC3 = 50
	typeSVCB  = 64
	typeHTTPS = 65
	TypeTKEY  = 249
	TypeTSIG  = 250
	TypeIXFR  = 251
	TypeAXFR  = 252
	TypeMAILB = 253
	TypeMAILA = 254
	TypeANY   = 255

	ClassIN   = 1
	ClassCH   = 3
	ClassHS   = 4
	ClassNONE = 254
	ClassANY  = 255
)

// ID returns the message ID; msg is at least HeaderLen octets, here and below.
func ID(msg []byte) uint16 { return binary.BigEndian.Uint16(msg) }

// Flags returns the header's second word: flags, opcode and rcode.
func Flags(msg []byte) uint16 { return binary.BigEndian.Uint16(msg[2:]) }

// Rcode returns the header's four bits of the response code.
func Rcode(msg []byte) int { return int(msg[3] & rcodeMask) }

// Truncated reports whether TC is set.
func Truncated(msg []byte) bool { return msg[2]&(TC>>8) != 0 }

// HasAnswer reports whether a message says that it has records in its answer section.
func HasAnswer(msg []byte) bool { return count(msg, answer) > 0 }

func count(msg []byte, section int) int {
	return int(binary.BigEndian.Uint16(msg[4+2*section:]))
}

// AppendHeader appends a header with the counts of the four sections.
func AppendHeader(dst []byte, id, flags, qd, an, ns, ar uint16) []byte {
	return append(dst,
		byte(id>>8), byte(id), byte(flags>>8), byte(flags),
		byte(qd>>8), byte(qd), byte(an>>8), byte(an),
		byte(ns>>8), byte(ns), byte(ar>>8), byte(ar))
}
