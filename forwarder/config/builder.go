package config

import (
	"cmp"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/namedconf"
)

// builder makes a Config of statements in normal form.
type builder struct {
	*checker
	cfg      *Config
	acls     map[string]*namedList
	aclDepth int            // lists being resolved
	keys     map[string]Key // by canonical name; those of a view have none
	view     clientView

	port       uint16        // option port: where to listen, and the forwarders' default
	portForced bool          // by the caller: the option does not change it
	global     forwarding    // of options, or of the view
	globalIn   string        // which of them
	emptyZones emptyOptions  // empty-zones-enable and its like
	optionsPos namedconf.Pos // or that of the file

	// Forward zones: those with servers, those of them without a policy, and those
	// without servers.
	forwarded, implicitFirst zoneList
	unforwarded              []zonePos

	validation validation

	cacheLimit string // max-cache-size as written
	cachePos   namedconf.Pos
	queryLog   namedconf.Item // querylog; with no text: missing
	queriesPos namedconf.Pos  // of the category

	responseLogPos namedconf.Pos // responselog

	zones        map[string]zoneNote // by canonical name, as the next one; "." is also the global forwarding
	primary      map[string]bool     // the primary zones
	zoneFiles    []namedconf.Item    // theirs
	checks       local.Checks        // of primary zones that say nothing else
	draft        zoneDraft
	zone         *zoneDraft // the draft while a zone is being read, else nil
	server       *Server
	closed       []namedconf.Statement // query-source none, or query-source-v6
	directoryPos namedconf.Pos
	dnstapPos    namedconf.Pos
	channelPos   map[string]namedconf.Pos
	channel      *channel
}

// zoneNote is what others need of a zone.
type zoneNote struct {
	pos    namedconf.Pos
	policy string // of a forward zone: first, only or none
}

// forwarding is a forward policy with its servers, as a zone or options have
// it.
type forwarding struct {
	policy    string // "", "first" or "only"
	policyPos namedconf.Pos
	given     bool // forwarders was there, perhaps empty
	pos       namedconf.Pos
	servers   []netip.AddrPort
}

func newBuilder(c *checker, port uint16) *builder {
	b := &builder{
		checker:    c,
		cfg:        defaults(),
		acls:       make(map[string]*namedList),
		keys:       make(map[string]Key),
		primary:    make(map[string]bool),
		checks:     local.DefaultChecks(),
		channelPos: make(map[string]namedconf.Pos),
		port:       cmp.Or(port, 53),
	}
	b.portForced, b.globalIn = port != 0, "options"
	return b
}

// build makes the Config. What names refer to is collected first: they may be
// used above their definition.
func (b *builder) build(statements []namedconf.Statement) *Config {
	for _, s := range statements {
		switch s.Name() {
		case "acl":
			b.defineACL(s)
		case "key":
			b.defineKey(s, true)
		case "options":
			b.early(s.Items[1].Body)
		}
	}
	statements = b.flatten(statements)
	b.zones = make(map[string]zoneNote, len(statements))
	b.run(statements, inTop)
	b.finish()
	return b.cfg
}

// early reads the options that others need, wherever they stand.
func (b *builder) early(body []namedconf.Statement) {
	for _, s := range body {
		switch s.Name() {
		case "port":
			if n := b.portNumber(s.Items[1]); !b.portForced {
				b.port = n
			}
		case "directory":
			b.cfg.Directory, b.directoryPos = s.Items[1].Text, s.Pos()
		}
	}
}

// run applies each statement of a block.
func (b *builder) run(body []namedconf.Statement, in place) {
	for _, s := range body {
		if o, ok := b.index.find(s.Name(), in); ok && o.apply != nil {
			o.apply(b, s)
		}
	}
}

func (b *builder) options(s namedconf.Statement) {
	b.optionsPos = s.Pos()
	b.run(s.Items[1].Body, inOptions)
}

// value returns the text of the i-th value of s, or "".
func value(s namedconf.Statement, i int) string {
	if i >= len(s.Items) {
		return ""
	}
	return s.Items[i].Text
}

// after returns what stands behind a keyword of normal form.
func after(keyword string, items []namedconf.Item) (namedconf.Item, bool) {
	for i, it := range items[:len(items)-1] {
		if it.Kind == namedconf.Word && it.Text == keyword {
			return items[i+1], true
		}
	}
	return namedconf.Item{}, false
}

