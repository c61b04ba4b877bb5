package local

import (
	"errors"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// parseTTL reads seconds, or weeks, days, hours, minutes and seconds with
// their units.
func parseTTL(text string) (uint32, bool) {
	var total, n uint64
	digits := false
	for i := range len(text) {
		c := text[i]
		if c >= '0' && c <= '9' {
			n, digits = n*10+uint64(c-'0'), true
		} else if unit := ttlUnit(c); unit > 0 && digits {
			total, n, digits = total+n*unit, 0, false
		} else {
			return 0, false
		}
		if n > 1<<32-1 || total > 1<<32-1 {
			return 0, false
		}
	}
	if digits && total > 0 || text == "" { // a number without unit stands alone
		return 0, false
	}
	return uint32(total + n), true
}

func ttlUnit(c byte) uint64 {
	switch c | 0x20 {
	case 'w':
		return 7 * 86400
	case 'd':
		return 86400
	case 'h':
		return 3600
	case 'm':
		return 60
	case 's':
		return 1
	}
	return 0
}

func parseClass(text string) (uint16, bool) {
	switch text = strings.ToUpper(text); text {
	case "CHAOS":
		return dns.ClassCHAOS, true
	case "HESIOD":
		return dns.ClassHESIOD, true
	}
	if c, ok := dns.StringToClass[text]; ok {
		return c, true
	}
	return numbered(text, "CLASS") // RFC 3597, 5
}

var (
	errUnknownType  = errors.New("unknown RR type")
	errMetaType     = errors.New("invalid use of a meta type")
	errObsoleteType = errors.New("obsolete RR type")
)

// parseType reads the type of a record of a zone.
func parseType(text string) (uint16, error) {
	text = strings.ToUpper(text)
	rtype, ok := dns.StringToType[text]
	if !ok {
		rtype, ok = oldTypes[text]
	}
	if !ok {
		rtype, ok = numbered(text, "TYPE") // RFC 3597, 5
	}
	switch {
	case !ok:
		return 0, errUnknownType
	case rtype == dns.TypeMD || rtype == dns.TypeMF: // RFC 973
		return 0, errObsoleteType
	case rtype == 0 || rtype == dns.TypeOPT || rtype >= 128 && rtype < 256: // RFC 6895, 3.1
		return 0, errMetaType
	}
	return rtype, nil
}

func numbered(text, prefix string) (uint16, bool) {
	digits, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return uint16(n), err == nil
}
