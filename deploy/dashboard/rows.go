package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"vpcdns/forwarder/metrics"
)

// rows are the dashboard, what an operator looks at first at the top.
var rows = []row{pair, answers, failover, upstreams, caches, machine}

const instance = "{{instance}}"

var pair = row{"The pair", []panel{
	{look: number, width: 4, title: "Up", unit: count, help: "Whether Prometheus reaches it.",
		queries: []query{{instance, targets}}, names: []named{{"1", "up", good}, {"0", "down", bad}}},
	{look: number, width: 4, title: "Troubles", unit: count, limit: 1, help: "Things that are wrong now: forwarder status says what, and since when.",
		queries: []query{{instance, none(sum(series(metrics.Trouble), "instance"))}}},
	{look: number, width: 4, title: "Running for", unit: units.Seconds, help: "Since the process was started.",
		queries: []query{{instance, "time() - " + series(metrics.StartTimeSeconds)}}},
	{look: number, width: 4, title: "Configuration", unit: count, help: "Whether named.conf is what is in force: forwarder --check-config says what is wrong.",
		queries: []query{{instance, series(metrics.ConfigLastReloadSuccessful)}}, names: []named{{"1", "in force", good}, {"0", "not loaded", bad}}},
	{look: number, width: 4, title: "Overrides", unit: count, limit: 1, help: "Names of which clients get an operator's data.",
		queries: []query{{instance, series(metrics.Overrides)}}},
	{look: number, width: 4, title: "Version", unit: count, help: "Its number is the name of the series.",
		queries: []query{{instance + " {{version}}", series(metrics.BuildInfo)}}, names: []named{{"1", "runs", good}}},
	{look: states, width: 12, title: "Each asks the other (--peer)", unit: count, help: "Whether it answers DNS.",
		queries: []query{{serverOf, series(metrics.PeerUp)}}, names: []named{{"1", "answers", good}, {"0", "does not", bad}}},
	{width: 12, title: "Names in which the two differ", unit: count, limit: 1, help: "For longer than TTLs explain, of those that both have data for.",
		queries: []query{
			{serverOf + " differ", series(metrics.PeerDisagreeingNames)},
			{serverOf + " compared", series(metrics.PeerComparedNames)},
		}},
	{look: states, width: 24, title: "Alerts", unit: count, help: "Alerts of alerts.yaml that fire.",
		queries: []query{{"{{alertname}} " + instance, `max by (alertname, instance) (ALERTS{alertname=~"Forwarder.*",alertstate="firing",job="$job"})`}},
		names:   []named{{"1", "fires", bad}}},
}}

var answers = row{"Answers", []panel{
	{look: stack, width: 12, title: "Queries by source", unit: perSecond, help: "Where answers come from: hit is the cache, miss is upstream.",
		queries: []query{{"{{source}}", sum(rate(series(metrics.QueriesTotal)), "source")}}},
	{width: 12, title: "Queries by forwarder", unit: perSecond, help: "Who of the two is asked.",
		queries: []query{{instance, sum(rate(series(metrics.QueriesTotal)), "instance")}}},
	{width: 12, title: "Hit ratio", unit: share, help: "Share of the answers that come from the cache, of those from cache and upstream.",
		queries: []query{{instance, over(sum(rate(series(metrics.QueriesTotal, `source="hit"`)), "instance"),
			sum(rate(series(metrics.QueriesTotal, `source=~"hit|miss|joined"`)), "instance"))}}},
	{width: 12, title: "Answers by rcode", unit: perSecond, help: "SERVFAIL is upstream's failure or silence, REFUSED an access list.",
		queries: []query{{"{{rcode}}", sum(rate(series(metrics.ResponsesTotal)), "rcode")}}},
	{width: 12, title: "Latency to clients", unit: units.Seconds, help: "By where the answer came from: half and 99 of 100 took no longer.",
		queries: []query{
			{"{{source}} 50 %", quantile(0.5, metrics.ResponseLatencySeconds, "source")},
			{"{{source}} 99 %", quantile(0.99, metrics.ResponseLatencySeconds, "source")},
		}},
	{width: 12, title: "Share of failures by zone", unit: share, limit: 0.1, help: "SERVFAIL to clients.",
		queries: []query{{instance + " {{zone}}", over(sum(rate(series(metrics.ZoneResponsesTotal, `rcode="SERVFAIL"`)), "instance", "zone"),
			sum(rate(series(metrics.ZoneResponsesTotal)), "instance", "zone"))}}},
	{width: 24, title: "Not answered as asked", unit: perSecond, help: "Refused by an access list; malformed; dropped by blackhole or rate limit; lost, as too many waited; stale, as upstream failed.",
		queries: []query{
			{instance + " refused", rate(series(metrics.ACLRefusedQueriesTotal))},
			{instance + " malformed", rate(series(metrics.MalformedQueriesTotal))},
			{instance + " dropped", rate(series(metrics.DroppedQueriesTotal))},
			{instance + " lost", rate(series(metrics.OverflowedQueriesTotal))},
			{instance + " stale", sum(rate(series(metrics.QueriesTotal, `source="stale"`)), "instance")},
		}},
}}

