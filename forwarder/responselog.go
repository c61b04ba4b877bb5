package forwarder

import (
	"encoding/binary"
	"strconv"

	"vpcdns/forwarder/wire"
)

// SetResponseLog turns the log of responses on or off, until a reload whose
// configuration says so anew.
func (s *Server) SetResponseLog(on bool) { s.setResponseLog(on) }

// ResponseLog reports whether responses are logged.
func (s *Server) ResponseLog() bool { return observers(s.observing.Load())&observedByLog != 0 }

func (e *engine) setResponseLog(on bool) {
	e.responsesSampled.Store(false)
	e.setObserver(observedByLog, on)
}

// logResponse writes the reply to a query to the response log, in the words of BIND
// 9.20: the numbers are those of records in each section.
func (w *worker) logResponse(q *query, reply []byte) {
	l := &w.logs.responses
	if !l.on() {
		return
	}
	w.saySampled(l.Logger, &w.responsesSampled, "responses is")
	line := w.appendAsked(w.line[:0], q, "response: ")
	line = append(append(line, rcodeName(replyRcode(q, reply))...), ' ')
	for at := 6; at < wire.HeaderLen; at += 2 {
		line = strconv.AppendUint(line, uint64(binary.BigEndian.Uint16(reply[at:])), 10)
		line = append(line, ' ')
	}
	w.line = w.appendHow(line, q)
	l.write(w.line)
}
