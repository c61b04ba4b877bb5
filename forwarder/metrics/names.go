package metrics

import (
	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

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
