package upstream

// queue is a FIFO of requests, linked through them; a request stands in one
// queue at a time.
type queue struct {
	head, tail *Request
	n          int
	budget     *budget // that its requests wait for; nil: they wait for a down server
	lane       *lane   // that it is part of, or nil
}

func (q *queue) push(r *Request) {
	r.queue, r.before, r.after = q, q.tail, nil
	if q.tail != nil {
		q.tail.after = r
	} else {
		q.head = r
	}
	q.tail = r
	q.n++
}

func (q *queue) pushFront(r *Request) {
	if q.head == nil {
		q.push(r)
		return
	}
	r.queue, r.before, r.after = q, nil, q.head
	q.head.before, q.head = r, r
	q.n++
}

func (q *queue) pop() *Request {
	r := q.head
	if r != nil {
		q.remove(r)
	}
	return r
}

func (q *queue) remove(r *Request) {
	if r.before != nil {
		r.before.after = r.after
	} else {
		q.head = r.after
	}
	if r.after != nil {
		r.after.before = r.before
	} else {
		q.tail = r.before
	}
	r.queue, r.before, r.after = nil, nil, nil
	q.n--
	if q.lane != nil {
		q.lane.left()
	}
}

// line is the requests of one priority, by age.
type line struct{ oldest, newest *Request }

func (l *line) add(r *Request) {
	r.line, r.older, r.newer = l, l.newest, nil
	if l.newest != nil {
		l.newest.newer = r
	} else {
		l.oldest = r
	}
	l.newest = r
}

func (l *line) remove(r *Request) {
	if r.older != nil {
		r.older.newer = r.newer
	} else {
		l.oldest = r.newer
	}
	if r.newer != nil {
		r.newer.older = r.older
	} else {
		l.newest = r.older
	}
	r.line, r.older, r.newer = nil, nil, nil
}

// unqueue takes r out of the queue that it stands in, if any.
func (c *Client) unqueue(r *Request) {
	if r.queue != nil {
		r.queue.remove(r)
	}
}
