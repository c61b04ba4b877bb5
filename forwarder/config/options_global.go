package config

import (
	"math"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
)

// Why options may be ignored: what they steer is not done here.
const (
	asMetrics    = "statistics are served as metrics"
	gone         = "BIND itself has dropped it"
	noAddZone    = "zones come from this file only"
	noDSCP       = "it changes nothing in BIND 9.18 either"
	noNotifies   = "there are no secondaries to notify"
	noRecursion  = "only forwarders are asked, never a zone's own name servers"
	noRPZ        = "there are no response policy zones"
	keptTCP      = "connections are kept while they are of use"
	noPROXY      = "no listener takes PROXY headers"
	noReports    = "errors are not reported to a zone's owner"
	noSIG0       = "messages signed with SIG(0) are not checked"
	noSigning    = "zones are served as their files have them"
	tapBatches   = "what is tapped is written within 10 ms, in batches"
	tapQueue     = "16384 messages, of 2 MB, may wait to be written, and what is more is dropped and counted"
	allJoined    = "all clients that ask the same are answered, however many"
	noTKEY       = "keys are not negotiated"
	noTLS        = "DNS is served over UDP and TCP only"
	noTSIG       = "queries and answers are not signed"
	noTransfers  = "zones are not transferred"
	noUpdates    = "there are no dynamic updates"
	noValidation = "answers are not validated; signatures, DO and CD pass through"
	noViews      = "there is one view at most"
	notWritten   = "no such file is written"
	osLimits     = "the service manager sets limits"
	ownSockets   = "sockets are tuned by themselves"
	watched      = "interfaces are watched all the time"
	zoneChecks   = "a zone is checked for what it needs to load"
)

// destACL is why access lists that match the destination are refused.
const destACL = "access does not depend on the address that was asked; use listen-on"

