package upstream

// load is the requests of one client that are in flight or wait.
type load struct {
	turn       uint64
	lines      [clientPriorities]line
	n          int
	prev, next *load // of those with as many
}

// loads finds the busiest client in no time, however many there are.
type loads struct {
	of    map[uint64]*load
	by    []*load // lists, by number of requests
	top   int     // the greatest number
	spare *load
}

// add counts r.
func (s *loads) add(r *Request) {
	l := s.of[r.Turn]
	if l == nil {
		if l = s.spare; l != nil {
			s.spare = l.next
		} else {
			l = new(load)
		}
		*l = load{turn: r.Turn}
		s.of[r.Turn] = l
	}
	l.lines[r.Priority.index()].add(r)
	r.load = l
	s.move(l, l.n+1)
}

// remove counts r no more.
func (s *loads) remove(r *Request) {
	l := r.load
	r.line.remove(r)
	r.load = nil
	s.move(l, l.n-1)
	if l.n == 0 {
		delete(s.of, l.turn)
		l.next, s.spare = s.spare, l
	}
}

// move puts l among those with n requests.
func (s *loads) move(l *load, n int) {
	if l.n > 0 {
		if l.prev != nil {
			l.prev.next = l.next
		} else {
			s.by[l.n] = l.next
		}
		if l.next != nil {
			l.next.prev = l.prev
		}
	}
	for len(s.by) <= n {
		s.by = append(s.by, nil)
	}
	if l.n = n; n > 0 {
		l.prev, l.next = nil, s.by[n]
		if l.next != nil {
			l.next.prev = l
		}
		s.by[n] = l
		s.top = max(s.top, n)
	}
	for s.top > 0 && s.by[s.top] == nil {
		s.top--
	}
}

// busiest returns the client with the most requests, or nil.
func (s *loads) busiest() *load {
	if s.top == 0 {
		return nil
	}
	return s.by[s.top]
}

// count returns how many requests a client has.
func (s *loads) count(turn uint64) int {
	if l := s.of[turn]; l != nil {
		return l.n
	}
	return 0
}
