package metrics

import "vpcdns/forwarder"

// dnstapFamilies are about what is tapped.
var dnstapFamilies = []family{
	{"dnstap_messages_total", counter, []string{"result"},
		"Messages that were tapped (dnstap), by what became of them: written, or dropped, as more came than could be written or the output failed. The log says why.",
		collectDnstap},
	{"dnstap_waiting_messages", gauge, nil,
		"Messages that wait to be written, 16384 at most.",
		one(func(s *forwarder.Stats) int { return s.Dnstap.Waiting })},
	{"dnstap_output_opens_total", counter, nil,
		"Times that a file for tapped messages was begun, or their reader was connected to.",
		one(func(s *forwarder.Stats) uint64 { return s.Dnstap.Opened })},
	{"dnstap_output_failures_total", counter, nil,
		"Times that this, or writing there, failed. It is tried again after fstrm-set-reopen-interval.",
		one(func(s *forwarder.Stats) uint64 { return s.Dnstap.Failed })},
	{"dnstap_output_up", gauge, nil,
		"1 while tapped messages are written, 0 while that fails; only where the configuration has dnstap.",
		collectDnstapUp},
}

func collectDnstap(st *forwarder.Stats, e emitter) {
	e.value(float64(st.Dnstap.Written), "written")
	e.value(float64(st.Dnstap.Dropped), "dropped")
}

func collectDnstapUp(st *forwarder.Stats, e emitter) {
	if st.Dnstap.On {
		e.value(truth(st.Dnstap.Up))
	}
}
