package forwarder

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/wire"
)

// loggers are the categories that the server writes to.
type loggers struct {
	general, network, security, queries, resolver, queryErrors, rateLimit *slog.Logger
}

func newLoggers(l *slog.Logger) loggers {
	of := func(category string) *slog.Logger {
		if l == nil {
			return slog.New(slog.DiscardHandler)
		}
		return l.With(logging.CategoryKey, category)
	}
	return loggers{
		general: of("general"), network: of("network"), security: of("security"),
		queries: of("queries"), resolver: of("resolver"), queryErrors: of("query-errors"),
		rateLimit: of("rate-limit"),
	}
}

// isLogged reports whether BIND's log of queries has a query: one that it looks
// for data for, or says BADCOOKIE to.
func isLogged(fault wire.Fault, q *query) bool {
	return fault == wire.Sound && (q.Class == wire.ClassIN || q.Class == wire.ClassCH || q.Class == wire.ClassANY && q.Type == wire.TypeTKEY)
}

// logQuery writes the current query to the query log, in BIND's words.
func (w *worker) logQuery(q *query) {
	l := w.logs.queries
	if !l.Enabled(context.Background(), slog.LevelInfo) || w.isProbe(q) {
		return
	}
	name := nameText(q.Name())
	l.Info(fmt.Sprintf("client @0x%x %s (%s): query: %s %s %s %s (%s)%s", q.addr.Port(), who(&q.client), name,
		name, className(q.Class), typeName(q.Type), w.queryFlags(q), q.local.Addr(), subnetText(q.EDNS.ECS)))
}

// subnetText is a client subnet as BIND's log of queries has it.
func subnetText(ecs []byte) string {
	if ecs == nil {
		return ""
	}
	addr := "<unknown address, family 0>"
	switch family, bits := ecs[1], ecs[4:]; family {
	case 1:
		var a [4]byte
		copy(a[:], bits)
		addr = netip.AddrFrom4(a).String()
	case 2:
		var a [16]byte
		copy(a[:], bits)
		addr = netip.AddrFrom16(a).String()
	}
	return fmt.Sprintf(" [ECS %s/%d/0]", addr, ecs[2])
}

// who is a client as BIND writes it.
func who(c *client) string { return host.Address(c.addr) }

// nameText is a name as BIND writes it, without the dot of the root.
func nameText(name []byte) string {
	var b strings.Builder
	for len(name) > 1 {
		n := 1 + int(name[0])
		for _, c := range name[1:n] {
			switch {
			case strings.IndexByte("\"().;\\@$", c) >= 0:
				b.WriteByte('\\')
				b.WriteByte(c)
			case c <= ' ' || c >= 0x7f:
				fmt.Fprintf(&b, "\\%03d", c)
			default:
				b.WriteByte(c)
			}
		}
		if name = name[n:]; len(name) > 1 {
			b.WriteByte('.')
		}
	}
	if b.Len() == 0 {
		return "."
	}
	return b.String()
}

// otherNames are types that BIND 9.18 calls otherwise than miekg/dns.
var otherNames = map[uint16]string{
	0: "TYPE0", 11: "WKS", 22: "NSAP", 38: "A6", 40: "SINK", 66: "DSYNC", 67: "HHIT", 68: "BRID",
	128: "TYPE128", 259: "DOA", 262: "WALLET",
}

func typeName(t uint16) string {
	if name, ok := otherNames[t]; ok {
		return name
	}
	return dns.Type(t).String()
}

func className(class uint16) string {
	if class == wire.ClassANY {
		return "ANY"
	}
	return dns.Class(class).String()
}

// queryFlags are BIND's letters: recursion desired or not, EDNS and its
// version, TCP, DO, CD, and a cookie that is valid or just present.
func (w *worker) queryFlags(q *query) string {
	var b strings.Builder
	set := func(on bool, s string) {
		if on {
			b.WriteString(s)
		}
	}
	set(q.Flags&wire.RD != 0, "+")
	set(q.Flags&wire.RD == 0, "-")
	set(q.EDNS.Present, fmt.Sprintf("E(%d)", q.EDNS.Version))
	set(q.via == viaTCP, "T")
	set(q.EDNS.DO, "D")
	set(q.Flags&wire.CD != 0, "C")
	if q.EDNS.Cookie != nil {
		good := w.goodCookie(q)
		set(good, "V")
		set(!good, "K")
	}
	return b.String()
}

// logDenied writes which access list turned a question away, in BIND's words: the
// current query's, or where its aliases lead. BIND itself does not name
// allow-query, and is silent about allow-recursion.
func (w *worker) logDenied(q *query, question []byte, why reason) {
	l := w.logs.security
	if !l.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	what, list := w.denied(why)
	l.Info(fmt.Sprintf("client @0x%x %s (%s): %s '%s/%s/%s' denied (%s)", q.addr.Port(), who(&q.client),
		nameText(q.Name()), what, nameText(question[:len(question)-4]),
		typeName(q.Type), className(q.Class), list))
}

// denied returns what an access list denied, and which.
func (w *worker) denied(why reason) (what, by string) {
	switch {
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
