package config

import (
	"encoding/hex"
	"math"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/namedconf"
)

func (b *builder) pidFile(s namedconf.Statement) {
	b.cfg.PidFile = ""
	if s.Items[1].Kind == namedconf.String {
		b.cfg.PidFile = value(s, 1)
	}
}

// version sets the text of version.bind. Whoever changes it does not want to
// be known by authors.bind either, as in BIND.
func (b *builder) version(s namedconf.Statement) {
	b.cfg.Identity.Authors = false
	identity(func(i *local.Identity) **string { return &i.Version })(b, s)
}

// listenQueue is 10 at least in BIND, unless it is 0. Unlike there it is what the
// kernel allows where the option is missing: ten clients that come at once are no
// reason to make the eleventh wait for a second.
func (b *builder) listenQueue(s namedconf.Statement) {
	if n := intOf(value(s, 1)); n != 0 {
		b.cfg.TCP.Backlog = b.clamp(s, n, 10, math.MaxInt32)
	}
}

func (b *builder) setQueryLog(s namedconf.Statement) { b.queryLog = s.Items[1] }

func (b *builder) setResponseLog(s namedconf.Statement) {
	b.cfg.ResponseLog, b.responseLogPos = value(s, 1) == "yes", s.Items[1].Pos
}

// cookieSecret reads the 128 bits of a SipHash-2-4 key (RFC 9018, section 4).
func (b *builder) cookieSecret(s namedconf.Statement) {
	it := s.Items[1]
	secret, err := hex.DecodeString(it.Text)
	switch {
	case err != nil:
		b.errorf(it.Pos, "cookie-secret: invalid hex string")
	case len(secret) != 16:
		b.errorf(it.Pos, "SipHash-2-4 cookie-secret must be 128 bits")
	default:
		b.cfg.EDNS.CookieSecrets = append(b.cfg.EDNS.CookieSecrets, [16]byte(secret))
	}
}

// cookieAlgorithm knows one; other servers of an anycast group that use AES
// would not take our cookies.
func (b *builder) cookieAlgorithm(s namedconf.Statement) {
	if strings.EqualFold(value(s, 1), "aes") {
		b.errorf(s.Items[1].Pos, "cookie-algorithm 'aes' is not supported: it is deprecated; use siphash24")
	}
}

// servfailTTL is silently at most 30 s in BIND.
func (b *builder) servfailTTL(s namedconf.Statement) {
	d, _ := namedconf.ParseDuration(value(s, 1))
	n := b.clamp(s, int(min(int64(d/time.Second), math.MaxInt32)), 0, 30)
	b.cfg.Cache.ServfailTTL = time.Duration(n) * time.Second
}

// prefetch reads `prefetch TRIGGER [ELIGIBLE]` with BIND's bounds: a trigger
// over 10 is 10, and eligible is 6 more than it at least.
func (b *builder) prefetch(s namedconf.Statement) {
	const maxTrigger, leastGap = 10, 6
	trigger := b.clamp(s, intOf(value(s, 1)), 0, maxTrigger)
	eligible := 9
	if len(s.Items) > 2 {
		eligible = intOf(value(s, 2))
	}
	eligible = max(eligible, trigger+leastGap)
	b.cfg.Cache.PrefetchTrigger = time.Duration(trigger) * time.Second
	b.cfg.Cache.PrefetchEligible = time.Duration(eligible) * time.Second
}

// leastStaleTimeout, in milliseconds, is time enough for a VPC resolver that is
// well. BIND's 0 gives an address that failed over for stale-answer-ttl more.
const leastStaleTimeout = 100

// staleClientTimeout is in milliseconds.
func (b *builder) staleClientTimeout(s namedconf.Statement) {
	b.cfg.Cache.StaleClientTimeout = -1
	if n, ok := namedconf.ParseDecimal(value(s, 1)); ok {
		if n < leastStaleTimeout {
			b.changef(s.Items[1].Pos, "stale-answer-client-timeout %d is taken as %d: an answer that is not stale gets time to come", n, leastStaleTimeout)
		}
		b.cfg.Cache.StaleClientTimeout = time.Duration(min(max(n, leastStaleTimeout), math.MaxUint32)) * time.Millisecond
	}
}

// queryTimeout reads resolver-query-timeout: seconds up to 300, milliseconds
// above. BIND raises it to 10 s at least; a stub resolver waits 5.
func (b *builder) queryTimeout(s namedconf.Statement) {
	n, unit := intOf(value(s, 1)), time.Millisecond
	if n <= 300 {
		unit = time.Second
	}
	d := time.Duration(n) * unit
	if d == 0 || d > MaxClientWait {
		b.changef(s.Items[1].Pos, "resolver-query-timeout is taken as %v: clients wait no longer", MaxClientWait)
		d = MaxClientWait
	}
	b.cfg.Limits.ResolverQueryTimeout = d
}

func (b *builder) minimalResponses(s namedconf.Statement) {
	v := value(s, 1)
	b.cfg.MinimalResponses = v == "yes"
	if v == "no" {
		b.changef(s.Items[1].Pos, "minimal-responses no is taken as no-auth-recursive: answers carry no authority records")
	}
}

