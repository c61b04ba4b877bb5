package metrics

import "vpcdns/forwarder"

func collectDnstap(st *forwarder.Stats, e emitter) {
	e.value(float64(st.Dnstap.Written), "written")
	e.value(float64(st.Dnstap.Dropped), "dropped")
}

func collectDnstapUp(st *forwarder.Stats, e emitter) {
	if st.Dnstap.On {
		e.value(truth(st.Dnstap.Up))
	}
}
