package demo

// load is how many questions of corporate DNS went to each of the pair.
type load [2]uint64

func (s *site) load() (l load) {
	servers, _ := s.corporate.server.Upstreams()
	for _, u := range servers {
		for i, m := range s.pair {
			if u.Addr == m.addr {
				l[i] = u.Sent
			}
		}
	}
	return l
}

func (l load) since(former load) load { return load{l[0] - former[0], l[1] - former[1]} }

func (l load) busier() int {
	if l[1] > l[0] {
		return 1
	}
	return 0
}