var rrsetOrders = map[string]RRsetOrder{"random": OrderRandom, "cyclic": OrderCyclic, "none": OrderNone}

// rrsetOrder takes the first rule for all names, types and classes; without
// one, records stay in their order.
func (b *builder) rrsetOrder(s namedconf.Statement) {
	b.cfg.RRsetOrder = OrderNone
	taken := false
	for _, rule := range s.Items[1].Body {
		order := rule.Items[len(rule.Items)-1]
		mode, known := rrsetOrders[strings.ToLower(order.Text)]
		switch {
		case strings.EqualFold(order.Text, "fixed"):
			b.changef(order.Pos, "rrset-order: 'fixed' is taken as 'none': records keep the order they came in")
			mode = OrderNone
		case !known:
			b.errorf(order.Pos, "rrset-order: invalid order '%s'", order)
		}
		b.checkRule(rule)
		if !forAllNames(rule) {
			b.changef(rule.Pos(), "rrset-order: the rule is ignored: one order holds for all names")
		} else if !taken {
			b.cfg.RRsetOrder, taken = mode, true
		}
	}
}

// checkRule checks the class, type and name of an rrset-order rule.
func (b *builder) checkRule(rule namedconf.Statement) {
	for items := rule.Items; len(items) > 2; items = items[2:] {
		ok, text := false, strings.ToUpper(items[1].Text)
		switch items[0].Text {
		case "class":
			_, ok = dns.StringToClass[text]
			ok = ok || isGeneric(text, "CLASS")
		case "type":
			_, ok = dns.StringToType[text]
			ok = ok || isGeneric(text, "TYPE")
		case "name":
			_, ok = canonicalName(items[1].Text)
		}
		if !ok {
			b.errorf(items[1].Pos, "rrset-order: invalid %s '%s'", items[0].Text, items[1])
		}
	}
}

// isGeneric reports whether s is prefix and a 16-bit number (RFC 3597, 5).
func isGeneric(s, prefix string) bool {
	digits, ok := strings.CutPrefix(s, prefix)
	n, isNumber := namedconf.ParseDecimal(digits)
	return ok && isNumber && digits != "" && n <= math.MaxUint16
}

// forAllNames reports whether an rrset-order rule has no class, type or name
// that would exclude anything.
func forAllNames(rule namedconf.Statement) bool {
	items := rule.Items
	for ; len(items) > 2; items = items[2:] {
		all := map[string]string{"class": "ANY", "type": "ANY", "name": "*"}[items[0].Text]
		in := items[0].Text == "class" && strings.EqualFold(items[1].Text, "IN")
		if !in && !strings.EqualFold(items[1].Text, all) {
			return false
		}
	}
	return true
}

// rateLimit reads BIND's response rate limiting.
func (b *builder) rateLimit(s namedconf.Statement) {
	r := &b.cfg.RateLimit
	*r = RateLimit{Window: 15, Slip: 2, IPv4PrefixLen: 24, IPv6PrefixLen: 56, MaxTableSize: 20000, MinTableSize: 500}
	body := s.Items[1].Body
	b.run(body, inRateLimit)
	given := make(map[string]bool)
	for _, o := range body {
		given[o.Name()] = true
	}
	if !given["max-table-size"] {
		r.MaxTableSize = max(r.MaxTableSize, r.MinTableSize)
	}
	if r.MaxTableSize < r.MinTableSize {
		b.errorf(s.Pos(), "max-table-size %d < min-table-size %d", r.MaxTableSize, r.MinTableSize)
	}
	for name, field := range map[string]*int{
		"referrals-per-second": &r.ReferralsPerSecond,
		"nodata-per-second":    &r.NodataPerSecond,
		"nxdomains-per-second": &r.NxdomainsPerSecond,
		"errors-per-second":    &r.ErrorsPerSecond,
	} {
		if !given[name] {
			*field = r.ResponsesPerSecond
		}
	}
}

func (b *builder) setCacheSize(s namedconf.Statement) {
	b.cacheLimit, b.cachePos = value(s, 1), s.Items[1].Pos
}

// maxCacheSize is max-cache-size in octets. BIND's default is 90 % of the
// memory, and next to nothing without recursion; what is less than 2 MB is 2 MB.
// A cache is never larger than what leaves memory for the rest of the server.
func (b *builder) maxCacheSize() int64 {
	const least, share = 2 << 20, 90
	n := uint64(least)
	limit := strings.ToLower(b.cacheLimit)
	percent, relative := namedconf.ParsePercent(limit)
	switch {
	case limit == "unlimited" || limit == "0":
		n = math.MaxUint64
	case relative:
		n = percentOf(host.Memory(), min(percent, 100))
	case limit != "" && limit != "default":
		n = uintOf(limit)
	case b.cfg.Recursion:
		n, relative = percentOf(host.Memory(), share), true
	}
	if room := host.CacheRoom(host.Memory()); n > room && n > least {
		n = room
		if !relative {
			b.harmlessf(b.cachePos, "max-cache-size %s is taken as %d MB: there is no memory for more", b.cacheLimit, n>>20)
		}
	}
	return int64(max(n, least))
}

func percentOf(n, percent uint64) uint64 { return n / 100 * percent }
