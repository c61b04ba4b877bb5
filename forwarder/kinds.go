package forwarder

import (
	"net/netip"
	"strconv"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// kind is the syntax of a single value.
type kind uint8

const (
	aBoolean    kind = iota
	aNumber          // 32 bits, C notation
	aFixedPoint      // a fixed-point number, 1.25
	aSize            // octets with an optional unit
	aPercentage      // N%
	aDuration        // seconds, 1h30m, PT1H30M
	aPort            // the port after an address
	aName            // a word or a quoted string
	aString          // a quoted string
	aWord            // a word
	aPrefix          // an address or prefix
)

var kindNames = [...]string{
	aBoolean:    "boolean",
	aNumber:     "number",
	aFixedPoint: "fraction",
	aSize:       "size",
	aPercentage: "percentage",
	aDuration:   "duration",
	aPort:       "port",
	aName:       "name",
	aString:     "quoted string",
	aWord:       "word",
	aPrefix:     "prefix",
}

// kindHints say more where a value is wrong, beyond its kind.
var kindHints = map[kind]string{
	aSize:     " (octets, or a number with k, m or g)",
	aDuration: " (seconds, a TTL such as 1h30m, or ISO 8601 such as PT1H30M)",
}

func (k kind) String() string { return kindNames[k] }

func (k kind) starts(it namedconf.Item) bool {
	switch k {
	case aString:
		return it.Kind == namedconf.String
	case aName:
		return it.Kind == namedconf.Word || it.Kind == namedconf.String
	}
	_, ok := k.normal(it.Text)
	return ok && it.Kind == namedconf.Word
}

func (k kind) read(r *itemReader) error {
	switch k {
	case aPrefix:
		return readNetwork(r)
	case aString, aName:
		return k.readString(r)
	}
	if r.done() || !k.starts(r.in[0]) {
		return r.expected(k.String() + kindHints[k])
	}
	it, _ := r.next(namedconf.Word)
	text, _ := k.normal(it.Text)
	r.put(it, text)
	return nil
}

func (k kind) readString(r *itemReader) error {
	it, ok := r.next(namedconf.String)
	if !ok && k == aName {
		it, ok = r.next(namedconf.Word)
	}
	if !ok {
		return r.expected(k.String())
	}
	it.Kind = namedconf.String
	r.put(it, it.Text)
	return nil
}

// normal returns a word's normal form if it is of the kind.
func (k kind) normal(s string) (string, bool) {
	switch k {
	case aBoolean:
		v, ok := parseBoolean(s)
		return yesNo(v), ok
	case aNumber:
		n, ok := parseInteger(s)
		return strconv.FormatUint(uint64(n), 10), ok
	case aFixedPoint:
		return s, isFixedPoint(s)
	case aSize:
		n, ok := parseSize(s)
		return strconv.FormatUint(n, 10), ok
	case aPercentage:
		n, ok := parsePercent(s)
		return strconv.FormatUint(n, 10) + "%", ok
	case aDuration:
		return normalDuration(s)
	case aPort:
		n, ok := parsePort(s)
		return strconv.FormatUint(uint64(n), 10), ok
	case aPrefix:
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
	_, ok := parseDecimal(whole + fraction)
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
func readNetwork(r *itemReader) error {
	if r.done() || !aPrefix.starts(r.in[0]) {
		return r.expected("IP address or prefix")
	}
	it, _ := r.next(namedconf.Word)
	a, short, _ := parseNetwork(it.Text)
	if _, slash := r.next(namedconf.Slash); slash {
		return readLength(r, it, a)
	}
	if short {
		return &complaint{it.Pos, "incomplete IPv4 address or prefix near '" + it.String() + "'"}
	}
	r.put(it, a.String()+"/"+strconv.Itoa(a.BitLen()))
	return nil
}

func readLength(r *itemReader, it namedconf.Item, a netip.Addr) error {
	if r.done() || r.in[0].Kind != namedconf.Word {
		return r.expected("prefix length")
	}
	n, ok := parseDecimal(r.in[0].Text)
	if !ok {
		return r.expected("prefix length")
	}
	length, _ := r.next(namedconf.Word)
	if n > uint64(a.BitLen()) {
		return &complaint{length.Pos, "invalid prefix length '" + length.String() + "'"}
	}
	if p := netip.PrefixFrom(a.WithZone(""), int(n)); p != p.Masked() {
		return &complaint{it.Pos, "'" + p.String() + "': address/prefix length mismatch"}
	}
	r.put(it, a.String()+"/"+strconv.FormatUint(n, 10))
	return nil
}

// endpoint is an address, then perhaps `port N`. Port 0 and `port *` are the
// same as none.
type endpoint struct {
	v4, v6   bool
	anyAddr  bool // `*` is an address too
	anyPort  bool // `*` is a port too
	justAddr bool // no port
}

func (e endpoint) String() string {
	s := e.family()
	if !e.justAddr {
		s += " [port number]"
	}
	return s
}

func (e endpoint) family() string {
	s := "address"
	if !e.v6 {
		s = "IPv4 address"
	} else if !e.v4 {
		s = "IPv6 address"
	}
	if e.anyAddr {
		return "(" + s + " | *)"
	}
	return s
}

func (e endpoint) starts(it namedconf.Item) bool {
	_, ok := e.address(it)
	return ok
}

// address returns the normal form of an address of the right family.
func (e endpoint) address(it namedconf.Item) (string, bool) {
	switch {
	case it.Kind != namedconf.Word:
		return "", false
	case it.Text == "*" && e.anyAddr && e.v4:
		return "0.0.0.0", true
	case it.Text == "*" && e.anyAddr:
		return "::", true
	}
	a, ok := parseAddress(it.Text)
	return a.String(), ok && (e.v4 && a.Is4() || e.v6 && a.Is6())
}

func (e endpoint) read(r *itemReader) error {
	if r.done() || !e.starts(r.in[0]) {
		return r.expected(e.family())
	}
	it, _ := r.next(namedconf.Word)
	text, _ := e.address(it)
	r.put(it, text)
	if e.justAddr || r.done() || !keyword("port").starts(r.in[0]) {
		return nil
	}
	return e.readPort(r)
}

func (e endpoint) readPort(r *itemReader) error {
	word, _ := r.next(namedconf.Word)
	if !r.done() && e.anyPort && keyword("*").starts(r.in[0]) {
		r.next(namedconf.Word)
		return nil
	}
	if r.done() || !aPort.starts(r.in[0]) {
		return r.expected("port number (0 to 65535)")
	}
	n, _ := r.next(namedconf.Word)
	if text, _ := aPort.normal(n.Text); text != "0" {
		r.put(word, "port")
		r.put(n, text)
	}
	return nil
}

// querySource is the source address of queries: an address, or `address A` and
// `port N` in any order.
type querySource struct{ v6 bool }

func (q querySource) String() string { return "[address] " + q.addr().String() + " [port number]" }

func (q querySource) addr() endpoint {
	return endpoint{v4: !q.v6, v6: q.v6, anyAddr: true, justAddr: true}
}

func (q querySource) starts(it namedconf.Item) bool {
	return words{"address", "port"}.starts(it) || q.addr().starts(it)
}

func (q querySource) read(r *itemReader) error {
	port := choice{keyword("*"), aPort}
	labelled := anyOrder{{keyword("address"), q.addr()}, {keyword("port"), port}}
	if r.done() || !labelled.starts(r.in[0]) {
		return sequence{q.addr(), optional{keyword("port"), port}}.read(r)
	}
	first, before := r.in[0], r.out
	r.out = nil
	if err := labelled.read(r); err != nil {
		return err
	}
	r.out = append(before, q.normal(first, r.out)...)
	return nil
}

// normal is `address A port N`, with `*` or 0 for what is missing.
func (q querySource) normal(at namedconf.Item, parts []namedconf.Item) []namedconf.Item {
	anyAddr, _ := q.addr().address(namedconf.Item{Text: "*"})
	texts := []string{"address", anyAddr, "port", "0"}
	for i := 0; i+1 < len(parts); i += 2 {
		switch {
		case parts[i].Text == "address":
			texts[1] = parts[i+1].Text
		case parts[i+1].Text != "*":
			texts[3] = parts[i+1].Text
		}
	}
	items := make([]namedconf.Item, len(texts))
	for i, t := range texts {
		items[i] = namedconf.Item{Text: t, Pos: at.Pos}
	}
	return items
}

// debugLevel is `debug`, perhaps with a level; alone it is 1.
type debugLevel struct{}

func (debugLevel) String() string { return "debug [number]" }

func (debugLevel) starts(it namedconf.Item) bool { return keyword("debug").starts(it) }

func (debugLevel) read(r *itemReader) error {
	if err := keyword("debug").read(r); err != nil {
		return err
	}
	if !r.done() && aNumber.starts(r.in[0]) {
		return aNumber.read(r)
	}
	r.put(r.out[len(r.out)-1], "1")
	return nil
}
