package forwarder

import (
	"net/netip"
	"sync"

	"vpcdns/acl"
)

// Access returns whether an access list allows an address, as the interfaces are
// when it is asked. It may be asked by several goroutines; it is not for queries.
func (s *Server) Access(list acl.List) func(netip.Addr) bool {
	var mu sync.Mutex
	var of *state
	var set *acl.Set
	return func(a netip.Addr) bool {
		mu.Lock()
		defer mu.Unlock()
		if st := s.state.Load(); st != of {
			set, of = list.Recompile(st.env, set), st
		}
		return set.Match(a)
	}
}
