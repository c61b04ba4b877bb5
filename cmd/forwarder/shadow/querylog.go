package shadow

import (
	"net/netip"
	"strconv"
	"strings"
)

// parseNumber reads PREFIXn (RFC 3597, 5).
func parseNumber(s, prefix string) (uint16, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return uint16(n), err == nil
}

// parseLogged reads a line of a query log, whatever a channel or syslog puts in
// front:
//
//	client @0x7f… 10.0.0.9#46065 (ok.example): view x: query: ok.example IN A +E(0)K (10.1.0.1)
//
// The client is the zero value where it cannot be read.
func parseLogged(line string) (q Question, client netip.AddrPort, ok bool) {
	head, rest, ok := strings.Cut(line, ": query: ") // blanks of names are written \032
	if !ok {
		return Question{}, client, false
	}
	fields := strings.Fields(rest)
	if len(fields) < 4 {
		return Question{}, client, false
	}
	class, okClass := parseClass(fields[1])
	qtype, okType := parseType(fields[2])
	q, ok = newQuestion(fields[0], qtype)
	if !ok || !okClass || !okType {
		return Question{}, client, false
	}
	q.Class = class
	q.setFlags(fields[3])
	return q, loggedClient(head), true
}

// setFlags reads +E(0)TDCK: recursion desired or not, EDNS and its version, TCP,
// DO, CD, and a cookie.
func (q *Question) setFlags(s string) {
	q.NoRecursion = strings.HasPrefix(s, "-")
	q.EDNS = strings.Contains(s, "E(")
	q.DO = strings.Contains(s, "D")
	q.CD = strings.Contains(s, "C")
}

// loggedClient finds ADDRESS#PORT in what stands before the query. named before 9.11
// has a colon behind it.
func loggedClient(head string) netip.AddrPort {
	_, head, _ = strings.Cut(head, "client ")
	for field := range strings.FieldsSeq(head) {
		if a, err := ParseAddr(strings.TrimSuffix(field, ":"), 0); err == nil && a.Port() != 0 {
			return a
		}
	}
	return netip.AddrPort{}
}
