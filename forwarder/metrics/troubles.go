package metrics

import "vpcdns/forwarder"

// troubleFamilies are about what is wrong.
var troubleFamilies = []family{
	{"trouble", gauge, trouble,
		"What is wrong, by kind and subject (server, zone, interface, address or file): 1 now, 0 while it comes and goes and is gone at the moment. Its first line is in the log, its last one still to come. The kinds: outage, local-error, source-address, failures, server-failures, slow, budget, queue, recursive-clients, fetches, allowance, forgery, cookies, loop, address, log, peer, pair, dnstap.",
		perTrouble(func(t *forwarder.TroubleStats) float64 { return truth(t.Now) })},
	{"trouble_begin_timestamp_seconds", gauge, trouble,
		"When that began, in Unix time.",
		perTrouble(func(t *forwarder.TroubleStats) float64 { return unix(t.Since) })},
	{"trouble_queries", gauge, trouble,
		"Queries of the zones that it concerns since it began.",
		perTrouble(func(t *forwarder.TroubleStats) float64 { return float64(t.Queries) })},
	{"trouble_failed_queries", gauge, trouble,
		"Of them, those that failed: SERVFAIL, or no reply.",
		perTrouble(func(t *forwarder.TroubleStats) float64 { return float64(t.Failed) })},
	{"trouble_clients", gauge, trouble,
		"Clients whose queries failed since it began, about.",
		perTrouble(func(t *forwarder.TroubleStats) float64 { return float64(t.Clients) })},
	{"zone_last_minute_queries", gauge, zone,
		"Queries in the last minute, of each forward zone of which some failed.",
		perFailure(func(f *forwarder.ZoneFailures) float64 { return float64(f.Queries) })},
	{"zone_last_minute_failed_queries", gauge, zone,
		"Of them, those that failed: SERVFAIL, or no reply.",
		perFailure(func(f *forwarder.ZoneFailures) float64 { return float64(f.Failed) })},
	{"zone_last_minute_failed_clients", gauge, zone,
		"Clients whose queries failed in the last minute, about.",
		perFailure(func(f *forwarder.ZoneFailures) float64 { return float64(f.Clients) })},
}
