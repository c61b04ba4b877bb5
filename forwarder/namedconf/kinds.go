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
		return s, isFixedPoint(s)
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

// isFixedPoint reports whether s is digits with up to two decimals.
func isFixedPoint(s string) bool {
	whole, fraction, _ := strings.Cut(s, ".")
	_, ok := ParseDecimal(whole + fraction)
	return ok && len(whole) <= 5 && len(fraction) <= 2
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

// Endpoint is an address, then perhaps `port N`. Port 0 and `port *` are the
// same as none.
type Endpoint struct {
	V4, V6  bool // which families
	AnyAddr bool // `*` is an address too
	AnyPort bool // `*` is a port too
	NoPort  bool // nothing follows the address
}

func (e Endpoint) String() string {
	s := e.family()
	if !e.NoPort {
		s += " [port number]"
	}
	return s
}

func (e Endpoint) family() string {
	s := "address"
	if !e.V6 {
		s = "IPv4 address"
	} else if !e.V4 {
		s = "IPv6 address"
	}
	if e.AnyAddr {
		return "(" + s + " | *)"
	}
	return s
}

func (e Endpoint) Starts(it Item) bool {
	_, ok := e.address(it)
	return ok
}

// address returns the normal form of an address of the right family.
func (e Endpoint) address(it Item) (string, bool) {
	switch {
	case it.Kind != Word:
		return "", false
	case it.Text == "*" && e.AnyAddr && e.V4:
		return "0.0.0.0", true
	case it.Text == "*" && e.AnyAddr:
		return "::", true
	}
	a, ok := parseAddress(it.Text)
	return a.String(), ok && (e.V4 && a.Is4() || e.V6 && a.Is6())
}

func (e Endpoint) Read(r *Reader) error {
	if r.done() || !e.Starts(r.in[0]) {
		return r.expected(e.family())
	}
	it, _ := r.next(Word)
	text, _ := e.address(it)
	r.put(it, text)
	if e.NoPort || r.done() || !Keyword("port").Starts(r.in[0]) {
		return nil
	}
	return e.readPort(r)
}

func (e Endpoint) readPort(r *Reader) error {
	word, _ := r.next(Word)
	if !r.done() && e.AnyPort && Keyword("*").Starts(r.in[0]) {
		r.next(Word)
		return nil
	}
	if r.done() || !Port.Starts(r.in[0]) {
		return r.expected("port number (0 to 65535)")
	}
	n, _ := r.next(Word)
	if text, _ := Port.normal(n.Text); text != "0" {
		r.put(word, "port")
		r.put(n, text)
	}
	return nil
}

// QuerySource is the source address of queries: an address, or `address A` and
// `port N` in any order.
type QuerySource struct{ V6 bool } // IPv4 without

func (q QuerySource) String() string { return "[address] " + q.Addr().String() + " [port number]" }

// Addr is the syntax of its address.
func (q QuerySource) Addr() Endpoint {
	return Endpoint{V4: !q.V6, V6: q.V6, AnyAddr: true, NoPort: true}
}

func (q QuerySource) Starts(it Item) bool {
	return Words{"address", "port"}.Starts(it) || q.Addr().Starts(it)
}

func (q QuerySource) Read(r *Reader) error {
	port := Choice{Keyword("*"), Port}
	labelled := AnyOrder{{Keyword("address"), q.Addr()}, {Keyword("port"), port}}
	if r.done() || !labelled.Starts(r.in[0]) {
		return Sequence{q.Addr(), Optional{Keyword("port"), port}}.Read(r)
	}
	first, before := r.in[0], len(r.out)
	if err := labelled.Read(r); err != nil {
		return err
	}
	r.out = append(r.out[:before], q.normal(first, r.out[before:])...)
	return nil
}

// normal is `address A port N`, with `*` or 0 for what is missing.
func (q QuerySource) normal(at Item, parts []Item) []Item {
	anyAddr, _ := q.Addr().address(Item{Text: "*"})
	texts := []string{"address", anyAddr, "port", "0"}
	for i := 0; i+1 < len(parts); i += 2 {
		switch {
		case parts[i].Text == "address":
			texts[1] = parts[i+1].Text
		case parts[i+1].Text != "*":
			texts[3] = parts[i+1].Text
		}
	}
	items := make([]Item, len(texts))
	for i, t := range texts {
		items[i] = Item{Text: t, Pos: at.Pos}
	}
	return items
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
