package local

import (
	"fmt"
	"strings"
)

// directive reads a line that starts with $ (RFC 1035, 5.1; RFC 2308, 4). BIND adds
// $GENERATE, and $DATE in its dumps.
func (l *loader) directive(name string) error {
	args, err := l.fields()
	if err != nil {
		return err
	}
	least, most, known := arguments(name)
	switch {
	case !known:
		return l.errorf(l.source.start, "unknown $ directive '%s'", name)
	case len(args) < least:
		return l.errorf(l.source.start, "%s: unexpected end of line", name)
	case len(args) > most:
		return l.errorf(l.source.start, "%s: extra input text '%s'", name, args[most].text)
	}
	return l.apply(strings.ToUpper(name), args)
}

// arguments tells how many a directive takes.
func arguments(name string) (least, most int, known bool) {
	switch strings.ToUpper(name) {
	case "$ORIGIN", "$TTL", "$DATE":
		return 1, 1, true
	case "$INCLUDE":
		return 1, 2, true
	case "$GENERATE":
		return 4, 6, true
	}
	return 0, 0, false
}

func (l *loader) apply(name string, args []token) error {
	switch name {
	case "$ORIGIN":
		return l.setOrigin(args[0].text)
	case "$TTL":
		return l.setTTL(args[0].text)
	case "$INCLUDE":
		return l.includeFrom(args)
	case "$GENERATE":
		return l.generate(args)
	}
	return nil
}

func (l *loader) setOrigin(text string) error {
	origin, err := absolute(text, l.origin)
	if err != nil {
		return l.errorf(l.source.start, "$ORIGIN: %s: %v", text, err)
	}
	l.origin = origin
	return nil
}

func (l *loader) setTTL(text string) error {
	ttl, ok := parseTTL(text)
	if !ok {
		return l.errorf(l.source.start, "$TTL: '%s' is no TTL", text)
	}
	l.defaultTTL, l.hasDefault = l.limitTTL(ttl), true
	return nil
}

// includeFrom reads another file, with an origin of its own if it is given one.
func (l *loader) includeFrom(args []token) error {
	former := l.origin
	if len(args) > 1 {
		if err := l.setOrigin(args[1].text); err != nil {
			return err
		}
	}
	err := l.include(args[0].text)
	l.origin = former
	return err
}

// generate makes the records of $GENERATE RANGE OWNER [TTL] [CLASS] TYPE RDATA.
func (l *loader) generate(args []token) error {
	r, ok := parseRange(args[0].text)
	if !ok {
		return l.errorf(l.source.start, "$GENERATE: invalid range '%s'", args[0].text)
	}
	h, data, err := l.header(args[2:])
	switch {
	case err != nil:
		return err
	case len(data) != 1:
		return l.errorf(l.source.start, "$GENERATE: one text for the data expected, put it in quotes")
	}
	text := data[0].text
	if data[0].kind == quoted {
		text = strings.ReplaceAll(text, `\"`, `"`)
	}
	l.generated = true
	defer func() { l.generated = false }()
	for n := r.start; n <= r.stop; n += r.step {
		if err := l.generateOne(args[1].text, h, text, n); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) generateOne(owner string, h header, data string, n int64) error {
	name, err := expand(owner, n)
	if err == nil {
		data, err = expand(data, n)
	}
	if err != nil {
		return l.errorf(l.source.start, "$GENERATE: %v", err)
	}
	if name, err = absolute(name, l.origin); err != nil {
		return l.errorf(l.source.start, "$GENERATE: %s: %v", owner, err)
	}
	rdata, err := tokens(data)
	if err != nil {
		return l.errorf(l.source.start, "$GENERATE: %v", err)
	}
	return l.record(name, h, rdata)
}

// span is the range of a $GENERATE.
type span struct{ start, stop, step int64 }

// maxSpan is the greatest number in a range.
const maxSpan = 1<<31 - 1

// parseRange reads START-STOP[/STEP].
func parseRange(text string) (span, bool) {
	r := span{step: 1}
	first, rest, ok := strings.Cut(text, "-")
	if !ok || !number(first, &r.start) {
		return r, false
	}
	last, step, stepped := strings.Cut(rest, "/")
	if !number(last, &r.stop) || stepped && (!number(step, &r.step) || r.step == 0) {
		return r, false
	}
	return r, r.start <= r.stop
}

// number reads digits up to maxSpan.
func number(text string, n *int64) bool {
	if text == "" || len(text) > 10 {
		return false
	}
	*n = 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
		*n = *n*10 + int64(c-'0')
	}
	return *n <= maxSpan
}

// expand puts n into a template of a $GENERATE: $ is the number, ${OFFSET[,WIDTH[,FORMAT]]}
// one that is written otherwise, $$ a dollar sign; a backslash keeps what follows.
func expand(template string, n int64) (string, error) {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template):
			b.WriteString(template[i : i+2])
			i++
		case c != '$':
			b.WriteByte(c)
		case strings.HasPrefix(template[i+1:], "$"):
			b.WriteByte('$')
			i++
		default:
			m, length, ok := parseModifier(template[i+1:])
			if !ok {
				return "", fmt.Errorf("invalid modifier '%s'", template[i:])
			}
			m.write(&b, n)
			i += length
		}
	}
	return b.String(), nil
}

// modifier says how a number is written.
type modifier struct {
	offset int64
	width  int64
	format byte // d, o, x, X, or n, N for reversed nibbles
}

// maxWidth is as much as one label and the next can hold.
const maxWidth = 127

// parseModifier reads what stands behind a $, and returns its length.
func parseModifier(text string) (m modifier, length int, ok bool) {
	m.format = 'd'
	if !strings.HasPrefix(text, "{") {
		return m, 0, true
	}
	length = strings.IndexByte(text, '}') + 1
	if length == 0 {
		return m, 0, false
	}
	parts := strings.Split(text[1:length-1], ",")
	digits, negative := strings.CutPrefix(parts[0], "-")
	if !number(strings.TrimPrefix(digits, "+"), &m.offset) {
		return m, 0, false
	}
	if negative {
		m.offset = -m.offset
	}
	if len(parts) > 1 && (!number(strings.TrimPrefix(parts[1], "+"), &m.width) || m.width > maxWidth) {
		return m, 0, false
	}
	if len(parts) > 2 {
		if len(parts[2]) != 1 || !strings.Contains("doxXnN", parts[2]) {
			return m, 0, false
		}
		m.format = parts[2][0]
	}
	return m, length, len(parts) <= 3
}

// write writes n as BIND does.
func (m modifier) write(b *strings.Builder, n int64) {
	n += m.offset
	switch m.format {
	case 'o':
		fmt.Fprintf(b, "%0*o", m.width, uint32(n))
	case 'x':
		fmt.Fprintf(b, "%0*x", m.width, uint32(n))
	case 'X':
		fmt.Fprintf(b, "%0*X", m.width, uint32(n))
	case 'n':
		nibbles(b, "0123456789abcdef", uint32(n), m.width)
	case 'N':
		nibbles(b, "0123456789ABCDEF", uint32(n), m.width)
	default:
		fmt.Fprintf(b, "%0*d", m.width, n)
	}
}

// nibbles writes the digits of n, the last first, with dots between, as wide
// as it is told, dots included.
func nibbles(b *strings.Builder, digits string, n uint32, width int64) {
	for more := true; more; more = n != 0 || width > 0 {
		b.WriteByte(digits[n&0xf])
		n >>= 4
		width--
		if n != 0 || width > 0 {
			b.WriteByte('.')
			width--
		}
	}
}
