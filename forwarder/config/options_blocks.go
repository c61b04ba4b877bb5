package config

import (
	"math"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
)

// Syntaxes that several options share.
var (
	checkAction   = words{"fail", "warn", "ignore"}
	names         = listOf(aName)
	portRanges    = listOf(choice{sequence{keyword("range"), aNumber, aNumber}, aNumber})
	orNone        = choice{words{"none"}, aString}
	orHostname    = choice{words{"none", "hostname"}, aString}
	sizeLimit     = choice{words{"unlimited", "default"}, aSize}
	cacheSize     = choice{words{"unlimited", "default"}, aPercentage, aSize}
	exceptFrom    = optional{keyword("except-from"), names}
	dscp          = sequence{keyword("dscp"), aNumber}
	tls           = sequence{keyword("tls"), aName}
	source4       = endpoint{V4: true, AnyAddr: true, AnyPort: true, More: anyOrder{optional(dscp)}}
	source6       = endpoint{V6: true, AnyAddr: true, AnyPort: true, More: anyOrder{optional(dscp)}}
	portNumber    = optional{keyword("port"), aNumber}
	deadDSCP      = ignoring(dscp, noDSCP)
	noUpstreamTLS = refusing(tls, "", "servers are asked over UDP and TCP only; leave it out, or forward to a proxy that speaks TLS")
	transferList  = sequence{portNumber, optional{keyword("transport"), aName}, matchList{}}
	remoteServers = sequence{
		portNumber, optional(dscp),
		optional{keyword("source"), source4}, optional{keyword("source-v6"), source6}, // since BIND 9.20
		listOf(remoteServer),
	}
	remoteServer = sequence{
		choice{endpoint{V4: true, V6: true}, aName},
		optional{keyword("key"), aName}, optional(tls),
	}
	listenOn = sequence{
		portNumber,
		anyOrder{
			deadDSCP,
			refusing(sequence{keyword("proxy"), aName}, "", "PROXY headers are not read; leave it out, and let clients ask here themselves"),
			refusing(tls, "tls none", noTLS+"; leave it out, or put a server in front that does"),
			refusing(sequence{keyword("http"), aName}, "", noTLS+"; leave it out, or put a server in front that does"),
		},
		matchList{},
	}
	dualStackServers = sequence{portNumber, listOf(choice{
		endpoint{V4: true, V6: true},
		sequence{aName, portNumber, optional(dscp)},
	})}
	rrsetRule = sequence{
		optional{keyword("class"), aWord}, optional{keyword("type"), aWord}, optional{keyword("name"), aString},
		keyword("order"), aWord,
	}
	anchors   = listOf(sequence{aName, words{"static-key", "initial-key", "static-ds", "initial-ds"}, aNumber, aNumber, aNumber, aString})
	oldKeys   = listOf(sequence{aName, aNumber, aNumber, aNumber, aString})
	anySocket = endpoint{V4: true, V6: true, AnyAddr: true, AnyPort: true}
	keyNames  = optional{keyword("keys"), names}
	readOnly  = optional{keyword("read-only"), aBoolean}
	versions  = optional{keyword("versions"), choice{words{"unlimited"}, aNumber}}
	fileSize  = optional{keyword("size"), sizeLimit}
	suffix    = optional{keyword("suffix"), words{"increment", "timestamp"}}
	levels    = choice{
		words{"critical", "error", "warning", "notice", "info", "dynamic"},
		debugLevel{},
	}
)

// forwarderList is the syntax of forwarders, with what to do of its dscp and tls.
func forwarderList(dscp, tls optional) syntax {
	return sequence{portNumber, dscp, tls, listOf(endpoint{V4: true, V6: true, More: anyOrder{dscp, tls}})}
}

// sourceOfQueries is the syntax of query-source and query-source-v6.
func sourceOfQueries(v6 bool) syntax {
	return querySource{V6: v6, None: true, More: anyOrder{deadDSCP}}
}

// viewOptions are what only views have; more of them stand in shared.
var viewOptions = []option{
	honoured("match-clients", inView, matchList{}, nil),
	refused("match-destinations", inView, matchList{}, destACL).unless("{ any; }"),
	refused("match-recursive-only", inView, aBoolean, "queries without RD are answered as others; leave it out").unless("no"),
}