const nameOf = "{{name}} {{type}}"

// given is which of a watched name's states it is in, by a number.
func given() expr {
	in := func(state string) expr {
		return sum(series(metrics.WatchedNameState, `state="`+state+`"`), "instance", "name", "type")
	}
	return in("override") + " + 2 * " + in("guard") + " + 3 * " + in("verify")
}

var failover = row{"Failover", []panel{
	{look: states, width: 24, title: "Watched names", unit: count, help: "What clients are given: upstream's data, an operator's (override), the newest while old data is refused (guard).",
		queries: []query{{nameOf + " " + instance, given()}},
		names:   []named{{"0", "upstream", good}, {"1", "override", odd}, {"2", "guard", "purple"}, {"3", "verify", "blue"}}},
	{width: 8, title: "Changes", unit: count, help: "Changes of watched names, by upstream, a probe or an override.",
		queries: []query{{nameOf + " " + instance, growth(series(metrics.WatchedNameChangesTotal))}}},
	{width: 8, title: "Old answers refused", unit: count, help: "Upstream gave earlier data again, which no client was given.",
		queries: []query{{nameOf + " " + instance, growth(series(metrics.WatchedNameRefusedAnswersTotal))}}},
	{width: 8, title: "Clients may hold earlier data for", unit: units.Seconds, help: "0: nobody behind the forwarder holds it any more.",
		queries: []query{{nameOf + " " + instance, left(series(metrics.WatchedNameEarlierDataUntilTimestampSeconds))}}},
	{width: 8, title: "Overrides end in", unit: units.Seconds, help: "At the latest: sooner once upstream agrees. Where it does not by then, clients go back to what upstream says.",
		queries: []query{{nameOf + " " + instance, left(set(series(metrics.WatchedNameOverrideExpiryTimestampSeconds)))}}},
	{look: states, width: 8, title: "Upstream agrees with the override", unit: count, help: "Then its end changes nothing.",
		queries: []query{{nameOf + " " + instance, series(metrics.WatchedNameOverrideAgrees)}}, names: []named{{"1", "agrees", good}, {"0", "has other data", odd}}},
	{look: states, width: 8, title: "Verifications", unit: count, help: "Whether upstream has steadily given what it should, while one runs and ten minutes after.",
		queries: []query{{nameOf + " " + instance, series(metrics.WatchedNameVerified)}}, names: []named{{"1", "verified", good}, {"0", "not yet", odd}}},
	{width: 8, title: "Last changes", unit: units.Seconds, help: "How long ago.",
		queries: []query{{nameOf + " " + instance, "time() - " + set(series(metrics.WatchedNameLastChangeTimestampSeconds))}}},
	{width: 8, title: "Names", unit: count, help: "Watched, overridden, guarded, probed past all caches, and left out of the pictures of single names.",
		queries: []query{
			{instance + " watched", series(metrics.WatchedNames)},
			{instance + " overridden", series(metrics.Overrides)},
			{instance + " guarded", series(metrics.Guards)},
			{instance + " probed", series(metrics.ProbedNames)},
			{instance + " left out", series(metrics.WatchedNamesLeftOut)},
		}},
	{width: 8, title: "Questions about watched names", unit: perSecond, help: "That the forwarder itself asks upstream.",
		queries: []query{
			{instance + " names", rate(series(metrics.VerifyQuestionsTotal))},
			{instance + " probes", rate(series(metrics.ProbeQuestionsTotal))},
		}},
}}

const serverOf = instance + " {{server}}"

