package forwarder

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/rrl"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// state is everything that an answer depends on. It is built whole, checked, and
// never changed: readers load it once a batch.
type state struct {
	cfg           *config.Config
	env           acl.Env
	sets          accessSets
	routes        routes
	local         localZones
	chaos         local.Zones       // class CH
	servers       []upstream.Server // of all zones
	upstream      *upstream.Client
	rates         *rrl.Limiter // nil: no limit
	chaosRates    *rrl.Limiter
	edns          ednsLimits
	ttls          wire.TTLPolicy
	order         wire.OrderMode
	secrets       [][16]byte // cookie secrets; the first one makes new cookies
	zones         zoneNumbers
	serverNumbers serverNumbers
	serveStale    *atomic.Int32 // the engine's
}

// accessSets are the compiled access lists.
type accessSets struct {
	blackhole, query, cache, recurse *acl.Set
	view                             *acl.Set // nil: it matches all
}

// compileSets keeps what it can of the sets for other interfaces, if any.
func compileSets(cfg *config.Config, env acl.Env, old accessSets) accessSets {
	sets := accessSets{
		blackhole: cfg.Blackhole.Recompile(env, old.blackhole),
		query:     cfg.AllowQuery.Recompile(env, old.query),
		cache:     cfg.AllowCache.Recompile(env, old.cache),
		recurse:   cfg.AllowRecurse.Recompile(env, old.recurse),
	}
	if cfg.MatchClients != nil {
		sets.view = cfg.MatchClients.Recompile(env, old.view)
	}
	return sets
}

// ednsLimits are the sizes of replies over UDP, in octets.
type ednsLimits struct {
	advertise uint16 // in our OPT
	most      int    // to a client with EDNS
	noCookie  int    // to one without a good cookie
}

// newState builds a state for cfg. The upstream client is the old state's when
// nothing that concerns it has changed, so that what it learned is kept.
func (s *Server) newState(cfg *config.Config, old *state) (*state, error) {
	env, err := s.net.env()
	if err != nil {
		return nil, fmt.Errorf("reading interfaces: %w", err)
	}
	env.MatchMapped = cfg.MatchMapped
	var zones zoneNumbers
	if old != nil {
		zones = old.zones
	}
	zones = zones.with(cfg)
	sets := compileSets(cfg, env, accessSets{})
	st := &state{
		cfg:        cfg,
		env:        env,
		sets:       sets,
		routes:     newRoutes(cfg, &zones, sets.blackhole),
		chaos:      local.Chaos(cfg.Identity),
		edns:       ednsLimits{cfg.EDNS.UDPSize, int(cfg.EDNS.MaxUDPSize), int(cfg.EDNS.NoCookieUDPSize)},
		ttls:       wire.TTLPolicy{Min: seconds(cfg.Cache.MinTTL), Max: seconds(cfg.Cache.MaxTTL)},
		order:      orderModes[cfg.RRsetOrder],
		secrets:    cfg.EDNS.CookieSecrets,
		rates:      rrl.New(rrl.Config(cfg.RateLimit), env),
		chaosRates: rrl.New(chaosLimit, env),
		zones:      zones,
		serveStale: &s.serveStale,
	}
	if len(st.secrets) == 0 {
		st.secrets = [][16]byte{s.cookieSecret}
	}
	var former local.Zones
	if old != nil {
		former = old.local.Zones
	}
	if st.local, err = newLocalZones(cfg, env, former); err != nil {
		return nil, err
	}
	st.servers = servers(cfg, sets.blackhole)
	if old != nil {
		st.serverNumbers = old.serverNumbers
	}
	st.serverNumbers = st.serverNumbers.with(st.servers)
	st.upstream, err = s.upstreamFor(st, old)
	return st, err
}

var orderModes = [...]wire.OrderMode{
	config.OrderRandom: wire.OrderRandom,
	config.OrderCyclic: wire.OrderCyclic,
	config.OrderNone:   wire.OrderNone,
}

// withEnv returns the state for other interfaces. What does not depend on them
// is kept as it is.
func (st *state) withEnv(env acl.Env) *state {
	next := *st
	next.env = env
	next.sets = compileSets(st.cfg, env, st.sets)
	next.local = st.local.withEnv(st.cfg, env)
	next.rates = st.rates.WithEnv(env)
	return &next
}

// upstreamFor returns a client for st's servers: old's own when it would be
// just the same.
func (s *Server) upstreamFor(st, old *state) (*upstream.Client, error) {
	cfg := st.cfg
	if old != nil && slices.Equal(st.servers, old.servers) &&
		slices.Equal(cfg.Sources, old.cfg.Sources) &&
		cfg.Limits == old.cfg.Limits {
		return old.upstream, nil
	}
	var previous *upstream.Client
	if old != nil {
		previous = old.upstream
	}
	return upstream.New(upstream.Config{
		Previous:   previous,
		Servers:    st.servers,
		Sources:    cfg.Sources,
		PPS:        s.opts.UpstreamPPS,
		Wait:       cfg.Limits.ClientWait(),
		MaxPending: cfg.Limits.RecursiveClients,
		Interface:  s.net.leaves,
		Dial:       s.net.dial,
		DialTCP:    s.net.dialTCP,
		NewHandler: func() upstream.Handler { return s.newResolver() },
		Event:      s.upstreamEvent,
		Tap:        upstreamTap{s.engine},
	})
}

// servers lists every server of every zone that may be asked once, with its
// `server` clauses applied.
func servers(cfg *config.Config, blackhole *acl.Set) []upstream.Server {
	var list []upstream.Server
	seen := make(map[netip.AddrPort]bool)
	for _, z := range cfg.Zones {
		for _, a := range z.Forwarders {
			if seen[a] || !mayAskServer(cfg, blackhole, a) {
				continue
			}
			seen[a] = true
			c := cfg.ServerFor(a.Addr())
			list = append(list, upstream.Server{
				Addr:      a,
				UDPSize:   c.UDPSize,
				NoEDNS:    !*c.EDNS,
				NoCookie:  !*c.SendCookie,
				TCPOnly:   c.TCPOnly,
				Unmetered: a.Addr().IsLoopback(),
			})
		}
	}
	return list
}
