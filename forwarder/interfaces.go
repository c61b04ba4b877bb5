package forwarder

import (
	"errors"
	"io"
	"sync"
	"time"

	"vpcdns/forwarder/host"
)

// interfacesEvery is how often the host's interfaces are looked at where the
// kernel does not tell of changes. It takes some ten microseconds.
const interfacesEvery = 2 * time.Second

// watchInterfaces follows the host's interfaces: localhost, localnets and the
// addresses that are served are what they say now.
func (s *Server) watchInterfaces() {
	tick := time.NewTicker(s.net.lookEvery)
	defer tick.Stop()
	changed, stop := s.followNews()
	defer stop()
	// What was in the way of an address may have gone before the news are heard: it
	// was tentative, or bound by a socket that was inherited and of no use.
	s.readInterfaces()
	for {
		select {
		case <-tick.C:
		case <-changed:
		case <-s.quit:
			return
		}
		s.readInterfaces()
	}
}

// followNews returns a channel that tells when the kernel says that addresses
// have changed; without news from the kernel it is silent.
func (s *Server) followNews() (changed <-chan struct{}, stop func()) {
	news, err := s.net.news()
	if err != nil {
		return nil, func() {}
	}
	var wg sync.WaitGroup
	c := make(chan struct{}, 1)
	wg.Go(func() { follow(news, c) })
	return c, func() {
		news.Close()
		wg.Wait()
	}
}

// follow passes news on until they end. That some were lost is news too.
func follow(news io.Reader, changed chan<- struct{}) {
	buf := make([]byte, 4096)
	for {
		_, err := news.Read(buf)
		select {
		case changed <- struct{}{}:
		default:
		}
		if err != nil && !errors.Is(err, host.ErrNewsLost) {
			return
		}
	}
}

func (s *Server) readInterfaces() {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if s.stopped() || s.left {
		return
	}
	env, err := s.net.env()
	if err != nil {
		return // out of descriptors, say: the next look may tell
	}
	old := s.state.Load()
	env.MatchMapped = old.env.MatchMapped
	changed := !env.Equal(old.env)
	if !changed && !s.listeners.missing(old) {
		return
	}
	st := old.withEnv(env)
	s.state.Store(st)
	if err := s.listeners.open(st); err != nil && changed { // else it was told
		s.logs.network.Error("listening after a change of the interfaces: " + err.Error())
	}
	s.listeners.closeUnused(st)
	s.noteAddresses(st)
}