var upstreams = row{"Upstream", []panel{
	{look: states, width: 12, title: "Servers", unit: count, help: "A server is down while it answers nothing.",
		queries: []query{{serverOf, series(metrics.UpstreamDown)}}, names: []named{{"0", "up", good}, {"1", "down", bad}}},
	{width: 12, title: "Round trip times", unit: units.Seconds, help: "Half and 99 of 100 answers took no longer.",
		queries: []query{
			{serverOf + " 50 %", quantile(0.5, metrics.UpstreamRTTSeconds, "instance", "server")},
			{serverOf + " 99 %", quantile(0.99, metrics.UpstreamRTTSeconds, "instance", "server")},
		}},
	{width: 12, title: "Queries and answers", unit: perSecond, help: "Retries are among the queries.",
		queries: []query{
			{serverOf + " queries", rate(series(metrics.UpstreamQueriesTotal))},
			{serverOf + " answers", rate(series(metrics.UpstreamAnswersTotal))},
			{serverOf + " retries", rate(series(metrics.UpstreamRetriesTotal))},
			{serverOf + " timeouts", rate(series(metrics.UpstreamTimeoutsTotal))},
		}},
	{width: 12, title: "Bad answers", unit: perSecond, help: "SERVFAIL and the like; malformed answers and referrals; wrong ID or question, many of which are an attempt to forge; unreachable.",
		queries: []query{
			{serverOf + " failures", rate(series(metrics.UpstreamFailuresTotal))},
			{serverOf + " unsound", rate(series(metrics.UpstreamUnsoundAnswersTotal))},
			{serverOf + " mismatched", rate(series(metrics.UpstreamMismatchedAnswersTotal))},
			{serverOf + " unreachable", rate(series(metrics.UpstreamUnreachableTotal))},
		}},
	{width: 12, title: "Packet budget used", unit: share, limit: 0.8, help: "Of --upstream-pps, by interface. The VPC resolver drops what exceeds 1024 packets a second.",
		queries: []query{{instance + " {{interface}}", over(rate(series(metrics.UpstreamBudgetSpentPacketsTotal)), set(series(metrics.UpstreamBudgetPacketsPerSecond)))}}},
	{width: 12, title: "Short of packets", unit: perSecond, help: "Questions that had to wait for budget, and that were given up; packets that EC2 dropped.",
		queries: []query{
			{instance + " waited", rate(series(metrics.UpstreamBudgetDelayedRequestsTotal))},
			{instance + " given up", rate(series(metrics.UpstreamBudgetRefusedRequestsTotal))},
			{instance + " dropped by EC2 ({{allowance}})", none(sum(rate(series(metrics.ENAExceededPacketsTotal)), "instance", "allowance"))},
		}},
	{width: 12, title: "Answers without a TTL", unit: perSecond, help: "No cache keeps them; who asks again within 100 ms is given them again.",
		queries: []query{
			{instance + " came", rate(series(metrics.UpstreamZeroTTLAnswersTotal))},
			{instance + " given again", rate(series(metrics.RepeatedAnswersTotal))},
		}},
	{width: 12, title: "Waiting", unit: count, help: "Questions that are asked upstream, or wait for budget.",
		queries: []query{
			{instance + " asked", series(metrics.PendingQuestions)},
			{instance + " wait for {{interface}}", series(metrics.UpstreamBudgetWaitingRequests)},
		}},
}}

var caches = row{"Cache", []panel{
	{width: 8, title: "Answers in the cache", unit: count, help: "Expired ones that are still kept included.",
		queries: []query{{instance, series(metrics.CacheEntries)}}},
	{width: 8, title: "Memory of the cache", unit: units.BytesIEC, help: "And what it may take (max-cache-size).",
		queries: []query{{instance, series(metrics.CacheSizeBytes)}, {instance + " at most", series(metrics.CacheMaxSizeBytes)}}},
	{width: 8, title: "Evictions", unit: perSecond, help: "Answers that went before their time, as the cache was full.",
		queries: []query{{instance, rate(series(metrics.CacheEvictionsTotal))}}},
}}

var machine = row{"Machine", []panel{
	{width: 8, title: "Processors", unit: count, help: "Used by the process.",
		queries: []query{{instance, rate(process("process_cpu_seconds_total"))}}},
	{width: 8, title: "Memory", unit: units.BytesIEC, help: "Resident.",
		queries: []query{{instance, process("process_resident_memory_bytes")}}},
	{width: 8, title: "Open files", unit: count, help: "And how many it may open.",
		queries: []query{{instance, process("process_open_fds")}, {instance + " at most", process("process_max_fds")}}},
	{width: 8, title: "Lost in buffers", unit: perSecond, help: "Datagrams that the kernel dropped: net.core.rmem_max, or a host that is too slow.",
		queries: []query{
			{instance + " received", rate(series(metrics.UDPReceiveBufferDropsTotal))},
			{instance + " sent", rate(series(metrics.UDPSendBufferDropsTotal))},
			{instance + " TCP", rate(series(metrics.TCPListenDropsTotal))},
		}},
	{width: 8, title: "TCP connections of clients", unit: count, help: "Open now.",
		queries: []query{{instance, series(metrics.TCPConnections)}}},
	{width: 8, title: "Lost lines of the log", unit: perSecond, help: "A channel that failed, was full or too slow.",
		queries: []query{{instance + " {{channel}}", rate(series(metrics.LogLostLinesTotal))}}},
}}
