package namedconf

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The values of named.conf as BIND's lexer and isccfg read them: facts about
// its grammar, each checked against named-checkconf 9.18.

// parseBoolean reads yes, no, true, false, 1 or 0 in any case.
func parseBoolean(s string) (v, ok bool) {
	switch strings.ToLower(s) {
	case "yes", "true", "1":
		return true, true
	case "no", "false", "0":
		return false, true
	}
	return false, false
}

// parseInteger reads a 32-bit number as C writes it: 16, 0x10 and 020 are the
// same. BIND's lexer knows no hexadecimal digits beyond 9.
func parseInteger(s string) (uint32, bool) {
	base, digits := 10, s
	switch {
	case len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x':
		base, digits = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, digits = 8, s[1:]
	}
	if strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return uint32(n), err == nil
}

// ParsePort reads the decimal port of `address port N`, where a leading zero
// means nothing.
func ParsePort(s string) (uint16, bool) {
	n, ok := ParseDecimal(s)
	return uint16(n), ok && n <= math.MaxUint16
}

// ParseDecimal reads digits and nothing else.
func ParseDecimal(s string) (uint64, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// parseSize reads octets with an optional k, m or g (powers of 1024). Digits
// beyond 64 bits saturate, as in BIND; a unit beyond them is an error.
func parseSize(s string) (uint64, bool) {
	digits, shift := s, 0
	if s != "" {
		if i := strings.IndexByte("kKmMgG", s[len(s)-1]); i >= 0 {
			digits, shift = s[:len(s)-1], 10*(i/2+1)
		}
	}
	n, err := parseSaturating(digits)
	if err != nil || n > math.MaxUint64>>shift {
		return 0, false
	}
	return n << shift, true
}

var errNotDecimal = errors.New("not a decimal number")

func parseSaturating(s string) (uint64, error) {
	if n, ok := ParseDecimal(s); ok {
		return n, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return n, nil
	}
	return 0, errNotDecimal
}

// ParsePercent reads N%.
func ParsePercent(s string) (uint64, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	if !ok {
		return 0, false
	}
	return ParseDecimal(digits)
}

// ParseDuration reads seconds, the TTL form 1w2d3h4m5s, or an ISO 8601
// duration. What is more than 2^32-1 seconds is that in ISO 8601, and an error
// otherwise.
func ParseDuration(s string) (time.Duration, bool) {
	n, ok := parseTTL(s)
	if !ok {
		var d isoDuration
		if d, ok = parseISO8601(s); !ok {
			return 0, false
		}
		n = d.seconds()
	}
	return time.Duration(n) * time.Second, true
}

// ttlUnits are the seconds of the letters of a TTL, which may stand in any
// order and number.
var ttlUnits = map[byte]uint64{'w': 7 * 86400, 'd': 86400, 'h': 3600, 'm': 60, 's': 1}

// parseTTL reads plain seconds, or numbers that each have a unit (BIND's
// dns_ttl_fromtext).
func parseTTL(s string) (total uint64, ok bool) {
	if n, ok := ParseDecimal(s); ok {
		return n, n <= math.MaxUint32
	}
	found := false
	for s != "" {
		n, unit, rest, ok := cutQuantity(s)
		seconds, known := ttlUnits[unit]
		if !ok || !known {
			return 0, false
		}
		if total += n * seconds; total > math.MaxUint32 {
			return 0, false
		}
		s, found = rest, true
	}
	return total, found
}

// cutQuantity cuts a number of up to 32 bits and the letter after it, in lower
// case.
func cutQuantity(s string) (n uint64, unit byte, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 || i == len(s) {
		return 0, 0, s, false
	}
	n, err := strconv.ParseUint(s[:i], 10, 32)
	return n, s[i] | 0x20, s[i+1:], err == nil
}

// isoDuration holds the weeks, years, months, days, hours, minutes and seconds
// of an ISO 8601 duration, each up to 2^32-1.
type isoDuration [7]uint64

// The letters of an isoDuration, in the order they must have, and what they
// stand for in seconds. BIND counts 31 days in a month and 365 in a year.
const (
	isoUnits = "WYMDHMS"
	isoTime  = 4 // the first one after the T
)

var isoSeconds = isoDuration{7 * 86400, 365 * 86400, 31 * 86400, 86400, 3600, 60, 1}

// parseISO8601 reads PnYnMnDTnHnMnS, of which all parts may be missing, or
// PnW.
func parseISO8601(s string) (d isoDuration, ok bool) {
	if s == "" || s[0]|0x20 != 'p' {
		return d, false
	}
	date, clock, _ := strings.Cut(strings.ToUpper(s[1:]), "T")
	if n, unit, rest, ok := cutQuantity(date); ok && unit == 'w' {
		d[0] = n
		return d, rest == "" && !strings.ContainsAny(s, "Tt")
	}
	ok = d.read(date, 1, isoTime) && d.read(clock, isoTime, len(isoUnits))
	return d, ok
}

// read takes the quantities of s, whose units must stand in the order of
// isoUnits[from:to].
func (d *isoDuration) read(s string, from, to int) bool {
	for s != "" {
		n, unit, rest, ok := cutQuantity(s)
		i := strings.IndexByte(isoUnits[from:to], unit&^0x20)
		if !ok || i < 0 {
			return false
		}
		d[from+i] = n
		s, from = rest, from+i+1
	}
	return true
}

// seconds is the duration in seconds, 2^32-1 at most.
func (d isoDuration) seconds() (total uint64) {
	for i, n := range d {
		total = min(total+n*isoSeconds[i], math.MaxUint32)
	}
	return total
}

// String writes the duration without the parts that are zero.
func (d isoDuration) String() string {
	if d.seconds() == 0 {
		return "PT0S"
	}
	b := []byte{'P'}
	for i, n := range d {
		if n == 0 {
			continue
		}
		if i >= isoTime && !bytes.ContainsRune(b, 'T') {
			b = append(b, 'T')
		}
		b = append(strconv.AppendUint(b, n, 10), isoUnits[i])
	}
	return string(b)
}

// parseAddress reads an IPv4 or IPv6 address, the latter with or without a
// zone.
func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

// parseNetwork reads the part of a prefix before the slash: an address, or one
// to three octets of an IPv4 address, which is then short.
func parseNetwork(s string) (a netip.Addr, short, ok bool) {
	if a, ok := parseAddress(s); ok {
		return a, false, true
	}
	for padded := s + ".0"; len(padded) <= len("255.255.255.255"); padded += ".0" {
		if a, err := netip.ParseAddr(padded); err == nil && a.Is4() {
			return a, true, true
		}
	}
	return netip.Addr{}, false, false
}
