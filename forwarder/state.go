package forwarder

import (
	"fmt"
	"net/netip"
	"slices"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/rrl"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// state is everything a query is judged by. It is built whole, checked, and
// never changed: readers load it once a batch.
type state struct {
	cfg      *Config
	env      acl.Env
	sets     accessSets
	routes   routes
	local    localZones
	chaos    local.Zones // class CH
	upstream *upstream.Client
	rates    *rrl.Limiter // nil: no limit
	edns     ednsLimits
	ttls     wire.TTLPolicy
	order    wire.OrderMode
	secrets  [][16]byte // cookie secrets; the first one makes new cookies
}

// accessSets are the compiled access lists.
type accessSets struct{ blackhole, query, cache, recurse *acl.Set }

func compileSets(cfg *Config, env acl.Env) accessSets {
	return accessSets{
		blackhole: cfg.Blackhole.Compile(env),
		query:     cfg.AllowQuery.Compile(env),
		cache:     cfg.AllowCache.Compile(env),
		recurse:   cfg.AllowRecurse.Compile(env),
	}
}

// ednsLimits are the sizes of replies over UDP, in octets.
type ednsLimits struct {
	advertise uint16 // in our OPT
	most      int    // to a client with EDNS
	noCookie  int    // to one without a good cookie
}

// newState builds a state for cfg. The upstream client is the old state's when
// nothing that concerns it has changed, so that what it learned is kept.
func (s *Server) newState(cfg *Config, old *state) (*state, error) {
	env, err := s.net.env()
	if err != nil {
		return nil, fmt.Errorf("reading interfaces: %w", err)
	}
	env.MatchMapped = cfg.MatchMapped
	st := &state{
		cfg:     cfg,
		env:     env,
		sets:    compileSets(cfg, env),
		routes:  newRoutes(cfg, s.zoneIDs),
		chaos:   local.Chaos(cfg.Identity),
		edns:    ednsLimits{cfg.EDNS.UDPSize, int(cfg.EDNS.MaxUDPSize), int(cfg.EDNS.NoCookieUDPSize)},
		ttls:    wire.TTLPolicy{Min: seconds(cfg.Cache.MinTTL), Max: seconds(cfg.Cache.MaxTTL)},
		order:   orderModes[cfg.RRsetOrder],
		secrets: cfg.EDNS.CookieSecrets,
		rates:   rrl.New(rrl.Config(cfg.RateLimit), env),
	}
	if len(st.secrets) == 0 {
		st.secrets = [][16]byte{s.cookieSecret}
	}
	if st.local, err = newLocalZones(cfg, env); err != nil {
		return nil, err
	}
	st.upstream, err = s.upstreamFor(cfg, old)
	return st, err
}

var orderModes = [...]wire.OrderMode{
	OrderRandom: wire.OrderRandom,
	OrderCyclic: wire.OrderCyclic,
	OrderNone:   wire.OrderNone,
}

// withEnv returns the state for other interfaces.
func (st *state) withEnv(env acl.Env) (*state, error) {
	next := *st
	next.env = env
	next.sets = compileSets(st.cfg, env)
	next.rates = st.rates.WithEnv(env)
	var err error
	next.local, err = newLocalZones(st.cfg, env)
	return &next, err
}

// upstreamFor returns a client for cfg's servers: old's own when it would be
// just the same.
func (s *Server) upstreamFor(cfg *Config, old *state) (*upstream.Client, error) {
	servers := cfg.servers()
	if old != nil && slices.Equal(servers, old.cfg.servers()) &&
		cfg.Source4 == old.cfg.Source4 && cfg.Source6 == old.cfg.Source6 &&
		cfg.Limits == old.cfg.Limits {
		return old.upstream, nil
	}
	var previous *upstream.Client
	if old != nil {
		previous = old.upstream
	}
	return upstream.New(upstream.Config{
		Previous:   previous,
		Servers:    servers,
		Source4:    cfg.Source4,
		Source6:    cfg.Source6,
		PPS:        s.opts.UpstreamPPS,
		Wait:       clientWait(cfg),
		MaxPending: cfg.Limits.RecursiveClients,
		Dial:       s.net.dial,
		DialTCP:    s.net.dialTCP,
		NewHandler: func() upstream.Handler { return s.slow.newReplier() },
		Event:      s.upstreamEvent,
	})
}

// servers lists every server of every zone once, with its `server` clauses
// applied: the most specific prefix that sets something wins.
func (cfg *Config) servers() []upstream.Server {
	var list []upstream.Server
	seen := make(map[netip.AddrPort]bool)
	for _, z := range cfg.Zones {
		for _, a := range z.Forwarders {
			if !seen[a] && !cfg.bogus(a.Addr()) {
				seen[a] = true
				list = append(list, cfg.server(a))
			}
		}
	}
	return list
}

func (cfg *Config) server(a netip.AddrPort) upstream.Server {
	sv := upstream.Server{Addr: a, UDPSize: cfg.EDNS.UDPSize, NoCookie: !cfg.EDNS.SendCookie, Unmetered: a.Addr().IsLoopback()}
	for _, c := range cfg.clauses(a.Addr()) {
		if c.EDNS != nil {
			sv.NoEDNS = !*c.EDNS
		}
		if c.SendCookie != nil {
			sv.NoCookie = !*c.SendCookie
		}
		if c.UDPSize != 0 {
			sv.UDPSize = c.UDPSize
		}
		sv.TCPOnly = c.TCPOnly
	}
	return sv
}

// bogus reports whether the most specific clause for a says so.
func (cfg *Config) bogus(a netip.Addr) bool {
	c := cfg.clauses(a)
	return len(c) > 0 && c[len(c)-1].Bogus
}

// clauses returns the `server` clauses that a matches, the most specific last.
func (cfg *Config) clauses(a netip.Addr) []ServerClause {
	var list []ServerClause
	for _, c := range cfg.Upstreams {
		if c.Prefix.Contains(a.Unmap()) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b ServerClause) int { return a.Prefix.Bits() - b.Prefix.Bits() })
	return list
}
