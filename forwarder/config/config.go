package config

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/logging"
)

// Config is everything a forwarder needs to know, with every default filled
// in. Make one with Load of a named.conf, or with Default and plain
// assignments.
type Config struct {
	Directory string // working directory of relative paths; "" leaves it alone
	PidFile   string // "" writes none
	View      string // the view that is served, or BIND's "_default" where there are none
	Files     Files  // what is written on request

	MatchClients acl.List      // whom the view matches; nil: all. The lists below allow no others
	Listen       []Listen      // listen-on, listen-on-v6
	Blackhole    acl.List      // queries from here are dropped in silence
	AllowQuery   acl.List      // who may ask for anything of ours (local zones, CHAOS)
	AllowCache   acl.List      // who may read the cache: allow-query-cache with its inheritance
	AllowRecurse acl.List      // who may cause upstream queries: allow-recursion with its inheritance
	MatchMapped  bool          // match-mapped-addresses
	Recursion    bool          // recursion
	Zones        []ForwardZone // forward zones; the root zone holds the global forwarders
	Local        []LocalZone   // small primary zones and the built-in empty zones
	Servers      []Server      // `server` clauses; see ServerFor
	Sources      []netip.Addr  // query-source and query-source-v6; any of a family that has none

	Controls   []Control // the inet channels of controls
	NoControls bool      // there is no controls statement: rndc finds the default channels

	Statistics []StatisticsChannel // statistics-channels

	Cache     Cache
	EDNS      EDNS
	TCP       TCP
	Identity  local.Identity
	RateLimit RateLimit
	Limits    Limits

	MinimalResponses bool       // minimal-responses yes: no additional section either
	MinimalAny       bool       // minimal-any: one RRset for ANY over UDP
	RRsetOrder       RRsetOrder // rrset-order, the rule for all names
	Dnstap           Dnstap
	QueryLog         bool // querylog, or a queries category of its own
	ResponseLog      bool // responselog
	Logging          logging.Config
}

// Files are those that rndc has written. Their paths are relative to Directory.
type Files struct {
	Dump       string // dump-file: what is cached
	Statistics string // statistics-file
	Recursing  string // recursing-file: who waits for upstream
}

// Listen is one listen-on statement: the interface addresses that Match are
// served on Port.
type Listen struct {
	Port  uint16
	V6    bool // a listen-on-v6 statement: matches IPv6 addresses only
	Match acl.List
}

// Control is an address at which rndc is listened to.
type Control struct {
	Addr     netip.AddrPort
	Allow    acl.List
	Keys     []Key // none: that of rndc.key
	ReadOnly bool
}

// StatisticsChannel is an address at which counters are served over HTTP.
type StatisticsChannel struct {
	Addr  netip.AddrPort
	Allow acl.List
}

// Key is a secret that two programs share.
type Key struct {
	Name      string // as it is written
	Algorithm string // hmac-md5, hmac-sha1 … hmac-sha512
	Secret    []byte
}

// ListenOnly replaces all listen-on and listen-on-v6 statements by one address,
// which must be of an interface.
func (c *Config) ListenOnly(a netip.AddrPort) {
	here := netip.PrefixFrom(a.Addr(), a.Addr().BitLen())
	c.Listen = []Listen{{Port: a.Port(), V6: a.Addr().Is6(), Match: acl.List{{Prefix: here}}}}
}

// ForwardZone sends the names at and below Name to Forwarders. Without
// forwarders, names below it are answered REFUSED: nothing here recurses.
type ForwardZone struct {
	Name       string // canonical (lower case, trailing dot); "." is global
	Forwarders []netip.AddrPort
}

// LocalZone is a zone that is answered from memory, authoritatively.
type LocalZone struct {
	Name       string   // canonical
	Records    []dns.RR // all of the zone, the SOA among them
	Err        error    // why there are none: what it has is answered SERVFAIL, or stays as it was before a reload
	AllowQuery acl.List // nil: Config.AllowQuery
	Empty      bool     // one of BIND's automatic empty zones
}

// Server is one `server PREFIX { … }` statement; nil pointers were not set: what
// holds for all servers holds. Whatever they point at must not be changed.
type Server struct {
	Prefix     netip.Prefix
	Bogus      bool
	EDNS       *bool
	TCPOnly    bool
	SendCookie *bool
	UDPSize    uint16 // edns-udp-size; 0: not set
}

// ServerFor returns what holds for the server at a: as in BIND the most specific
// clause alone, and for what it does not set what holds for all servers.
func (c *Config) ServerFor(a netip.Addr) Server {
	s := c.clauseFor(a.Unmap().WithZone(""))
	if s.EDNS == nil {
		edns := true
		s.EDNS = &edns
	}
	if s.SendCookie == nil {
		s.SendCookie = &c.EDNS.SendCookie
	}
	if s.UDPSize == 0 {
		s.UDPSize = c.EDNS.UDPSize
	}
	return s
}

