package config

import (
	"os"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/version"
)

// Default returns what named does with an empty file: it serves port 53
// of all addresses to the host and its networks, and knows no forwarders, so
// that all it can answer are the built-in empty zones. Zones and access lists
// are what a caller wants to set.
func Default() *Config {
	return newBuilder(newChecker(), 0).build(nil)
}

// defaults are those of BIND 9.18 (its manual's Configuration Reference). What
// depends on other options is left to builder.finish.
func defaults() *Config {
	software := "forwarder " + version.Number
	return &Config{
		PidFile:   "/run/named/named.pid",
		View:      "_default",
		Files:     Files{Dump: "named_dump.db", Statistics: "named.stats", Recursing: "named.recursing"},
		Recursion: true,

		NoControls: true,

		Cache: Cache{
			MaxTTL:             7 * 24 * time.Hour,
			MaxNTTL:            3 * time.Hour,
			ServfailTTL:        time.Second,
			PrefetchTrigger:    2 * time.Second,
			PrefetchEligible:   9 * time.Second,
			StaleAnswerTTL:     30 * time.Second,
			MaxStaleTTL:        24 * time.Hour,
			StaleRefresh:       30 * time.Second,
			StaleClientTimeout: -1,
		},
		EDNS: EDNS{
			UDPSize:         1232,
			MaxUDPSize:      1232,
			NoCookieUDPSize: 4096,
			SendCookie:      true,
			AnswerCookie:    true,
		},
		TCP: TCP{
			Clients:           150,
			InitialTimeout:    30 * time.Second,
			IdleTimeout:       30 * time.Second,
			KeepaliveTimeout:  30 * time.Second,
			AdvertisedTimeout: 30 * time.Second,
		},
		Identity: local.Identity{Version: &software, Hostname: hostname(), Authors: true},
		Dnstap:   defaultDnstap(),
		Limits: Limits{
			RecursiveClients:     10000,
			ResolverQueryTimeout: MaxClientWait,
		},
	}
}

// hostname is what hostname.bind says by default; nil if the host has none.
func hostname() *string {
	name, err := os.Hostname()
	if err != nil {
		return nil
	}
	return &name
}

// finish fills in what depends on several options.
func (b *builder) finish() {
	c := b.cfg
	b.finishAccess()
	b.finishListen()
	b.finishServers()
	b.finishForwarding()
	b.addEmptyZones()
	b.warnRefused()
	b.warnValidation()
	if b.view.present {
		c.View = b.view.name
		b.finishViewZones()
	}
	c.Cache.MaxSize = b.maxCacheSize()
	c.EDNS.NoCookieUDPSize = min(c.EDNS.NoCookieUDPSize, c.EDNS.MaxUDPSize)
	b.finishQueryLog()
	b.finishDnstap()
}

// finishAccess lets allow-query, allow-query-cache and allow-recursion inherit
// from each other as named does (named.conf(5), allow-recursion): each has its
// own list, or else that of the nearest other.
func (b *builder) finishAccess() {
	c := b.cfg
	near := acl.List{{Kind: acl.Localnets}, {Kind: acl.Localhost}}
	none := acl.None()
	if c.Recursion {
		none = nil
	}
	query, cache, recurse := c.AllowQuery, c.AllowCache, c.AllowRecurse
	c.AllowQuery = firstList(query, acl.All())
	c.AllowCache = firstList(cache, none, recurse, query, near)
	c.AllowRecurse = firstList(recurse, none, cache, query, near)
	if b.view.present {
		b.finishViewAccess()
	}
}

// firstList returns the first list that was given; an empty list was.
func firstList(lists ...acl.List) acl.List {
	for _, l := range lists {
		if l != nil {
			return l
		}
	}
	return nil
}

// finishForwarding makes the root zone of the global forwarders.
func (b *builder) finishForwarding() {
	g := b.global
	if g.given || !b.view.present { // else the policy is that of zones in other views
		b.checkPolicy(func() string { return b.globalIn }, &g)
	}
	if !g.given {
		return
	}
	root := b.zones["."]
	if root.policy != "" && root.policy != noForwarders {
		b.errorf(g.pos, "forwarders declared in root zone and in general configuration: %v", root.pos)
		return
	}
	if len(g.servers) > 0 {
		b.zones["."] = zoneNote{g.pos, g.effective()}
		b.cfg.Zones = append([]ForwardZone{{Name: ".", Forwarders: g.servers}}, b.cfg.Zones...)
	}
}
