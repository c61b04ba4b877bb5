package metrics

import "vpcdns/forwarder"

// memberFamilies are about the other forwarders of a fleet.
var memberFamilies = []family{
	{"members", gauge, nil,
		"Other forwarders of the fleet at the last look-up. Only with --member, as all of these.",
		ofMembers(func(m *forwarder.MemberStats) float64 { return float64(m.Known) })},
	{"members_answered", gauge, nil,
		"Of them, those that answered the last time.",
		ofMembers(func(m *forwarder.MemberStats) float64 { return float64(m.Answered) })},
	{"member_fetches_total", counter, nil,
		"Times that a member was asked for overrides, watches and guards: in the first five minutes of the process only.",
		ofMembers(func(m *forwarder.MemberStats) float64 { return float64(m.Fetches) })},
	{"member_fetch_failures_total", counter, nil,
		"Of them, those without a sound answer: the log says why.",
		ofMembers(func(m *forwarder.MemberStats) float64 { return float64(m.Failures) })},
	{"member_last_fetch_timestamp_seconds", gauge, nil,
		"When a member answered last, in Unix time; 0 if none has.",
		ofMembers(func(m *forwarder.MemberStats) float64 { return unixOrZero(m.Last) })},
	{"member_changes_total", counter, []string{"kind"},
		"What was taken over from members: override (or its confirmation), watch, guard; end is what ended here since it was deleted there.",
		collectMemberChanges},
}

// peerFamilies are about the other forwarder of a pair.
var peerFamilies = []family{
	{"peer_up", gauge, server,
		"1 while the other forwarder of the pair gives answers that can be compared, else 0. Only with --peer, as all of these.",
		perPeer(func(p *forwarder.PeerStats) float64 { return truth(p.Up) })},
	{"peer_last_answer_timestamp_seconds", gauge, server,
		"When it gave the last one, in Unix time; 0 if it has not.",
		perPeer(func(p *forwarder.PeerStats) float64 { return unixOrZero(p.Last) })},
	{"peer_names", gauge, server,
		"Watched and overridden names, by type, that it is asked for.",
		perPeer(func(p *forwarder.PeerStats) float64 { return float64(p.Sets) })},
	{"peer_compared_names", gauge, server,
		"Of them, those of which both forwarders have an answer now.",
		perPeer(func(p *forwarder.PeerStats) float64 { return float64(p.Compared) })},
	{"peer_disagreeing_names", gauge, server,
		"Of them, those in which the two differ for longer than TTLs explain: 2 s where both watch the name.",
		perPeer(func(p *forwarder.PeerStats) float64 { return float64(p.Disagreeing) })},
}