// global are the options of the options block.
var global = []option{
	honoured("answer-cookie", inOptions, aBoolean, flag(func(c *Config) *bool { return &c.EDNS.AnswerCookie })),
	ignored("automatic-interface-scan", inOptions, aBoolean, watched).unless("yes"),
	missed("avoid-v4-udp-ports", inOptions, portRanges, "ports of queries are those of the kernel: set net.ipv4.ip_local_port_range and ip_local_reserved_ports").aged(deprecated),
	missed("avoid-v6-udp-ports", inOptions, portRanges, "ports of queries are those of the kernel: set net.ipv4.ip_local_port_range and ip_local_reserved_ports").aged(deprecated),
	ignored("bindkeys-file", inOptions, aString, noValidation),
	honoured("blackhole", inOptions, matchList{}, matches(func(c *Config) *acl.List { return &c.Blackhole })),
	honoured("cookie-algorithm", inOptions, words{"aes", "siphash24"}, (*builder).cookieAlgorithm),
	honoured("cookie-secret", inOptions, aName, (*builder).cookieSecret).repeated(),
	ignored("coresize", inOptions, sizeLimit, osLimits).aged(deprecated),
	ignored("datasize", inOptions, sizeLimit, osLimits).aged(deprecated),
	honoured("directory", inOptions, aString, nil),
	honoured("dnstap-output", inOptions, tapOutput, (*builder).dnstapOutput),
	honoured("dnstap-identity", inOptions, orHostname, (*builder).dnstapIdentity),
	honoured("dnstap-version", inOptions, orNone, (*builder).dnstapVersion),
	ignored("dscp", inOptions, aNumber, noDSCP).aged(obsolete),
	honoured("dump-file", inOptions, aString, text(func(f *Files) *string { return &f.Dump })),
	ignored("files", inOptions, sizeLimit, osLimits).aged(deprecated),
	ignored("flush-zones-on-shutdown", inOptions, aBoolean, "it changes nothing in BIND 9.18 either"),
	ignored("fstrm-set-buffer-hint", inOptions, aNumber, tapBatches).checked(tapLimit(1024, 65536)),
	ignored("fstrm-set-flush-timeout", inOptions, aNumber, tapBatches).checked(tapLimit(1, 600)),
	ignored("fstrm-set-input-queue-size", inOptions, aNumber, tapQueue).checked(tapLimit(2, 16384)),
	ignored("fstrm-set-output-notify-threshold", inOptions, aNumber, tapBatches).checked(tapLimit(1, math.MaxUint32)),
	ignored("fstrm-set-output-queue-model", inOptions, words{"mpsc", "spsc"}, tapQueue),
	ignored("fstrm-set-output-queue-size", inOptions, aNumber, tapQueue).checked(tapLimit(2, 1024)),
	honoured("fstrm-set-reopen-interval", inOptions, aDuration, (*builder).reopenInterval),
	ignored("geoip-directory", inOptions, orNone, "nothing here looks up countries"),
	ignored("heartbeat-interval", inOptions, aNumber, watched).aged(deprecated),
	honoured("hostname", inOptions, orNone, identity(func(i *local.Identity) **string { return &i.Hostname })),
	ignored("interface-interval", inOptions, aDuration, watched),
	missed("keep-response-order", inOptions, matchList{}, "answers over TCP may come in any order (RFC 7766)").unless("{ none; }"),
	honoured("listen-on", inOptions, listenOn, (*builder).listenOn).repeated(),
	honoured("listen-on-v6", inOptions, listenOn, (*builder).listenOn).repeated(),
	ignored("lock-file", inOptions, orNone, "a second server fails to bind the port, or says who has it").unless("none"),
	ignored("managed-keys-directory", inOptions, aString, noValidation),
	honoured("match-mapped-addresses", inOptions, aBoolean, flag(func(c *Config) *bool { return &c.MatchMapped })),
	ignored("max-rsa-exponent-size", inOptions, aNumber, noValidation),
	ignored("memstatistics", inOptions, aBoolean, notWritten).unless("no"),
	ignored("memstatistics-file", inOptions, aString, notWritten),
	ignored("notify-rate", inOptions, aNumber, noNotifies),
	honoured("pid-file", inOptions, orNone, (*builder).pidFile),
	honoured("port", inOptions, aNumber, nil),
	ignored("tls-port", inOptions, aNumber, noTLS),
	ignored("http-port", inOptions, aNumber, noTLS),
	ignored("http-listener-clients", inOptions, aNumber, noTLS),
	ignored("http-streams-per-connection", inOptions, aNumber, noTLS),
	ignored("https-port", inOptions, aNumber, noTLS),
	honoured("querylog", inOptions, aBoolean, (*builder).setQueryLog),
	ignored("random-device", inOptions, orNone, "randomness comes from the kernel").aged(obsolete),
	honoured("recursing-file", inOptions, aString, text(func(f *Files) *string { return &f.Recursing })),
	honoured("recursive-clients", inOptions, aNumber, number(func(c *Config) *int { return &c.Limits.RecursiveClients })),
	ignored("reuseport", inOptions, aBoolean, ownSockets).unless("yes"),
	honoured("responselog", inOptions, aBoolean, (*builder).setResponseLog).aged(since920),
	ignored("reserved-sockets", inOptions, aNumber, ownSockets).aged(deprecated),
	ignored("secroots-file", inOptions, aString, noValidation),
	ignored("serial-query-rate", inOptions, aNumber, noTransfers),
	honoured("server-id", inOptions, orHostname, identity(func(i *local.Identity) **string { return &i.ServerID })),
	ignored("session-keyalg", inOptions, aName, noUpdates),
	ignored("session-keyfile", inOptions, orNone, noUpdates),
	ignored("session-keyname", inOptions, aName, noUpdates),
	ignored("sig0checks-quota", inOptions, aNumber, noSIG0).aged(since920),
	ignored("sig0checks-quota-exempt", inOptions, matchList{}, noSIG0).aged(since920),
	ignored("stacksize", inOptions, sizeLimit, osLimits).aged(deprecated),
	ignored("startup-notify-rate", inOptions, aNumber, noNotifies),
	honoured("statistics-file", inOptions, aString, text(func(f *Files) *string { return &f.Statistics })),
	honoured("tcp-advertised-timeout", inOptions, aNumber, tenths(func(t *TCP) *time.Duration { return &t.AdvertisedTimeout }, 0, 65535)),
	honoured("tcp-clients", inOptions, aNumber, number(func(c *Config) *int { return &c.TCP.Clients })),
	honoured("tcp-idle-timeout", inOptions, aNumber, tenths(func(t *TCP) *time.Duration { return &t.IdleTimeout }, 1, 1200)),
	honoured("tcp-initial-timeout", inOptions, aNumber, tenths(func(t *TCP) *time.Duration { return &t.InitialTimeout }, 25, 1200)),
	honoured("tcp-keepalive-timeout", inOptions, aNumber, tenths(func(t *TCP) *time.Duration { return &t.KeepaliveTimeout }, 1, 65535)),
	honoured("tcp-listen-queue", inOptions, aNumber, (*builder).listenQueue),
	ignored("tcp-primaries-timeout", inOptions, aNumber, noTransfers).aged(since921),
	ignored("tcp-receive-buffer", inOptions, aNumber, ownSockets),
	ignored("tcp-reuse-timeout", inOptions, aNumber, keptTCP).aged(since920),
	ignored("tcp-send-buffer", inOptions, aNumber, ownSockets),
	ignored("tkey-dhkey", inOptions, sequence{aString, aNumber}, noTKEY).aged(deprecated),
	ignored("tkey-domain", inOptions, aString, noTKEY).aged(deprecated),
	ignored("tkey-gssapi-credential", inOptions, aString, noTKEY).aged(deprecated),
	ignored("tkey-gssapi-keytab", inOptions, aString, noTKEY),
	ignored("transfer-message-size", inOptions, aNumber, noTransfers),
	ignored("transfers-in", inOptions, aNumber, noTransfers),
	ignored("transfers-out", inOptions, aNumber, noTransfers),
	ignored("transfers-per-ns", inOptions, aNumber, noTransfers),
	ignored("udp-receive-buffer", inOptions, aNumber, ownSockets),
	ignored("udp-send-buffer", inOptions, aNumber, ownSockets),
	ignored("update-quota", inOptions, aNumber, noUpdates),
	missed("use-v4-udp-ports", inOptions, portRanges, "ports of queries are those of the kernel: set net.ipv4.ip_local_port_range and ip_local_reserved_ports").aged(deprecated),
	missed("use-v6-udp-ports", inOptions, portRanges, "ports of queries are those of the kernel: set net.ipv4.ip_local_port_range and ip_local_reserved_ports").aged(deprecated),
	honoured("version", inOptions, orNone, (*builder).version),
}