// topLevel are the statements outside of any block.
var topLevel = []option{
	honoured("acl", inTop, sequence{aName, matchList{}}, nil).repeated(),
	honoured("controls", inTop, clauses(inControls), (*builder).controls).repeated(),
	ignored("dnssec-policy", inTop, sequence{aName, anything{}}, noSigning).repeated(),
	ignored("key-store", inTop, sequence{aName, anything{}}, noSigning).repeated().aged(since920),
	ignored("http", inTop, sequence{aName, anything{}}, noTLS).repeated(),
	honoured("logging", inTop, clauses(inLogging), (*builder).logging),
	ignored("masters", inTop, sequence{aName, remoteServers}, noTransfers).repeated(),
	honoured("options", inTop, clauses(inOptions), (*builder).options),
	ignored("parental-agents", inTop, sequence{aName, remoteServers}, noSigning).repeated(),
	ignored("primaries", inTop, sequence{aName, remoteServers}, noTransfers).repeated(),
	ignored("remote-servers", inTop, sequence{aName, remoteServers}, noTransfers).repeated().aged(since920),
	honoured("statistics-channels", inTop, clauses(inStatistics), (*builder).statistics).repeated(),
	honoured("template", inTop, sequence{aName, anything{}}, nil).repeated().aged(since921),
	ignored("tls", inTop, sequence{aName, anything{}}, noTLS).repeated(),
	honoured("view", inTop, sequence{aName, optional{aWord}, clauses(inView)}, nil).repeated(),
	refused("dlz", inTop|inView, anything{}, "zones come from files only").repeated(),
	refused("dyndb", inTop|inView, anything{}, "zones come from files only").repeated(),
	honoured("key", inTop, sequence{aName, clauses(inKey)}, nil).repeated(),
	ignored("key", inView, sequence{aName, clauses(inKey)}, noTSIG).repeated(),
	ignored("managed-keys", inTop|inView, anchors, noValidation).checked((*builder).trustAnchors).repeated().aged(deprecated),
	refused("plugin", inTop|inView, anything{}, "BIND's plugins cannot be loaded").repeated(),
	honoured("server", inTop|inView, sequence{aPrefix, clauses(inServer)}, (*builder).serverClause).repeated(),
	ignored("trust-anchors", inTop|inView, anchors, noValidation).checked((*builder).trustAnchors).repeated(),
	ignored("trusted-keys", inTop|inView, oldKeys, noValidation).checked((*builder).trustAnchors).repeated().aged(deprecated),
	honoured("zone", inTop|inView, sequence{aName, optional{aWord}, zoneBody{}}, (*builder).zoneStatement).repeated(),
	honoured("include", inTop|inShared|inZones|inServer|inKey|inControls|inLogging|inChannel, aString, nil).repeated(),
	missed("lwres", inTop, anything{}, "lightweight resolvers are not served; BIND itself has dropped them").repeated().aged(ancient),
}

// zoneOptions are what only zones have; more of them stand in global.
var zoneOptions = []option{
	honoured("type", inZones, zoneTypes, nil),
	honoured("check-names", inPrimary, checkAction, action(func(c *local.Checks) *local.Action { return &c.Names })),
	ignored("check-names", inHint, checkAction, zoneChecks),
	refused("database", inPrimary, aName, "zones come from files only").unless("rbt"),
	ignored("checkds", inPrimary, choice{aBoolean, words{"explicit"}}, noSigning).aged(since920),
	ignored("delegation-only", inForward|inHint, aBoolean, noRecursion).unless("no").aged(deprecated),
	refused("dlz", inPrimary, aName, "zones come from files only"),
	honoured("file", inPrimary|inHint, aString, (*builder).zoneFile),
	refused("in-view", inZones, aName, noViews),
	refused("inline-signing", inPrimary, aBoolean, "the zone would be served unsigned").unless("no"),
	ignored("initial-file", inPrimary, aString, "the zone is read from its file alone").aged(since921),
	ignored("ixfr-from-differences", inPrimary, aBoolean, noTransfers),
	ignored("journal", inPrimary, aString, noUpdates),
	ignored("log-report-channel", inPrimary, aBoolean, noReports).unless("no").aged(since921),
	ignored("parental-agents", inPrimary, remoteServers, noSigning),
	refused("plugin", inPrimary, anything{}, "BIND's plugins cannot be loaded").repeated().aged(since921),
	honoured("template", inZones, aName, nil).aged(since921),
	refused("update-policy", inPrimary, anything{}, "zones take no dynamic updates"),
	ignored("ixfr-base", inPrimary, anything{}, gone).aged(ancient),
	ignored("ixfr-tmp-file", inPrimary, anything{}, gone).aged(ancient),
	ignored("maintain-ixfr-base", inPrimary, anything{}, gone).aged(ancient),
	ignored("max-ixfr-log-size", inPrimary, anything{}, gone).aged(ancient),
	ignored("pubkey", inPrimary, anything{}, gone).repeated().aged(ancient),
}

