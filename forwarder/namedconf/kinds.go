package namedconf

import (
	"net/netip"
	"strconv"
	"strings"
)

// ValueKind is the syntax of a single value.
type ValueKind uint8

// The kinds of values.
const (
	Boolean      ValueKind = iota
	Number                 // 32 bits, C notation
	FixedPoint             // a fixed-point number, 1.25
	Size                   // octets with an optional unit
	Percentage             // N%
	Duration               // seconds, 1h30m, PT1H30M
	Port                   // the port after an address
	Name                   // a word or a quoted string
	QuotedString           // a quoted string
	PlainWord              // a word
	Prefix                 // an address or prefix
)

var kindNames = [...]string{
	Boolean:      "boolean",
	Number:       "number",
	FixedPoint:   "fraction",
	Size:         "size",
	Percentage:   "percentage",
	Duration:     "duration",
	Port:         "port",
	Name:         "name",
	QuotedString: "quoted string",
	PlainWord:    "word",
	Prefix:       "prefix",
}

// kindHints say more where a value is wrong, beyond its kind.
var kindHints = map[ValueKind]string{
	Size:     " (octets, or a number with k, m or g)",
	Duration: " (seconds, a TTL such as 1h30m, or ISO 8601 such as PT1H30M)",
}

func (k ValueKind) String() string { return kindNames[k] }

func (k ValueKind) Starts(it Item) bool {
	switch k {
	case QuotedString:
		return it.Kind == String
	case Name:
		return it.Kind == Word || it.Kind == String
	}
	_, ok := k.normal(it.Text)
	return ok && it.Kind == Word
}

func (k ValueKind) Read(r *Reader) error {
	switch k {
	case Prefix:
		return readNetwork(r)
	case QuotedString, Name:
		return k.readString(r)
	}
	if r.done() || !k.Starts(r.in[0]) {
		return r.expected(k.String() + kindHints[k])
	}
	it, _ := r.next(Word)
	text, _ := k.normal(it.Text)
	r.put(it, text)
	return nil
}

func (k ValueKind) readString(r *Reader) error {
	it, ok := r.next(String)
	if !ok && k == Name {
		it, ok = r.next(Word)
	}
	if !ok {
		return r.expected(k.String())
	}
	it.Kind = String
	r.put(it, it.Text)
	return nil
}

// normal returns a word's normal form if it is of the kind.
func (k ValueKind) normal(s string) (string, bool) {
	switch k {
	case Boolean:
		v, ok := parseBoolean(s)
		return yesNo(v), ok
	case Number:
		n, ok := parseInteger(s)
		return strconv.FormatUint(uint64(n), 10), ok
	case FixedPoint:
		return normalFixedPoint(s)
	case Size:
		n, ok := parseSize(s)
		return strconv.FormatUint(n, 10), ok
	case Percentage:
		n, ok := ParsePercent(s)
		return strconv.FormatUint(n, 10) + "%", ok
	case Duration:
		return normalDuration(s)
	case Port:
		n, ok := ParsePort(s)
		return strconv.FormatUint(uint64(n), 10), ok
	case Prefix:
		_, _, ok := parseNetwork(s)
		return s, ok
	}
	return s, true
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// normalFixedPoint is digits with two decimals, which may be written with fewer.
func normalFixedPoint(s string) (string, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	_, ok := ParseDecimal(whole + fraction)
	n, _ := ParseDecimal(whole) // 0 where nothing stands before the point
	return strconv.FormatUint(n, 10) + "." + (fraction + "00")[:2], ok && len(whole) <= 5 && len(fraction) <= 2
}

// normalDuration is in seconds, but for ISO 8601, which stays that.
func normalDuration(s string) (string, bool) {
	if n, ok := parseTTL(s); ok {
		return strconv.FormatUint(n, 10), true
	}
	d, ok := parseISO8601(s)
	return d.String(), ok
}

// readNetwork reads an address, or a prefix: address, slash, length.
func readNetwork(r *Reader) error {
	if r.done() || !Prefix.Starts(r.in[0]) {
		return r.expected("IP address or prefix")
	}
	it, _ := r.next(Word)
	a, short, _ := parseNetwork(it.Text)
	if _, slash := r.next(Slash); slash {
		return readLength(r, it, a)
	}
	if short {
		return &SyntaxError{it.Pos, "incomplete IPv4 address or prefix near '" + it.String() + "'"}
	}
	r.put(it, a.String()+"/"+strconv.Itoa(a.BitLen()))
	return nil
}

func readLength(r *Reader, it Item, a netip.Addr) error {
	if r.done() || r.in[0].Kind != Word {
		return r.expected("prefix length")
	}
	n, ok := ParseDecimal(r.in[0].Text)
	if !ok {
		return r.expected("prefix length")
	}
	length, _ := r.next(Word)
	if n > uint64(a.BitLen()) {
		return &SyntaxError{length.Pos, "invalid prefix length '" + length.String() + "'"}
	}
	if p := netip.PrefixFrom(a.WithZone(""), int(n)); p != p.Masked() {
		return &SyntaxError{it.Pos, "'" + p.String() + "': address/prefix length mismatch"}
	}
	r.put(it, a.String()+"/"+strconv.FormatUint(n, 10))
	return nil
}

// DebugLevel is `debug`, perhaps with a level; alone it is 1.
type DebugLevel struct{}

func (DebugLevel) String() string { return "debug [number]" }

func (DebugLevel) Starts(it Item) bool { return Keyword("debug").Starts(it) }

func (DebugLevel) Read(r *Reader) error {
	if err := Keyword("debug").Read(r); err != nil {
		return err
	}
	if !r.done() && Number.Starts(r.in[0]) {
		return Number.Read(r)
	}
	r.put(r.out[len(r.out)-1], "1")
	return nil
}
