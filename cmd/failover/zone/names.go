package zone

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// canonical returns a name as Route 53 writes it: in lower case, with a final dot,
// and with \ooo, in octal, for what is no letter, digit, hyphen or underscore. So
// "*" is \052. Names in other scripts are to be given in their ASCII form.
func canonical(name string) (string, error) {
	labels, err := splitLabels(name)
	if err != nil {
		return "", fmt.Errorf("%q is no name: %w", name, err)
	}
	var b strings.Builder
	octets := 1 // RFC 1035, section 3.1: the root's length octet
	for _, l := range labels {
		octets += 1 + len(l)
		if len(l) == 0 || len(l) > 63 {
			return "", fmt.Errorf("%q is no name: a label has 1 to 63 octets", name)
		}
		writeLabel(&b, l)
	}
	if octets > 255 {
		return "", fmt.Errorf("%q is no name: it is longer than 255 octets", name)
	}
	return b.String(), nil
}

func writeLabel(b *strings.Builder, label []byte) {
	for _, c := range label {
		switch {
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(b, `\%03o`, c)
		}
	}
	b.WriteByte('.')
}

// splitLabels cuts a name at its dots, and reads its escapes: \ooo is an octet in
// octal, as Route 53 has it, and a backslash before anything else that itself.
func splitLabels(name string) (labels [][]byte, err error) {
	var label []byte
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '.':
			labels, label = append(labels, label), nil
		case c == '\\':
			octet, n, err := unescape(name[i+1:])
			if err != nil {
				return nil, err
			}
			label, i = append(label, octet), i+n
		case c >= 0x80:
			return nil, errors.New("write it in its ASCII form, with xn--")
		default:
			label = append(label, c)
		}
	}
	if len(label) > 0 {
		labels = append(labels, label)
	}
	if len(labels) == 0 {
		return nil, errors.New("it is empty")
	}
	return labels, nil
}

// unescape reads what follows a backslash, and returns how long that is.
func unescape(s string) (octet byte, n int, err error) {
	switch {
	case s == "":
		return 0, 0, errors.New("nothing follows its backslash")
	case s[0] < '0' || s[0] > '9':
		return s[0], 1, nil
	case len(s) >= 3:
		if v, err := strconv.ParseUint(s[:3], 8, 8); err == nil {
			return byte(v), 3, nil
		}
	}
	return 0, 0, errors.New(`three octal digits follow a backslash, as in \052`)
}

// shown is a canonical name as people write it.
func shown(name string) string {
	name = strings.TrimSuffix(name, ".")
	if rest, ok := strings.CutPrefix(name, `\052.`); ok {
		return "*." + rest
	}
	return name
}

// isBelow reports whether a canonical name is the zone's own or one below it.
func isBelow(name, zone string) bool {
	return name == zone || strings.HasSuffix(name, "."+zone)
}
