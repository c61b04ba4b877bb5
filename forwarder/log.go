package forwarder

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/querylog"
	"vpcdns/forwarder/wire"
)

// loggers are the categories that the server writes to.
type loggers struct {
	general, network, resolver, queryErrors, rateLimit, dnstap *slog.Logger
	security, queries, responses                               querylog.Log
}

func newLoggers(l *slog.Logger) loggers {
	of := func(category string) *slog.Logger {
		if l == nil {
			return slog.New(slog.DiscardHandler)
		}
		return l.With(logging.CategoryKey, category)
	}
	return loggers{
		general: of("general"), network: of("network"), resolver: of("resolver"),
		queryErrors: of("query-errors"), rateLimit: of("rate-limit"), dnstap: of("dnstap"),
		security: querylog.New(of("security")), queries: querylog.New(of("queries")), responses: querylog.New(of("responses")),
	}
}

// isLogged reports whether BIND's log of queries has a query: one that it looks
// for data for, or says BADCOOKIE to.
func isLogged(fault wire.Fault, q *query) bool {
	looked := q.Class == wire.ClassIN || q.Class == wire.ClassCH || q.Class == wire.ClassANY && q.Type == wire.TypeTKEY
	return fault == wire.Sound && looked && isInView(q)
}

func (e *engine) setQueryLog(on bool) {
	e.queriesSampled.Store(false)
	e.queryLog.Store(on)
}

// sampled reports whether the current query is one that is logged, with its response.
// Each query has the same chance, whoever asks and whatever came before: of every
// N-th query those of a client that asks in a pattern, as for A and AAAA in turns,
// would be the same half.
func (w *worker) sampled() bool {
	if w.logSample <= 1 {
		return true
	}
	return w.roll()>>32*uint64(w.logSample)>>32 == 0
}

// roll returns a random number, whose high bits are good: Knuth's MMIX.
func (w *worker) roll() uint64 {
	w.random = w.random*6364136223846793005 + 1442695040888963407
	return w.random
}

// saySampled says in the first line of a log that it has a part only.
func (e *engine) saySampled(l *slog.Logger, said *atomic.Bool, what string) {
	if e.logSample > 1 && said.CompareAndSwap(false, true) {
		l.Info(fmt.Sprintf("1 of %d %s logged, chosen at random (--query-log-sample)", e.logSample, what))
	}
}

// logQuery writes the current query to the query log, in BIND's words.
func (w *worker) logQuery(q *query) {
	l := &w.logs.queries
	if !l.On() || w.isProbe(q) {
		return
	}
	w.saySampled(l.Logger, &w.queriesSampled, "queries is")
	line := w.logged(q)
	w.line = querylog.AppendQuery(w.line[:0], &line)
	l.Write(w.line)
}

// SetResponseLog turns the log of responses on or off, until a reload whose
// configuration says so anew.
func (s *Server) SetResponseLog(on bool) { s.setResponseLog(on) }

// ResponseLog reports whether responses are logged.
func (s *Server) ResponseLog() bool { return observers(s.observing.Load())&observedByLog != 0 }

func (e *engine) setResponseLog(on bool) {
	e.responsesSampled.Store(false)
	e.setObserver(observedByLog, on)
}

// logResponse writes the reply to a query to the response log.
func (w *worker) logResponse(q *query, reply []byte) {
	l := &w.logs.responses
	if !l.On() {
		return
	}
	w.saySampled(l.Logger, &w.responsesSampled, "responses is")
	line := w.logged(q)
	w.line = querylog.AppendResponse(w.line[:0], &line, counts.RcodeName(replyRcode(q, reply)), reply)
	l.Write(w.line)
}

// logDenied writes which access list turned a question away, in BIND's words: the
// current query's, or where its aliases lead. BIND itself does not name
// allow-query, and is silent about allow-recursion.
func (w *worker) logDenied(q *query, question []byte, why reason) {
	l := &w.logs.security
	if !l.On() {
		return
	}
	what, list := w.denied(q, why)
	line := w.logged(q)
	w.line = querylog.AppendDenied(w.line[:0], &line, what, question[:len(question)-4], list)
	l.Write(w.line)
}

// logged is the current query as lines tell of it.
func (w *worker) logged(q *query) querylog.Query {
	line := querylog.Query{Query: &q.Query, Client: q.addr, Local: q.local, TCP: q.via == viaTCP}
	line.GoodCookie = q.EDNS.Cookie != nil && w.goodCookie(q)
	if view := w.st.cfg.View; view != "_default" && q.may.inView && q.Class != wire.ClassCH { // which has a view of its own
		line.View = view
	}
	return line
}

// isInView reports whether the view matches a query's client, or BIND's own for
// class CH does.
func isInView(q *query) bool { return q.may.inView || q.Class == wire.ClassCH }

// denied returns what an access list denied, and which.
func (w *worker) denied(q *query, why reason) (what, by string) {
	switch {
	case !isInView(q):
		return "query", "match-clients of the view did not match"
	case why == queryProhibited:
		return "query", "allow-query did not match"
	case why == zoneProhibited:
		return "query", "allow-query of the zone did not match"
	case !w.st.cfg.Recursion:
		return "query (cache)", "recursion not enabled"
	case why == recursionProhibited:
		return "query (cache)", "allow-recursion did not match"
	}
	return "query (cache)", "allow-query-cache did not match"
}

// logFailure writes why a question got no answer. Outages are reported once,
// as troubles; single failures are for those who look.
func (e *engine) logFailure(f *fetch, err error) {
	l := e.logs.queryErrors
	if !l.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	q := f.req.Question
	n := len(q) - 4
	l.Info(fmt.Sprintf("%s resolving '%s/%s/IN' in zone %s", err, querylog.NameText(q[:n]),
		querylog.TypeName(uint16(q[n])<<8|uint16(q[n+1])), wire.TrimDot(f.zone.name)))
}