// SourcesFor returns the addresses from which a server is asked, none for any.
func (c *Config) SourcesFor(server netip.Addr) (list []netip.Addr) {
	for _, a := range c.Sources {
		if a.Is4() == server.Unmap().Is4() {
			list = append(list, a)
		}
	}
	return list
}

// clauseFor returns the most specific `server` clause that a matches.
func (c *Config) clauseFor(a netip.Addr) (best Server) {
	bits := -1
	for i := range c.Servers {
		if s := &c.Servers[i]; s.Prefix.Bits() > bits && s.Prefix.Contains(a) {
			best, bits = *s, s.Prefix.Bits()
		}
	}
	return best
}

// Cache holds the options of the cache. Durations are whole seconds.
type Cache struct {
	MaxSize int64 // bytes; 0 is unlimited (max-cache-size)

	MaxTTL, MinTTL   time.Duration // max-cache-ttl, min-cache-ttl
	MaxNTTL, MinNTTL time.Duration // max-ncache-ttl, min-ncache-ttl
	ServfailTTL      time.Duration // servfail-ttl

	PrefetchTrigger, PrefetchEligible time.Duration // prefetch; trigger 0 is off

	StaleEnable        bool          // stale-cache-enable: stale answers are kept
	StaleAnswer        bool          // stale-answer-enable: and given
	StaleAnswerTTL     time.Duration // stale-answer-ttl
	MaxStaleTTL        time.Duration // max-stale-ttl
	StaleRefresh       time.Duration // stale-refresh-time
	StaleClientTimeout time.Duration // stale-answer-client-timeout; 0 or less is off
}

// EDNS holds sizes (octets) and cookies.
type EDNS struct {
	UDPSize             uint16 // edns-udp-size: what upstream may send
	MaxUDPSize          uint16 // max-udp-size: the most sent to a client
	NoCookieUDPSize     uint16 // nocookie-udp-size
	SendCookie          bool   // send-cookie: to upstream
	AnswerCookie        bool   // answer-cookie: to clients
	RequireServerCookie bool   // require-server-cookie
	CookieSecrets       [][16]byte
}

// TCP holds the limits of client connections.
type TCP struct {
	Clients           int // tcp-clients
	Backlog           int // tcp-listen-queue; 0: what the kernel allows
	InitialTimeout    time.Duration
	IdleTimeout       time.Duration
	KeepaliveTimeout  time.Duration
	AdvertisedTimeout time.Duration
}

// Waiting is how many connections more than tcp-clients may wait for a moment to be
// served. They cost descriptors too: where those are few, none.
func (t *TCP) Waiting() int { return min(max(t.Clients-50, 0), 128) }

// RateLimit is BIND's response rate limiting. All zero is off. Rates are
// responses a second to one client block.
type RateLimit struct {
	ResponsesPerSecond, ErrorsPerSecond, NxdomainsPerSecond int
	NodataPerSecond, ReferralsPerSecond, AllPerSecond       int
	Window, Slip, IPv4PrefixLen, IPv6PrefixLen              int
	MaxTableSize, MinTableSize, QPSScale                    int
	LogOnly                                                 bool
	Exempt                                                  acl.List
}

// Limits bound what clients can make the server hold.
type Limits struct {
	RecursiveClients     int           // recursive-clients: questions that wait for upstream
	FetchesPerServer     Quota         // fetches-per-server
	FetchesPerZone       Quota         // fetches-per-zone
	ResolverQueryTimeout time.Duration // resolver-query-timeout; ClientWait is what it comes to
}

// MaxClientWait is the longest that a client is let wait: the stub resolver's
// own 5 s less the way there and back.
const MaxClientWait = 4500 * time.Millisecond

// ClientWait is how long a question may wait for upstream. BIND's
// resolver-query-timeout cannot go below 10 s, which is past what any stub
// waits; here it can only shorten.
func (l *Limits) ClientWait() time.Duration {
	if t := l.ResolverQueryTimeout; t > 0 && t < MaxClientWait {
		return t
	}
	return MaxClientWait
}

// Quota is a number of questions that may be asked at the same time, and what
// becomes of those above it.
type Quota struct {
	Max  int  // 0 is no limit
	Drop bool // they get no reply, else SERVFAIL
}

// RRsetOrder says how the records of one RRset are ordered in an answer.
type RRsetOrder uint8

// The orders of BIND's rrset-order.
const (
	OrderRandom RRsetOrder = iota
	OrderCyclic
	OrderNone
)