// uintOf reads a number in normal form.
func uintOf(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

// intOf reads a number in normal form into an int of any size.
func intOf(text string) int { return int(min(uintOf(text), math.MaxInt32)) }

// portNumber reads a port in C notation, for which the syntax allows any
// number.
func (b *builder) portNumber(it namedconf.Item) uint16 {
	n := uintOf(it.Text)
	if n > math.MaxUint16 {
		b.errorf(it.Pos, "port '%d' is out of range", n)
	}
	return uint16(n)
}

// domain returns a name in canonical form, and reports one that is not valid.
func (b *builder) domain(s namedconf.Statement, it namedconf.Item) (string, bool) {
	n, ok := canonicalName(it.Text)
	if !ok {
		b.errorf(it.Pos, "%s: invalid name '%s'", s.Name(), it)
	}
	return n, ok
}

func flag(field func(*Config) *bool) setter {
	return func(b *builder, s namedconf.Statement) { *field(b.cfg) = value(s, 1) == "yes" }
}

func number(field func(*Config) *int) setter {
	return func(b *builder, s namedconf.Statement) { *field(b.cfg) = intOf(value(s, 1)) }
}

func text(field func(*Files) *string) setter {
	return func(b *builder, s namedconf.Statement) { *field(&b.cfg.Files) = value(s, 1) }
}

// quota sets a quota, which BIND for some options takes for one that drops when
// it does not say: here it is `fail`, as a client that hears nothing waits.
func quota(field func(*Limits) *Quota) setter {
	return func(b *builder, s namedconf.Statement) {
		*field(&b.cfg.Limits) = Quota{Max: intOf(value(s, 1)), Drop: len(s.Items) > 2 && strings.EqualFold(value(s, 2), "drop")}
	}
}

func matches(field func(*Config) *acl.List) setter {
	return func(b *builder, s namedconf.Statement) {
		*field(b.cfg) = b.list(s.Items[len(s.Items)-1].Body)
	}
}

// wholeSeconds sets a duration that must lie in a range of seconds.
func wholeSeconds(field func(*Cache) *time.Duration, low, high int64) setter {
	return func(b *builder, s namedconf.Statement) {
		d, _ := namedconf.ParseDuration(value(s, 1))
		if n := int64(d / time.Second); n < low || n > high {
			b.errorf(s.Items[1].Pos, "%s '%d' is out of range (%d..%d)", s.Name(), n, low, high)
			return
		}
		*field(&b.cfg.Cache) = d
	}
}

// tenths sets a duration in units of 100 ms.
func tenths(field func(*TCP) *time.Duration, low, high int) setter {
	return func(b *builder, s namedconf.Statement) {
		n := b.clamp(s, intOf(value(s, 1)), low, high)
		*field(&b.cfg.TCP) = time.Duration(n) * 100 * time.Millisecond
	}
}

// octets sets a size of messages.
func octets(field func(*EDNS) *uint16, low, high int) setter {
	return func(b *builder, s namedconf.Statement) {
		*field(&b.cfg.EDNS) = uint16(b.clamp(s, intOf(value(s, 1)), low, high))
	}
}

// clamp forces n into a range, as named does, and says so.
func (b *builder) clamp(s namedconf.Statement, n, low, high int) int {
	m := min(max(n, low), high)
	if m != n {
		b.harmlessf(s.Items[1].Pos, "%s %d is taken as %d", s.Name(), n, m)
	}
	return m
}

// rate sets responses a second, of which BIND allows 1000.
func rate(field func(*RateLimit) *int) setter { return limit(field, 0, 1000) }

func limit(field func(*RateLimit) *int, low, high int) setter {
	return func(b *builder, s namedconf.Statement) {
		n := intOf(value(s, 1))
		if n < low || n > high {
			b.errorf(s.Items[1].Pos, "%s '%d' is out of range (%d..%d)", s.Name(), n, low, high)
			return
		}
		*field(&b.cfg.RateLimit) = n
	}
}

// identity sets a text of class CHAOS: quoted, none, or the host's name.
func identity(field func(*local.Identity) **string) setter {
	return func(b *builder, s namedconf.Statement) {
		v := s.Items[1]
		switch keyword := strings.ToLower(v.Text); {
		case v.Kind == namedconf.String:
			*field(&b.cfg.Identity) = &v.Text
		case keyword == "none":
			*field(&b.cfg.Identity) = nil
		default:
			*field(&b.cfg.Identity) = hostname()
		}
	}
}
