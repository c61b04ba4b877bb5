package metrics

import (
	"vpcdns/forwarder"
	"vpcdns/forwarder/upstream"
)

// budgetFamilies are about packets to upstream.
var budgetFamilies = []family{
	{"upstream_budget_packets_per_second", gauge, budget,
		"Most packets a second to upstream now (--upstream-pps, or less while forwarder_upstream_throttled), by interface; 0 is no limit.",
		perInterface(func(i *upstream.InterfaceStats) int { return i.PPS })},
	{"upstream_budget_spent_packets_total", counter, budget,
		"Packets sent to upstream, those of TCP by estimate. Servers on this host do not count.",
		perInterface(func(i *upstream.InterfaceStats) uint64 { return i.Sent })},
	{"upstream_budget_delayed_requests_total", counter, budget,
		"Questions that had to wait for packet budget, by interface; ens5+ens6 where they may leave by either (--query-source).",
		perBudget(func(b *upstream.BudgetStats) uint64 { return b.Queued })},
	{"upstream_budget_refused_requests_total", counter, budget,
		"Questions given up that had waited for packet budget.",
		perBudget(func(b *upstream.BudgetStats) uint64 { return b.Refused })},
	{"upstream_budget_waiting_requests", gauge, budget,
		"Questions that wait for packet budget now.",
		perBudget(func(b *upstream.BudgetStats) int { return b.Depth })},
	{"upstream_throttled", gauge, nil,
		"1 while the packet budget is less than --upstream-pps, as the instance exceeded its allowance of packets to link-local services, else 0.",
		one(func(s *forwarder.Stats) float64 { return truth(s.Throttle.Active) })},
	{"upstream_throttles_total", counter, nil,
		"Times that the packet budget was halved for that.",
		one(func(s *forwarder.Stats) uint64 { return s.Throttle.Halvings })},
	{"ena_exceeded_packets_total", counter, []string{"interface", "allowance"},
		"Packets of the whole instance that EC2 dropped because an allowance was exceeded, as its network driver (ENA) counts them: linklocal (the VPC resolver, metadata and time: 1024 a second for each interface), conntrack, pps, bw_in, bw_out. Only where there is such an interface.",
		collectExceeded},
}
