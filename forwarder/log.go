package forwarder

import (
	"context"
	"fmt"
	"log/slog"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/wire"
)

// loggers are the categories that the server writes to.
type loggers struct {
	general, network, resolver, queryErrors, rateLimit, dnstap *slog.Logger
	security, queries, responses                               lineLog
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
		security: newLineLog(of("security")), queries: newLineLog(of("queries")), responses: newLineLog(of("responses")),
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

// logQuery writes the current query to the query log, in BIND's words.
func (w *worker) logQuery(q *query) {
	l := &w.logs.queries
	if !l.on() || w.isProbe(q) {
		return
	}
	w.saySampled(l.Logger, &w.queriesSampled, "queries is")
	line := w.appendAsked(w.line[:0], q, "query: ")
	w.line = w.appendHow(line, q)
	l.write(w.line)
}

// logDenied writes which access list turned a question away, in BIND's words: the
// current query's, or where its aliases lead. BIND itself does not name
// allow-query, and is silent about allow-recursion.
func (w *worker) logDenied(q *query, question []byte, why reason) {
	l := &w.logs.security
	if !l.on() {
		return
	}
	what, list := w.denied(q, why)
	line, _ := w.appendClient(w.line[:0], q)
	line = append(append(line, what...), " '"...)
	line = appendName(line, question[:len(question)-4])
	line = append(append(line, '/'), typeName(q.Type)...)
	line = append(append(line, '/'), className(q.Class)...)
	line = append(append(line, "' denied ("...), list...)
	w.line = append(line, ')')
	l.write(w.line)
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
	l.Info(fmt.Sprintf("%s resolving '%s/%s/IN' in zone %s", err, nameText(q[:n]),
		typeName(uint16(q[n])<<8|uint16(q[n+1])), wire.TrimDot(f.zone.name)))
}
