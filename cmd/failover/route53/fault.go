package route53

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is what happens to requests. One that has neither Code nor any of
// Broken, Half, Hang and Refuse is a healthy one that Delay may make slow.
type Fault struct {
	Action string // that it befalls, as "GetChange"; "" is every
	Skip   int    // so many of these requests go well first
	Times  int    // then it befalls so many; 0 is all

	Delay  time.Duration // before anything else
	Code   string        // the error that is answered: Throttling, ExpiredToken, AccessDenied, InternalFailure …
	Done   bool          // what was asked is done all the same, before the error or the broken reply
	Broken bool          // the reply is no XML
	Half   bool          // the reply ends in the middle, and so does the connection
	Hang   bool          // there is no reply until the client has gone
	Refuse bool          // the connection ends without a reply, and nobody listens any more: see Listen
	Wrap   bool          // an InvalidChangeBatch has the form of other errors, which is all that AWS's CLI understands, in place of the manual's
}

// Break makes requests fail from now on: each takes the first fault that
// befalls it. Without faults all is well again; a Refuse needs Listen as well.
// What was asked is done before a reply that is Broken, Half, Hang or Refuse
// only if Done is set.
func (s *Server) Break(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	for _, f := range faults {
		s.faults = append(s.faults, &f)
	}
}

// faultOf finds what happens to the next request of the action.
func (s *Server) faultOf(action string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		switch {
		case f.Action != "" && f.Action != action:
		case f.Skip > 0:
			f.Skip--
		case f.Times == 1:
			s.faults = slices.Delete(s.faults, i, i+1)
			return *f
		default:
			f.Times = max(0, f.Times-1)
			return *f
		}
	}
	return Fault{}
}

// instead is the error that takes the action's place, "" for none: what only
// reads is done whatever becomes of the reply.
func (f Fault) instead(a action) string {
	broken := f.Broken || f.Half || f.Hang || f.Refuse
	if f.Code == "" && broken && !f.Done && a.method == http.MethodPost {
		return "InternalFailure"
	}
	if f.Done {
		return ""
	}
	return f.Code
}

// wait reports whether the delay went by before the client went or Close.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closing:
	}
	return false
}

// send writes the reply, or what the fault makes of it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, c *call, f Fault, reply any, e *Error) {
	if e == nil && f.Code != "" {
		e = s.refusal(f.Code, c)
	}
	status := http.StatusOK
	if e != nil {
		status, reply = e.status(), e.document(c.requestID, f.Wrap)
	}
	body := c.encode(reply, e)
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", c.requestID)
	switch {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-s.closing:
		}
		panic(http.ErrAbortHandler)
	case f.Refuse:
		_ = s.refuse() // that a socket was closed already is as good
		panic(http.ErrAbortHandler)
	case f.Half:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case f.Broken:
		body = []byte("<html><body>upstream connect error<br></body>")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no reply
}
