package route53

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Listen serves the API on addr and returns its URL; port 0 takes a free one.
// The socket is opened in the calling goroutine, thus in the network namespace
// of its thread. After a fault with Refuse, Listen again.
func (s *Server) Listen(addr netip.AddrPort) (url string, err error) {
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return "", fmt.Errorf("listening as Route 53: %w", err)
	}
	const slow = 10 * time.Second // for a client to send its headers
	handler := http.Handler(s)
	if s.options.Wrap != nil {
		handler = s.options.Wrap(s)
	}
	site := &http.Server{Handler: handler, ReadHeaderTimeout: slow}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sites = append(s.sites, site)
	s.serving.Go(func() { _ = site.Serve(listener) }) // it ends by refuse
	return "http://" + listener.Addr().String(), nil
}

// refuse closes all sockets.
func (s *Server) refuse() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, site := range s.sites {
		errs = append(errs, site.Close())
	}
	s.sites = nil
	return errors.Join(errs...)
}

// Close stops listening and gives up what hangs. It does not wait for requests
// that are being answered.
func (s *Server) Close() error {
	s.closed.Do(func() { close(s.closing) })
	err := s.refuse()
	s.serving.Wait()
	return err
}
