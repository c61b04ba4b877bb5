package sizing

import "time"

// event is something that happens at a time, to a fetch or to none.
type event struct {
	at  time.Duration
	nth uint64 // of those at one time, the first comes first
	do  func(*model, *fetch)
	f   *fetch
}

func (e *event) before(other *event) bool {
	return e.at < other.at || e.at == other.at && e.nth < other.nth
}

// events is a binary heap, the next one first.
type events struct {
	heap []event
	n    uint64
}

func (l *events) push(e event) {
	l.n++
	e.nth = l.n
	l.heap = append(l.heap, e)
	i := len(l.heap) - 1
	for ; i > 0 && e.before(&l.heap[(i-1)/2]); i = (i - 1) / 2 {
		l.heap[i] = l.heap[(i-1)/2]
	}
	l.heap[i] = e
}

func (l *events) pop() event {
	first, n := l.heap[0], len(l.heap)-1
	last := l.heap[n]
	l.heap[n] = event{}
	l.heap = l.heap[:n]
	if n == 0 {
		return first
	}
	i := 0
	for child := 1; child < n; child = 2*i + 1 {
		if child+1 < n && l.heap[child+1].before(&l.heap[child]) {
			child++
		}
		if last.before(&l.heap[child]) {
			break
		}
		l.heap[i] = l.heap[child]
		i = child
	}
	l.heap[i] = last
	return first
}
