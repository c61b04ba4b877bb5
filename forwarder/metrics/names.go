package metrics

import (
	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

// nameFamilies are about each watched name.
var nameFamilies = []family{
	{"watched_name_state", gauge, []string{"name", "type", "state"},
		"What clients are given of a name that is watched, overridden or verified: 1 for the state that it is in, 0 for the others: upstream (what upstream says), override (an operator's data), guard (what came last, while earlier data is refused), verify. Of 100 names and types at most, as all metrics forwarder_watched_name_…: those with an override, a guard or a verification first, then those that changed last.",
		collectNameStates},
	{"watched_names_left_out", gauge, nil,
		"Names and types that these leave out, as there are more than 100.",
		one(func(s *forwarder.Stats) int { return s.MoreNames })},
	{"watched_name_changes_total", counter, nameAndType,
		"Changes of the name, by upstream, a probe or an override.",
		perName(func(n *watch.NameStats) float64 { return float64(n.Changes) })},
	{"watched_name_last_change_timestamp_seconds", gauge, nameAndType,
		"When the name changed last, in Unix time; 0 if that is not known.",
		perName(func(n *watch.NameStats) float64 { return unixOrZero(n.Changed) })},
	{"watched_name_override_begin_timestamp_seconds", gauge, nameAndType,
		"Since when the name has an override, in Unix time; 0 is none.",
		perName(func(n *watch.NameStats) float64 { return unixOrZero(n.OverrideSet) })},
	{"watched_name_override_expiry_timestamp_seconds", gauge, nameAndType,
		"When that ends at the latest, even if upstream does not agree with it by then, in Unix time; 0 is none.",
		perName(func(n *watch.NameStats) float64 { return unixOrZero(n.OverrideEnds) })},
	{"watched_name_override_agrees", gauge, nameAndType,
		"1 while upstream says what the override does, so that its end changes nothing, 0 while it says something else; only of names that have one.",
		collectAgrees},
	{"watched_name_verify_begin_timestamp_seconds", gauge, nameAndType,
		"Since when a verification of the name runs, in Unix time; 0 is none.",
		perName(func(n *watch.NameStats) float64 { return unixOrZero(n.VerifyBegan) })},
	{"watched_name_verified", gauge, nameAndType,
		"1 if upstream has steadily given what a verification wants, 0 if it has not, or not yet; only while one runs, and for ten minutes after.",
		ofSome(func(n *watch.NameStats) string { return n.Verify }, "done")},
	{"watched_name_earlier_data_until_timestamp_seconds", gauge, nameAndType,
		"Until when a client may hold earlier data of the name, in Unix time; 0: nobody behind this forwarder does.",
		perName(func(n *watch.NameStats) float64 { return unixOrZero(n.EarlierUntil) })},
	{"watched_name_came_back", gauge, nameAndType,
		"Answers of upstream with earlier data of the name, refused by the guard that runs.",
		perName(func(n *watch.NameStats) int { return n.CameBack })},
	{"watched_name_refused_answers_total", counter, nameAndType,
		"Answers of upstream with earlier data of the name that guards refused.",
		perName(func(n *watch.NameStats) float64 { return float64(n.Refused) })},
	{"watched_name_probe", gauge, nameAndType,
		"1 while a probe past all caches shows what the name has, 0 while its wildcard is left aside; only of names that have one.",
		ofSome(func(n *watch.NameStats) string { return n.Probe }, "on")},
}

// perName collects a family with a series for each name and type that is shown.
func perName[N number](read func(*watch.NameStats) N) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Names {
			n := &st.Names[i]
			e.value(float64(read(n)), text(n.Name), n.Type)
		}
	}
}

// collectNameStates sends all states: an alert is to end where a name goes to another.
func collectNameStates(st *forwarder.Stats, e emitter) {
	for i := range st.Names {
		n := &st.Names[i]
		for _, state := range watch.Givers {
			e.value(truth(state == n.Given), text(n.Name), n.Type, state)
		}
	}
}

// ofSome collects a family with a series for each name of which something is said, "" is
// nothing: 1 where it is what is wanted.
func ofSome(said func(*watch.NameStats) string, want string) func(*forwarder.Stats, emitter) {
	return func(st *forwarder.Stats, e emitter) {
		for i := range st.Names {
			n := &st.Names[i]
			if what := said(n); what != "" {
				e.value(truth(what == want), text(n.Name), n.Type)
			}
		}
	}
}

func collectAgrees(st *forwarder.Stats, e emitter) {
	for i := range st.Names {
		if n := &st.Names[i]; !n.OverrideSet.IsZero() {
			e.value(truth(n.Agrees), text(n.Name), n.Type)
		}
	}
}
