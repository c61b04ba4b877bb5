package forwarder

import "time"

// interfacesEvery is how often the host's interfaces are looked at. It takes
// some ten microseconds.
const interfacesEvery = 2 * time.Second

// watchInterfaces follows the host's interfaces: localhost, localnets and the
// addresses that are served are what they say now.
func (s *Server) watchInterfaces() {
	tick := time.NewTicker(interfacesEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.readInterfaces()
		case <-s.quit:
			return
		}
	}
}

func (s *Server) readInterfaces() {
	env, err := s.net.env()
	if err != nil {
		return // out of descriptors, say: the next look may tell
	}
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if s.stopped() {
		return
	}
	old := s.state.Load()
	env.MatchMapped = old.env.MatchMapped
	changed := !env.Equal(old.env)
	if !changed && !s.listeners.missing(old) {
		return
	}
	st, err := old.withEnv(env)
	if err != nil {
		return
	}
	s.state.Store(st)
	if err := s.listeners.open(st); err != nil {
		s.logs.network.Error("listening after a change of the interfaces: " + err.Error())
	}
	s.listeners.closeUnused(st)
}