// otherBlocks are the options of all other blocks.
var otherBlocks = []option{
	honoured("bogus", inServer, aBoolean, (*builder).bogus),
	honoured("edns", inServer, aBoolean, (*builder).serverEDNS),
	honoured("edns-udp-size", inServer, aNumber, (*builder).serverUDPSize),
	ignored("edns-version", inServer, aNumber, "EDNS has one version"),
	refused("keys", inServer, choice{aName, names}, "queries are not signed"),
	ignored("max-udp-size", inServer, aNumber, "queries are small"),
	ignored("notify-source", inServer, source4, noNotifies),
	ignored("notify-source-v6", inServer, source6, noNotifies),
	ignored("padding", inServer, aNumber, "padding hides nothing without encryption"),
	ignored("provide-ixfr", inServer, aBoolean, noTransfers),
	refused("query-source", inServer, sourceOfQueries(false), "there is one source address for all servers: use the option of the same name"),
	refused("query-source-v6", inServer, sourceOfQueries(true), "there is one source address for all servers: use the option of the same name"),
	ignored("request-expire", inServer, aBoolean, noTransfers),
	ignored("request-ixfr", inServer, aBoolean, noTransfers),
	ignored("request-ixfr-max-diffs", inServer, aNumber, noTransfers).aged(since921),
	ignored("request-nsid", inServer, aBoolean, "no NSID is asked for").unless("no"),
	ignored("request-zoneversion", inServer, aBoolean, "no ZONEVERSION is asked for").unless("no").aged(since921),
	refused("require-cookie", inServer, aBoolean, "an answer without a cookie is taken; say tcp-only, which a forger cannot answer either").unless("no").aged(since920),
	honoured("send-cookie", inServer, aBoolean, (*builder).serverCookie),
	ignored("tcp-keepalive", inServer, aBoolean, keptTCP),
	honoured("tcp-only", inServer, aBoolean, (*builder).tcpOnly),
	ignored("transfer-format", inServer, words{"many-answers", "one-answer"}, noTransfers),
	ignored("transfer-source", inServer, source4, noTransfers),
	ignored("transfer-source-v6", inServer, source6, noTransfers),
	ignored("transfers", inServer, aNumber, noTransfers),

	honoured("algorithm", inKey, aName, nil),
	honoured("secret", inKey, aName, nil),

	honoured("inet", inControls, sequence{anySocket, keyword("allow"), matchList{}, anyOrder{keyNames, readOnly}}, (*builder).control).repeated(),
	refused("unix", inControls, anything{}, "BIND 9.18 does not start with it either; use inet").repeated(),
	honoured("inet", inStatistics, sequence{anySocket, optional{keyword("allow"), matchList{}}}, (*builder).statisticsChannel).repeated(),

	honoured("channel", inLogging, sequence{aName, clauses(inChannel)}, (*builder).channelStatement).repeated(),
	honoured("category", inLogging, sequence{aName, names}, (*builder).category).repeated(),

	honoured("file", inChannel, sequence{aString, anyOrder{versions, fileSize, suffix}}, (*builder).channelFile),
	honoured("syslog", inChannel, optional{aName}, (*builder).channelKind),
	honoured("null", inChannel, nothing{}, (*builder).channelKind),
	honoured("stderr", inChannel, nothing{}, (*builder).channelKind),
	honoured("severity", inChannel, levels, (*builder).severity),
	honoured("print-time", inChannel, choice{aBoolean, words{"iso8601", "iso8601-utc", "iso8601-tzinfo", "local"}}, (*builder).printTime),
	honoured("print-severity", inChannel, aBoolean, onChannel(func(c *channel, v string) { c.PrintSeverity = v == "yes" })),
	honoured("print-category", inChannel, aBoolean, onChannel(func(c *channel, v string) { c.PrintCategory = v == "yes" })),
	honoured("buffered", inChannel, aBoolean, onChannel(func(c *channel, v string) { c.Buffered = v == "yes" })),

	honoured("all-per-second", inRateLimit, aNumber, rate(func(r *RateLimit) *int { return &r.AllPerSecond })),
	honoured("errors-per-second", inRateLimit, aNumber, rate(func(r *RateLimit) *int { return &r.ErrorsPerSecond })),
	honoured("exempt-clients", inRateLimit, matchList{}, matches(func(c *Config) *acl.List { return &c.RateLimit.Exempt })),
	honoured("ipv4-prefix-length", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.IPv4PrefixLen }, 8, 32)),
	honoured("ipv6-prefix-length", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.IPv6PrefixLen }, 16, 64)),
	honoured("log-only", inRateLimit, aBoolean, flag(func(c *Config) *bool { return &c.RateLimit.LogOnly })),
	honoured("max-table-size", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.MaxTableSize }, 1, math.MaxInt32)),
	honoured("min-table-size", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.MinTableSize }, 0, math.MaxInt32)),
	honoured("nodata-per-second", inRateLimit, aNumber, rate(func(r *RateLimit) *int { return &r.NodataPerSecond })),
	honoured("nxdomains-per-second", inRateLimit, aNumber, rate(func(r *RateLimit) *int { return &r.NxdomainsPerSecond })),
	honoured("qps-scale", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.QPSScale }, 1, math.MaxInt32)),
	honoured("referrals-per-second", inRateLimit, aNumber, rate(func(r *RateLimit) *int { return &r.ReferralsPerSecond })),
	honoured("responses-per-second", inRateLimit, aNumber, rate(func(r *RateLimit) *int { return &r.ResponsesPerSecond })),
	honoured("slip", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.Slip }, 0, 10)),
	honoured("window", inRateLimit, aNumber, limit(func(r *RateLimit) *int { return &r.Window }, 1, 3600)),
}
