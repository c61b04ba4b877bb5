package route53

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// The longest label and name, in octets: RFC 1035, section 2.3.4.
const (
	maxLabel = 63
	maxName  = 255
)

// normalName writes a domain name as Route 53 keeps it: lower case, with a
// final dot, and all but letters, digits, hyphens and underscores as three
// octal digits. It takes escapes as well as the characters themselves.
func normalName(name string) (string, error) {
	if name == "" {
		return "", errors.New("DomainEmpty (Domain is empty)")
	}
	var out strings.Builder
	label, total := 0, 1
	for i := 0; i < len(name); {
		c, n, ok := octet(name[i:])
		if !ok {
			return "", errors.New("UnsupportedEscape (Value contains an escape that is no octal code)")
		}
		i += n
		total++
		if c == '.' && n == 1 {
			if label == 0 && name != "." {
				return "", errors.New("DomainLabelEmpty (Domain label is empty)")
			}
			label = 0
			out.WriteByte('.')
			continue
		}
		if label++; label > maxLabel {
			return "", errors.New("DomainLabelTooLong (Domain label is too long)")
		}
		out.WriteString(escape(c))
	}
	if total > maxName {
		return "", errors.New("DomainNameTooLong (Domain name is too long)")
	}
	return strings.TrimSuffix(out.String(), ".") + ".", nil
}

// octet reads one, which may be escaped, and returns of how many characters.
func octet(s string) (c byte, n int, ok bool) {
	if s[0] != '\\' {
		return s[0], 1, true
	}
	if len(s) < 4 {
		return 0, 0, false
	}
	value := 0
	for _, digit := range []byte(s[1:4]) {
		if digit < '0' || digit > '7' {
			return 0, 0, false
		}
		value = value*8 + int(digit-'0')
	}
	return byte(value), 4, value <= 0xff
}

func escape(c byte) string {
	switch {
	case 'A' <= c && c <= 'Z':
		return string(c - 'A' + 'a')
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		return string(c)
	}
	return fmt.Sprintf(`\%03o`, c)
}

// reversed writes a normal name in the order of the API's lists: labels from
// the root on, a dot after each, escapes as the characters that they are.
func reversed(name string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	var out strings.Builder
	for _, label := range labels {
		for i := 0; i < len(label); {
			c, n, _ := octet(label[i:])
			out.WriteByte(c)
			i += n
		}
		out.WriteByte('.')
	}
	return out.String()
}

func compareNames(a, b string) int { return strings.Compare(reversed(a), reversed(b)) }

// within reports whether a normal name is at or below the zone's apex.
func within(name, apex string) bool {
	return name == apex || strings.HasSuffix(name, "."+apex)
}

// parent returns the name above, in which each dot ends a label.
func parent(name string) string {
	_, above, _ := strings.Cut(name, ".")
	if above == "" {
		return "."
	}
	return above
}

// dnsName writes a normal name as miekg/dns does, whose escapes are decimal.
func dnsName(name string) string {
	var out strings.Builder
	for i := 0; i < len(name); {
		c, n, _ := octet(name[i:])
		i += n
		switch {
		case n == 1 || c == '*':
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, `\%03d`, c)
		}
	}
	return dns.CanonicalName(out.String())
}

// fromDNS is the reverse of dnsName, with "" for what no zone can have.
func fromDNS(name string) string {
	packed := make([]byte, maxName+1)
	end, err := dns.PackDomainName(dns.CanonicalName(name), packed, 0, nil, false)
	if err != nil {
		return ""
	}
	var out strings.Builder
	for off := 0; off < end && packed[off] != 0; {
		size := int(packed[off])
		for _, c := range packed[off+1 : off+1+size] {
			out.WriteString(escape(c))
		}
		out.WriteByte('.')
		off += 1 + size
	}
	if out.Len() == 0 {
		return "."
	}
	return out.String()
}
